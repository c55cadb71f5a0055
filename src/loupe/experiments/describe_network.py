"""The network of a recipe, without its data where the shapes are known beforehand."""

from loupe.data import SOURCES
from loupe.experiments.bench import load_recipe_data
from loupe.models import build_model
from loupe.models.layer_table import LayerTable, describe_layers
from loupe.recipe import Recipe
from loupe.runtime import Streams


def describe_recipe_layers(recipe: Recipe) -> LayerTable:
    """Return the layer table of a recipe's network.

    Raises:
        ShapeError: the images are too small for the network.
        DataError: the dataset's shapes are known only from its images, and those are missing.
    """
    (in_channels, *size), num_classes = find_shapes(recipe)
    image_size = (size[0], size[1])
    with Streams(recipe.run.seed).as_global("model"):
        model = build_model(
            recipe.model.name,
            in_channels=in_channels,
            image_size=image_size,
            num_classes=num_classes,
            **recipe.model.settings,
        )
    return describe_layers(model, in_channels=in_channels, image_size=image_size)


def find_shapes(recipe: Recipe) -> tuple[tuple[int, ...], int]:
    """Return (channels, height, width) of the images and the number of classes."""
    facts = SOURCES.facts(recipe.data.name)
    if "image_shape" in facts:
        classes = recipe.data.classes
        return facts["image_shape"], len(classes) if classes else facts["num_classes"]
    train = load_recipe_data(recipe).train
    return tuple(train.images.shape[1:]), train.num_classes
