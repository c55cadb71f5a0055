from collections import OrderedDict
from typing import Annotated, Literal, NamedTuple

from pydantic import Field
from torch import Tensor, nn

from loupe.errors import ShapeError
from loupe.models import register_model

_SMALL = 64  # pixels of the shorter side below which the first two strides are left out


class _StagePlan(NamedTuple):
    expansion: int
    channels: int
    blocks: int
    stride: int


_STAGES = (
    _StagePlan(1, 16, 1, 1),
    _StagePlan(6, 24, 2, 2),
    _StagePlan(6, 32, 3, 2),
    _StagePlan(6, 64, 4, 2),
    _StagePlan(6, 96, 3, 1),
    _StagePlan(6, 160, 3, 2),
    _StagePlan(6, 320, 1, 1),
)
"""Table 2 of the paper."""
_STEM, _LAST = 32, 1280


class InvertedResidual(nn.Module):
    """Widen each pixel, look at its neighbours channel by channel, narrow again; add the input if it fits.

    Args:
        in_channels: of the maps that come in.
        out_channels: of the maps that go out.
        stride: of the 3 x 3 convolution, 1 or 2.
        expansion: how many times wider the middle is.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int, expansion: int) -> None:
        super().__init__()
        middle = in_channels * expansion
        layers: list[nn.Module] = []
        if expansion != 1:
            layers.append(_make_conv(in_channels, middle, 1))
        layers += [
            _make_conv(middle, middle, 3, stride, groups=middle),
            nn.Conv2d(middle, out_channels, 1, bias=False),
            nn.BatchNorm2d(out_channels),
        ]
        self.conv = nn.Sequential(*layers)
        self.adds_input = stride == 1 and in_channels == out_channels

    def forward(self, maps: Tensor) -> Tensor:
        outputs: Tensor = self.conv(maps)
        return maps + outputs if self.adds_input else outputs


@register_model("mobile-net")
def mobile_net(
    *,
    in_channels: int,
    image_size: tuple[int, int],
    num_classes: int,
    width: Annotated[float, Field(ge=0.1, le=2, description="Factor on all channels, in [0.1, 2].")] = 1.0,
    strides: Annotated[
        Literal["auto", "small", "large"],
        Field(
            description='"large" halves the maps five times, as published for 224 pixels; "small" three '
            'times, for 32; "auto" takes what fits the images.'
        ),
    ] = "auto",
    dropout: Annotated[float, Field(ge=0, lt=1, description="Dropout before the head, in [0, 1).")] = 0.2,
) -> nn.Sequential:
    """MobileNetV2 (Sandler et al., 2018, arXiv:1801.04381): few parameters, few multiplications.

    Layers have the names that torchvision's have, so that its weights fit by name (`transfer.weights`).

    Raises:
        ShapeError: the maps are one pixel before they have been halved as often as they are to be.
    """
    is_small = strides == "small" or (strides == "auto" and min(image_size) < _SMALL)
    halvings = 3 if is_small else 5
    if min(image_size) <= 2 ** (halvings - 1):
        smallest = 2 ** (halvings - 1) + 1
        raise ShapeError(
            f"Images of {image_size[0]} x {image_size[1]} pixels are too small for this mobile-net.",
            got=f"{halvings} halvings of the maps, the last of them of a single pixel",
            allowed=f"images of at least {smallest} x {smallest} pixels",
            next_step="use larger images" if is_small else 'set model.strides="small", or use larger images',
        )
    channels = _round_channels(_STEM * width)
    features: list[nn.Module] = [_make_conv(in_channels, channels, 3, 1 if is_small else 2)]
    for number, stage in enumerate(_STAGES):
        out_channels = _round_channels(stage.channels * width)
        for block in range(stage.blocks):
            stride = stage.stride if block == 0 and not (is_small and number == 1) else 1
            features.append(InvertedResidual(channels, out_channels, stride, stage.expansion))
            channels = out_channels
    last = _round_channels(_LAST * max(1.0, width))
    features.append(_make_conv(channels, last, 1))
    model = nn.Sequential(
        OrderedDict(
            features=nn.Sequential(*features),
            pool=nn.AdaptiveAvgPool2d(1),
            flatten=nn.Flatten(),
            classifier=nn.Sequential(nn.Dropout(dropout), nn.Linear(last, num_classes)),
        )
    )
    _draw(model)
    return model


def _make_conv(
    in_channels: int, out_channels: int, kernel_size: int, stride: int = 1, groups: int = 1
) -> nn.Sequential:
    """Return a convolution that keeps the size, a batch norm, and ReLU6."""
    padding = (kernel_size - 1) // 2
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, kernel_size, stride, padding, groups=groups, bias=False),
        nn.BatchNorm2d(out_channels),
        nn.ReLU6(),
    )


def _round_channels(channels: float) -> int:
    """Return the nearest multiple of 8, never more than a tenth below."""
    rounded = max(8, int(channels + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * channels else rounded


def _draw(model: nn.Module) -> None:
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out")
        elif isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, std=0.01)
            nn.init.zeros_(module.bias)
