"""The network of a recipe, without its data where the shapes are known beforehand."""

from loupe.data.sources import find_known_shapes
from loupe.models.layer_table import LayerTable, describe_layers
from loupe.recipe import Recipe
from loupe.running.network import build_network
from loupe.running.training_setup import load_recipe_data


def describe_recipe_layers(recipe: Recipe) -> tuple[LayerTable, tuple[str, ...]]:
    """Return the layer table of a recipe's network, and what was copied into it and frozen.

    Raises:
        ShapeError: the images are too small for the network.
        DataError: the dataset's shapes are known only from its images, and those are missing.
    """
    (in_channels, *size), num_classes = find_shapes(recipe)
    image_size = (size[0], size[1])
    seeds = recipe.run.seeds
    network = build_network(
        recipe.for_seed(seeds[0]) if seeds else recipe,
        in_channels=in_channels,
        image_size=image_size,
        num_classes=num_classes,
    )
    layers = describe_layers(network.model, in_channels=in_channels, image_size=image_size)
    return layers, (*network.notes, *network.warnings)


def find_shapes(recipe: Recipe) -> tuple[tuple[int, ...], int]:
    """Return (channels, height, width) of the images and the number of classes."""
    known = find_known_shapes(recipe.data.name, recipe.data.settings)
    if known is not None:
        image_shape, num_classes = known
        return image_shape, len(recipe.data.classes) if recipe.data.classes else num_classes
    train = load_recipe_data(recipe).train
    return tuple(train.images.shape[1:]), train.num_classes
