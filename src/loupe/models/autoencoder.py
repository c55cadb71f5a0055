from collections import OrderedDict
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field
from torch import Tensor, nn

from loupe.errors import ShapeError
from loupe.models import register_model
from loupe.models.initialisation import draw_uniform

_Count = Annotated[int, Field(ge=1, le=2**16)]
_OUTPUTS: dict[str, tuple[type[nn.Module], tuple[float, float] | None]] = {
    "sigmoid": (nn.Sigmoid, (0.0, 1.0)),
    "tanh": (nn.Tanh, (-1.0, 1.0)),
    "linear": (nn.Identity, None),
}


@register_model("autoencoder", objective="reconstruction")
def autoencoder(
    *,
    in_channels: int,
    image_size: tuple[int, int],
    num_classes: int,
    widths: Annotated[
        tuple[_Count | tuple[_Count, _Count], ...],
        Field(
            min_length=1,
            description="Units of the encoder's layers, the code last; or [in, out] pairs, which must chain.",
        ),
    ] = (128, 64, 32, 10),
    output: Annotated[
        Literal["sigmoid", "tanh", "linear"],
        Field(description="Last activation; its range must hold the normalised pixels."),
    ] = "sigmoid",
) -> "Autoencoder":
    """Dense layers down to a short code and, mirrored, back to the image; learns without labels.

    ReLU follows every layer but the last. Layers are named as those of `mlp`, so that an mlp of the same
    widths can start from the encoder.

    Raises:
        ShapeError: pairs of widths do not chain.
    """
    pixels = in_channels * image_size[0] * image_size[1]
    chain = chain_widths(pixels, widths)
    encoder: OrderedDict[str, nn.Module] = OrderedDict(flatten=nn.Flatten())
    for number, (before, after) in enumerate(pairwise(chain), start=1):
        encoder[f"dense{number}"] = nn.Linear(before, after)
        encoder[f"relu{number}"] = nn.ReLU()
    decoder: OrderedDict[str, nn.Module] = OrderedDict()
    for number, (before, after) in enumerate(pairwise(chain[::-1]), start=1):
        decoder[f"dense{number}"] = nn.Linear(before, after)
        if number < len(chain) - 1:
            decoder[f"relu{number}"] = nn.ReLU()
    activation, output_range = _OUTPUTS[output]
    decoder[output] = activation()
    decoder["unflatten"] = nn.Unflatten(1, (in_channels, *image_size))
    model = Autoencoder(nn.Sequential(encoder), nn.Sequential(decoder), output_range)
    draw_uniform(model)
    return model


class Autoencoder(nn.Module):
    """An encoder to a code and a decoder back.

    Input and output shape: (batch, channels, height, width). `output_range` holds the least and largest
    value the decoder can give, None if there is no bound.
    """

    def __init__(
        self, encoder: nn.Module, decoder: nn.Module, output_range: tuple[float, float] | None
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder
        self.output_range = output_range

    def forward(self, images: Tensor) -> Tensor:
        reconstructed: Tensor = self.decoder(self.encoder(images))
        return reconstructed


def chain_widths(first: int, widths: tuple[int | tuple[int, int], ...]) -> list[int]:
    """Return the number of units before the first layer and after each.

    Args:
        first: units before the first layer.
        widths: units after each layer, or (before, after) pairs.

    Raises:
        ShapeError: a layer takes another number of units than the one before it gives.
    """
    chain = [first]
    for number, width in enumerate(widths, start=1):
        before, after = width if isinstance(width, tuple) else (chain[-1], width)
        if before != chain[-1]:
            source = f"layer {number - 1} gives" if number > 1 else "the images have"
            raise ShapeError(
                f"The widths of this autoencoder do not chain at layer {number}.",
                got=f"layer {number} takes {before} values, but {source} {chain[-1]}",
                allowed=f"[{chain[-1]}, {after}], or just {after}",
                next_step="mend model.widths",
            )
        chain.append(after)
    return chain
