from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from typing import Annotated, Literal, NamedTuple

import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from loupe.errors import ShapeError
from loupe.models import register_model
from loupe.models.layers import handwritten


class LayerMakers(NamedTuple):
    """What a residual network is built from: one class or function a kind of layer."""

    conv: Callable[..., nn.Module]
    norm: Callable[[int], nn.Module]
    relu: Callable[[], nn.Module]
    average_pool: Callable[[], nn.Module]
    max_pool: Callable[[], nn.Module]
    linear: Callable[[int, int], nn.Module]


_LAYERS = {
    "torch": LayerMakers(
        conv=nn.Conv2d,
        norm=nn.BatchNorm2d,
        relu=nn.ReLU,
        average_pool=partial(nn.AdaptiveAvgPool2d, 1),
        max_pool=partial(nn.AdaptiveMaxPool2d, 1),
        linear=nn.Linear,
    ),
    "handwritten": LayerMakers(
        conv=handwritten.Conv2d,
        norm=handwritten.BatchNorm,
        relu=handwritten.ReLU,
        average_pool=handwritten.GlobalAvgPool,
        max_pool=handwritten.GlobalMaxPool,
        linear=handwritten.Linear,
    ),
}
_BLOCKS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3), 20: (3, 3, 3), 56: (9, 9, 9)}


@register_model("resnet")
def resnet(
    *,
    in_channels: int,
    image_size: tuple[int, int],
    num_classes: int,
    depth: Annotated[
        Literal[18, 34, 50, 20, 56],
        Field(description="Layers: 18, 34, 50 (64 to 512 channels), or 20, 56 (16 to 64 channels)."),
    ] = 18,
    pool: Annotated[
        Literal["average", "max"], Field(description="How the last maps become one number a channel.")
    ] = "average",
    layers: Annotated[
        Literal["torch", "handwritten"],
        Field(description="Whose layers: torch's, or Loupe's own written to be read (slower, equal)."),
    ] = "torch",
) -> nn.Sequential:
    """Residual networks in their CIFAR form: a 3 x 3 stem and no early pooling (He et al., 2016).

    Depths 18, 34 and 50 have the four stages of the ImageNet networks, 20 and 56 are those the paper trains
    on CIFAR-10, with shortcuts free of parameters. Weights start from He's normal distribution (fan out),
    scales at 1, shifts at 0.

    Raises:
        ShapeError: the images vanish on the way.
    """
    stages = _BLOCKS[depth]
    smallest = 2 ** (len(stages) - 1)
    if min(image_size) < smallest:
        raise ShapeError(
            f"Images of {image_size[0]} x {image_size[1]} pixels are too small for resnet {depth}.",
            got=f"{len(stages) - 1} halvings of the maps",
            allowed=f"images of at least {smallest} x {smallest} pixels",
            next_step="choose model.depth=20, or larger images",
        )
    make = _LAYERS[layers]
    channels = first_width = 16 if len(stages) == 3 else 64
    make_block = _make_block_maker(depth)
    parts: OrderedDict[str, nn.Module] = OrderedDict(
        conv=make.conv(in_channels, channels, 3, padding=1, bias=False),
        norm=make.norm(channels),
        relu=make.relu(),
    )
    for number, num_blocks in enumerate(stages, start=1):
        blocks = []
        for index in range(num_blocks):
            stride = 2 if number > 1 and index == 0 else 1
            block = make_block(make, channels, first_width * 2 ** (number - 1), stride)
            channels = block.out_channels
            blocks.append(block)
        parts[f"stage{number}"] = nn.Sequential(*blocks)
    parts["pool"] = make.average_pool() if pool == "average" else make.max_pool()
    parts["flatten"] = nn.Flatten()
    parts["logits"] = make.linear(channels, num_classes)
    model = nn.Sequential(parts)
    _initialise(model)
    return model


class ResidualBlock(nn.Module):
    """Layers, and a shortcut around them that is added before the last ReLU."""

    def __init__(
        self, layers: OrderedDict[str, nn.Module], shortcut: nn.Module, relu: nn.Module, out_channels: int
    ) -> None:
        super().__init__()
        self.layers = nn.Sequential(layers)
        self.shortcut = shortcut
        self.relu = relu
        self.out_channels = out_channels

    def forward(self, maps: Tensor) -> Tensor:
        result: Tensor = self.relu(self.layers(maps) + self.shortcut(maps))
        return result


class PadShortcut(nn.Module):
    """Every second pixel, and zeros for the channels that are new (option A of the paper)."""

    def __init__(self, new_channels: int) -> None:
        super().__init__()
        self.new_channels = new_channels

    def forward(self, maps: Tensor) -> Tensor:
        return F.pad(maps[:, :, ::2, ::2], (0, 0, 0, 0, 0, self.new_channels))


def _make_block_maker(depth: int) -> Callable[[LayerMakers, int, int, int], ResidualBlock]:
    if depth in (20, 56):
        return _make_paper_block
    return _make_bottleneck if depth == 50 else _make_basic_block


def _make_basic_block(make: LayerMakers, channels: int, width: int, stride: int) -> ResidualBlock:
    layers = _basic_layers(make, channels, width, stride)
    return ResidualBlock(layers, _project(make, channels, width, stride), make.relu(), out_channels=width)


def _make_paper_block(make: LayerMakers, channels: int, width: int, stride: int) -> ResidualBlock:
    shortcut = nn.Identity() if channels == width else PadShortcut(width - channels)
    layers = _basic_layers(make, channels, width, stride)
    return ResidualBlock(layers, shortcut, make.relu(), out_channels=width)


def _make_bottleneck(make: LayerMakers, channels: int, width: int, stride: int) -> ResidualBlock:
    layers: OrderedDict[str, nn.Module] = OrderedDict(
        conv1=make.conv(channels, width, 1, bias=False),
        norm1=make.norm(width),
        relu1=make.relu(),
        conv2=make.conv(width, width, 3, stride=stride, padding=1, bias=False),
        norm2=make.norm(width),
        relu2=make.relu(),
        conv3=make.conv(width, 4 * width, 1, bias=False),
        norm3=make.norm(4 * width),
    )
    shortcut = _project(make, channels, 4 * width, stride)
    return ResidualBlock(layers, shortcut, make.relu(), out_channels=4 * width)


def _basic_layers(make: LayerMakers, channels: int, width: int, stride: int) -> OrderedDict[str, nn.Module]:
    return OrderedDict(
        conv1=make.conv(channels, width, 3, stride=stride, padding=1, bias=False),
        norm1=make.norm(width),
        relu1=make.relu(),
        conv2=make.conv(width, width, 3, padding=1, bias=False),
        norm2=make.norm(width),
    )


def _project(make: LayerMakers, channels: int, out_channels: int, stride: int) -> nn.Module:
    """Return the identity where shapes agree, else a 1 x 1 convolution with norm."""
    if stride == 1 and channels == out_channels:
        return nn.Identity()
    return nn.Sequential(
        OrderedDict(
            conv=make.conv(channels, out_channels, 1, stride=stride, bias=False),
            norm=make.norm(out_channels),
        )
    )


def _initialise(model: nn.Module) -> None:
    for module in model.modules():
        if isinstance(module, nn.Conv2d | handwritten.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        elif isinstance(module, nn.BatchNorm2d | handwritten.BatchNorm):
            assert module.weight is not None
            assert module.bias is not None
            nn.init.ones_(module.weight)
            nn.init.zeros_(module.bias)
