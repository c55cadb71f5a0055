from collections import OrderedDict
from typing import Annotated, Literal

from pydantic import Field
from torch import Tensor, nn

from loupe.errors import ShapeError
from loupe.models import register_model
from loupe.models.initialisation import start_as_identity
from loupe.models.layers.handwritten import GlobalMaxPool
from loupe.models.layers.scale import Scale
from loupe.models.layers.shift_norm import ShiftNorm2d
from loupe.models.layers.whitening import WhiteningConv2d

# of each batch in the running statistics: few steps, whose weights move fast
_NORM_MOMENTUM = 0.4

_Width = Annotated[int, Field(ge=1, le=4096)]


@register_model("fast-net")
def fast_net(
    *,
    in_channels: int,
    image_size: tuple[int, int],
    num_classes: int,
    widths: Annotated[
        tuple[_Width, ...],
        Field(min_length=1, max_length=5, description="Channels of each group, 1 to 4,096."),
    ] = (64, 256, 256),
    convs: Annotated[
        Literal[2, 3],
        Field(description="Convolutions a group; with three, a shortcut goes around the last two."),
    ] = 2,
    whitening_size: Annotated[
        int, Field(ge=1, le=5, description="Side of the first layer's patches in pixels, 1 to 5.")
    ] = 2,
    head_scale: Annotated[float, Field(gt=0, le=1, description="Factor on the logits, in (0, 1].")] = 1 / 9,
) -> nn.Sequential:
    """Learns in few epochs: a whitening first layer, three groups that halve the maps, a scaled head.

    The network of airbench (K. Jordan, 2024): 64, 256, 256 channels and two convolutions a group; 128, 384,
    384 and 128, 384, 512 with three are its larger ones. A group is convolution, 2 x 2 max-pooling, norm,
    GELU, and then convolution, norm, GELU. Convolutions have no bias and start as the identity on their
    input's channels, norms learn no scale. The filters of the first layer, `whitening`, come from training
    images and are not trained; `train.freeze_later` can stop its bias as well.

    Raises:
        ShapeError: the images vanish on the way.
    """
    smallest = 2 ** len(widths) + whitening_size - 1
    if min(image_size) < smallest:
        raise ShapeError(
            f"Images of {image_size[0]} x {image_size[1]} pixels are too small for this fast-net.",
            got=f"patches of {whitening_size} x {whitening_size} and {len(widths)} halvings of the maps",
            allowed=f"images of at least {smallest} x {smallest} pixels",
            next_step="set fewer model.widths, or use larger images",
        )
    whitening = WhiteningConv2d(in_channels, whitening_size)
    layers: OrderedDict[str, nn.Module] = OrderedDict(whitening=whitening, gelu=nn.GELU())
    channels = whitening.out_channels
    for number, width in enumerate(widths, start=1):
        layers[f"group{number}"] = FastGroup(channels, width, convs)
        channels = width
    layers["pool"] = GlobalMaxPool()
    layers["flatten"] = nn.Flatten()
    layers["scale"] = Scale(head_scale)
    layers["logits"] = nn.Linear(channels, num_classes, bias=False)
    return nn.Sequential(layers)


class FastGroup(nn.Module):
    """Convolution, pooling to half the size, norm and GELU; then one or two more without pooling.

    With three convolutions a shortcut skips the last two: from behind the first GELU to before the last.

    Input shape: (batch, in_channels, height, width).
    Output shape: (batch, channels, height // 2, width // 2).
    """

    def __init__(self, in_channels: int, channels: int, num_convs: int) -> None:
        super().__init__()
        self.conv1 = _make_conv(in_channels, channels)
        self.pool = nn.MaxPool2d(2)
        self.norm1 = _make_norm(channels)
        self.gelu1 = nn.GELU()
        self.conv2 = _make_conv(channels, channels)
        self.norm2 = _make_norm(channels)
        self.gelu2 = nn.GELU()
        self.has_shortcut = num_convs == 3
        if self.has_shortcut:
            self.conv3 = _make_conv(channels, channels)
            self.norm3 = _make_norm(channels)
            self.gelu3 = nn.GELU()

    def forward(self, maps: Tensor) -> Tensor:
        halved = self.gelu1(self.norm1(self.pool(self.conv1(maps))))
        result: Tensor = self.gelu2(self.norm2(self.conv2(halved)))
        if self.has_shortcut:
            result = self.gelu3(self.norm3(self.conv3(result)) + halved)
        return result


def _make_conv(in_channels: int, channels: int) -> nn.Conv2d:
    conv = nn.Conv2d(in_channels, channels, 3, padding=1, bias=False)
    start_as_identity(conv)
    return conv


def _make_norm(channels: int) -> ShiftNorm2d:
    return ShiftNorm2d(channels, momentum=_NORM_MOMENTUM)
