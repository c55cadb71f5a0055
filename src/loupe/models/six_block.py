from collections import OrderedDict
from typing import Annotated, NamedTuple

from pydantic import Field
from torch import nn

from loupe.errors import ShapeError
from loupe.models import register_model
from loupe.models.initialisation import draw_uniform


class _Block(NamedTuple):
    channels: int
    kernel_size: int
    dropout: float
    is_pooled: bool = False


# The published numbers, odd as they are: the outcome of a search whose record is not.
_BLOCKS = (
    _Block(64, 5, 0.0),
    _Block(119, 5, 0.04, is_pooled=True),
    _Block(221, 3, 0.05),
    _Block(256, 5, 0.02, is_pooled=True),
    _Block(256, 3, 0.09),
    _Block(256, 5, 0.08),
)
_HEAD_DROPOUT = 0.38


@register_model("six-block")
def six_block(
    *,
    in_channels: int,
    image_size: tuple[int, int],
    num_classes: int,
    width: Annotated[float, Field(gt=0, le=4, description="Factor on all channel counts, in (0, 4].")] = 1.0,
    dropout: Annotated[
        float, Field(ge=0, le=2, description="Factor on the published dropout rates, in [0, 2]; 0: none.")
    ] = 1.0,
) -> nn.Sequential:
    """Six convolution blocks with batch norm, channel dropout and average pooling; 4.1 M parameters.

    Each block is convolution (no bias), norm, ReLU, channel dropout, and twice a 2 x 2 average pooling.
    Weights start uniform in ±1 / sqrt(inputs of a unit).

    Raises:
        ShapeError: the images vanish on the way.
    """
    if min(image_size) < 4:
        raise ShapeError(
            f"Images of {image_size[0]} x {image_size[1]} pixels are too small for six-block.",
            got="two halvings of the maps",
            allowed="images of at least 4 x 4 pixels",
            next_step="use larger images, or model=mlp",
        )
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    channels = in_channels
    for number, block in enumerate(_BLOCKS, start=1):
        wide = max(1, round(block.channels * width))
        padding = block.kernel_size // 2
        layers[f"conv{number}"] = nn.Conv2d(channels, wide, block.kernel_size, padding=padding, bias=False)
        layers[f"norm{number}"] = nn.BatchNorm2d(wide)
        layers[f"relu{number}"] = nn.ReLU()
        if block.dropout:
            layers[f"dropout{number}"] = nn.Dropout2d(dropout * block.dropout)
        if block.is_pooled:
            layers[f"pool{number}"] = nn.AvgPool2d(2)
        channels = wide
    layers["pool"] = nn.AdaptiveAvgPool2d(1)
    layers["flatten"] = nn.Flatten()
    layers["dropout"] = nn.Dropout(dropout * _HEAD_DROPOUT)
    layers["logits"] = nn.Linear(channels, num_classes)
    model = nn.Sequential(layers)
    draw_uniform(model)
    return model
