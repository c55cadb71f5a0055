"""Networks: one file each. Every model takes plain arguments and returns logits.

Shapes in this package: images are (batch, channels, height, width) float; logits are
(batch, classes) float.
"""

from typing import TYPE_CHECKING, Any, Literal

from loupe.errors import LoupeError, ShapeError
from loupe.registry import Registry

if TYPE_CHECKING:
    from torch import nn

ObjectiveName = Literal["classification", "reconstruction"]

MODELS = Registry(
    "model",
    "loupe.models",
    given=("in_channels", "image_size", "num_classes"),
    list_command="loupe models",
)
register_model = MODELS.register


def objective_of(name: str) -> ObjectiveName:
    """Return what a model is for: classification, unless it was registered with another `objective`.

    Raises:
        UnknownNameError: there is no such model.
    """
    objective: ObjectiveName = MODELS.facts(name).get("objective", "classification")
    return objective


def build_model(
    name: str, *, in_channels: int, image_size: tuple[int, int], num_classes: int, **settings: Any
) -> "nn.Module":
    """Return the network called `name`, fitted to the images.

    Weights are drawn from torch's global generator; `Streams.as_global` makes them reproducible.

    Args:
        name: registered name; `loupe models` lists them.
        in_channels: channels of the images, ≥ 1.
        image_size: height and width of the images in pixels.
        num_classes: number of logits, ≥ 2.
        settings: the model's own settings.

    Raises:
        UnknownNameError: there is no such model.
        LoupeError: a setting is unknown or out of range.
        ShapeError: the images are too small for the network.
    """
    from torch import nn  # here: what is only said of models, as in a list of runs, loads no torch

    _refuse_impossible_shapes(in_channels, image_size, num_classes)
    shapes: dict[str, Any] = {
        "in_channels": in_channels,
        "image_size": tuple(image_size),
        "num_classes": num_classes,
    }
    try:
        model = MODELS.build(name, settings, **shapes)
    except RuntimeError as error:  # torch says so when the memory does not suffice
        raise ShapeError(
            f"Model {name!r} cannot be built with these settings.",
            got=str(error).partition("\n")[0],
            allowed="a network that fits into memory",
            next_step="make it smaller",
        ) from None
    if not isinstance(model, nn.Module):
        raise LoupeError(
            f"The builder of model {name!r} does not return a network.",
            got=type(model).__name__,
            allowed="a torch.nn.Module",
            next_step="return the network at the end of the builder",
        )
    return model


def _refuse_impossible_shapes(in_channels: object, image_size: object, num_classes: object) -> None:
    def is_count(value: object, least: int) -> bool:
        return isinstance(value, int) and not isinstance(value, bool) and value >= least

    is_size = isinstance(image_size, tuple | list) and len(image_size) == 2
    if not (
        is_count(in_channels, 1)
        and is_size
        and all(is_count(side, 1) for side in image_size)  # type: ignore[attr-defined]  # is_size says so
        and is_count(num_classes, 2)
    ):
        raise ShapeError(
            "A model cannot be built for images of this shape.",
            got=f"in_channels={in_channels!r}, image_size={image_size!r}, num_classes={num_classes!r}",
            allowed="in_channels ≥ 1, image_size (height, width) each ≥ 1, num_classes ≥ 2",
        )
