"""Networks: one file each. Every model takes plain arguments and returns logits.

Shapes in this package: images are (batch, channels, height, width) float; logits are
(batch, classes) float.
"""

from typing import Any

from torch import nn

from loupe.registry import Registry

MODELS = Registry(
    "model",
    "loupe.models",
    given=("in_channels", "image_size", "num_classes"),
    list_command="loupe models",
)
register_model = MODELS.register


def build_model(
    name: str, *, in_channels: int, image_size: tuple[int, int], num_classes: int, **settings: Any
) -> nn.Module:
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
    model: nn.Module = MODELS.build(
        name, settings, in_channels=in_channels, image_size=image_size, num_classes=num_classes
    )
    return model
