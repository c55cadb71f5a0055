"""The weights a network learnt, as pictures: kernels of convolutions, and dense weights on the image."""

from dataclasses import dataclass

from torch import Tensor, nn

from loupe.errors import LoupeError, suggest
from loupe.inspection.capture import find_layer, list_layer_names


@dataclass(frozen=True, eq=False)
class Filters:
    """The filters of one layer.

    Args:
        layer: name of the layer.
        weights: (filters, channels, height, width) float32 on the CPU; a dense layer's weights have the
            shape of the image.
    """

    layer: str
    weights: Tensor

    @property
    def largest(self) -> float:
        """The largest weight in absolute value: the end of the one scale all filters share."""
        return float(self.weights.abs().max())


def list_filter_layers(model: nn.Module, image_shape: tuple[int, int, int]) -> list[str]:
    """Return the layers whose weights can be drawn: convolutions, and dense layers that see the image.

    Args:
        model: any network.
        image_shape: (channels, height, width) of its images.
    """
    return [name for name in list_layer_names(model) if _shape_weights(find_layer(model, name), image_shape)]


def read_filters(model: nn.Module, layer: str | None, image_shape: tuple[int, int, int]) -> Filters:
    """Return the filters of a layer, the first that has some if none is named.

    Raises:
        LoupeError: there is no such layer, or it has no filters.
    """
    drawable = list_filter_layers(model, image_shape)
    if layer is not None:
        find_layer(model, layer)
    if not drawable or (layer is not None and layer not in drawable):
        raise LoupeError(
            f"{layer or type(model).__name__} has no filters to draw.",
            got=layer,
            allowed=", ".join(drawable) or "a network with a convolution, or a dense layer on the image",
            nearest=suggest(layer, drawable) if layer else None,
            next_step="choose one of these layers" if drawable else None,
        )
    chosen = layer or drawable[0]
    weight = find_layer(model, chosen).weight
    assert isinstance(weight, Tensor)
    shape = _shape_weights(find_layer(model, chosen), image_shape)
    assert shape is not None
    return Filters(chosen, weight.detach().float().cpu().reshape(shape))


def _shape_weights(module: nn.Module, image_shape: tuple[int, int, int]) -> tuple[int, ...] | None:
    """Return the shape of a layer's weights as pictures; None if they are none."""
    weight = getattr(module, "weight", None)
    if not isinstance(weight, Tensor):
        return None
    if weight.ndim == 4:
        return tuple(weight.shape)
    channels, height, width = image_shape
    sees_image = weight.ndim == 2 and weight.shape[1] == channels * height * width
    return (len(weight), *image_shape) if sees_image else None
