from collections import OrderedDict
from collections.abc import Callable
from typing import Annotated, Literal

import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from loupe.errors import ShapeError
from loupe.models import register_model

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
    channels = first_width = 16 if len(stages) == 3 else 64
    make_block = _make_block_maker(depth)
    layers: OrderedDict[str, nn.Module] = OrderedDict(
        conv=nn.Conv2d(in_channels, channels, 3, padding=1, bias=False),
        norm=nn.BatchNorm2d(channels),
        relu=nn.ReLU(),
    )
    for number, num_blocks in enumerate(stages, start=1):
        blocks = []
        for index in range(num_blocks):
            stride = 2 if number > 1 and index == 0 else 1
            block = make_block(channels, first_width * 2 ** (number - 1), stride)
            channels = block.out_channels
            blocks.append(block)
        layers[f"stage{number}"] = nn.Sequential(*blocks)
    layers["pool"] = nn.AdaptiveAvgPool2d(1) if pool == "average" else nn.AdaptiveMaxPool2d(1)
    layers["flatten"] = nn.Flatten()
    layers["logits"] = nn.Linear(channels, num_classes)
    model = nn.Sequential(layers)
    _initialise(model)
    return model


class ResidualBlock(nn.Module):
    """Layers, and a shortcut around them that is added before the last ReLU."""

    def __init__(self, layers: OrderedDict[str, nn.Module], shortcut: nn.Module, out_channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(layers)
        self.shortcut = shortcut
        self.relu = nn.ReLU()
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


def _make_block_maker(depth: int) -> Callable[[int, int, int], ResidualBlock]:
    if depth in (20, 56):
        return _make_paper_block
    return _make_bottleneck if depth == 50 else _make_basic_block


def _make_basic_block(channels: int, width: int, stride: int) -> ResidualBlock:
    return ResidualBlock(
        _basic_layers(channels, width, stride), _project(channels, width, stride), out_channels=width
    )


def _make_paper_block(channels: int, width: int, stride: int) -> ResidualBlock:
    shortcut = nn.Identity() if channels == width else PadShortcut(width - channels)
    return ResidualBlock(_basic_layers(channels, width, stride), shortcut, out_channels=width)


def _make_bottleneck(channels: int, width: int, stride: int) -> ResidualBlock:
    layers: OrderedDict[str, nn.Module] = OrderedDict(
        conv1=nn.Conv2d(channels, width, 1, bias=False),
        norm1=nn.BatchNorm2d(width),
        relu1=nn.ReLU(),
        conv2=nn.Conv2d(width, width, 3, stride=stride, padding=1, bias=False),
        norm2=nn.BatchNorm2d(width),
        relu2=nn.ReLU(),
        conv3=nn.Conv2d(width, 4 * width, 1, bias=False),
        norm3=nn.BatchNorm2d(4 * width),
    )
    return ResidualBlock(layers, _project(channels, 4 * width, stride), out_channels=4 * width)


def _basic_layers(channels: int, width: int, stride: int) -> OrderedDict[str, nn.Module]:
    return OrderedDict(
        conv1=nn.Conv2d(channels, width, 3, stride=stride, padding=1, bias=False),
        norm1=nn.BatchNorm2d(width),
        relu1=nn.ReLU(),
        conv2=nn.Conv2d(width, width, 3, padding=1, bias=False),
        norm2=nn.BatchNorm2d(width),
    )


def _project(channels: int, out_channels: int, stride: int) -> nn.Module:
    """Return the identity where shapes agree, else a 1 x 1 convolution with norm."""
    if stride == 1 and channels == out_channels:
        return nn.Identity()
    return nn.Sequential(
        OrderedDict(
            conv=nn.Conv2d(channels, out_channels, 1, stride=stride, bias=False),
            norm=nn.BatchNorm2d(out_channels),
        )
    )


def _initialise(model: nn.Module) -> None:
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.ones_(module.weight)
            nn.init.zeros_(module.bias)
