"""`loupe show --draw`: a recipe's network as one picture, before anything is trained."""

from pathlib import Path

import torch

from loupe.errors import DataError, LoupeError
from loupe.figures.network import draw_network
from loupe.figures.style import save_figure
from loupe.inspection.flow import trace_flow
from loupe.recipe import Recipe
from loupe.running.describe_network import find_shapes
from loupe.running.network import build_network
from loupe.running.recipe_data import load_recipe_data, split_recipe_data
from loupe.running.training_setup import choose_normalization

_FORMS = (".png", ".pdf", ".svg")
_DPI = 200


def draw_recipe_network(recipe: Recipe, file: Path) -> str:
    """Draw the network of a recipe into a file, and return what it was drawn on, in words.

    The weights are those that training would start from. The image is the first of the training set; where
    the data is not at hand it is left black.

    Raises:
        LoupeError: the ending of the file is none that can be drawn, or the images do not fit the network.
    """
    if file.suffix.casefold() not in _FORMS:
        raise LoupeError(
            "A network cannot be drawn into such a file.",
            got=file.name,
            allowed="a name that ends in .png, .pdf or .svg",
            next_step="--draw network.svg",
        )
    own = recipe.for_seed(recipe.run.seeds[0]) if recipe.run.seeds else recipe
    (in_channels, height, width), num_classes = find_shapes(own)
    network = build_network(own, in_channels=in_channels, image_size=(height, width), num_classes=num_classes)
    try:
        splits = split_recipe_data(own, load_recipe_data(own))
        picture, names = splits.train.images[0], splits.train.class_names
        given, what = choose_normalization(own, splits).apply(picture[None])[0], "the first training image"
    except DataError:  # a drawing of the network needs no data
        picture = torch.zeros(in_channels, height, width, dtype=torch.uint8)
        given, what = picture.float(), "a black image: the data is not at hand"
        names = tuple(str(number) for number in range(num_classes))
    flow = trace_flow(network.model.cpu(), given, picture, class_names=names)
    file.parent.mkdir(parents=True, exist_ok=True)
    save_figure(draw_network(flow), file, _DPI, form=file.suffix.casefold()[1:])
    return f"{what}, with weights as training starts from them"
