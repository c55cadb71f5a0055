from collections import OrderedDict
from typing import Annotated, Literal, NamedTuple

from pydantic import Field
from torch import nn

from loupe.errors import ShapeError
from loupe.models import register_model
from loupe.models.initialisation import draw_uniform
from loupe.models.layers.fast_max_pool import FastMaxPool2d
from loupe.models.layers.fast_stack import FastStack

_KERNEL_SIZE = 5
_DENSE_WIDTHS = {1: (), 2: (80,), 3: (120, 84)}


class _ConvPlan(NamedTuple):
    channels: int
    padding: int
    is_pooled: bool  # 2 x 2 max-pooling


_CONV_PLANS = {
    1: (_ConvPlan(6, 0, True),),
    2: (_ConvPlan(6, 0, True), _ConvPlan(12, 0, True)),
    4: (
        _ConvPlan(6, 2, False),
        _ConvPlan(12, 2, True),
        _ConvPlan(16, 2, False),
        _ConvPlan(24, 2, True),
    ),
}


@register_model("cnn")
def cnn(
    *,
    in_channels: int,
    image_size: tuple[int, int],
    num_classes: int,
    conv_layers: Annotated[Literal[1, 2, 4], Field(description="Convolutions: 1, 2 or 4.")] = 2,
    dense_layers: Annotated[Literal[1, 2, 3], Field(description="Dense layers: 1, 2 or 3.")] = 2,
    width: Annotated[
        int, Field(ge=1, le=64, description="Factor on the channels 6, 12, 16, 24: 1 to 64.")
    ] = 1,
) -> nn.Sequential:
    """A few 5 x 5 convolutions with max-pooling, then dense layers: the LeNet family.

    One or two convolutions shrink the maps by their kernels; four keep the size (padding 2) and pool
    after each pair. With few convolutions the first dense layer holds most of the parameters: on
    28 x 28 images the one-convolution nets are *larger* than the two-convolution ones. Weights and biases
    start uniform in ±1 / sqrt(inputs of a unit).

    Raises:
        ShapeError: a map becomes smaller than the kernel, or vanishes.
    """
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    channels, size = in_channels, image_size
    for number, plan in enumerate(_CONV_PLANS[conv_layers], start=1):
        size = _size_after_conv(f"conv{number}", size, plan, image_size)
        layers[f"conv{number}"] = nn.Conv2d(
            channels, plan.channels * width, _KERNEL_SIZE, padding=plan.padding
        )
        if plan.is_pooled:  # before the activation: max and ReLU commute, and ReLU then has a quarter to do
            layers[f"pool{number}"] = FastMaxPool2d()
        layers[f"relu{number}"] = nn.ReLU()
        channels = plan.channels * width
    layers["flatten"] = nn.Flatten()
    features = channels * size[0] * size[1]
    for number, dense_width in enumerate(_DENSE_WIDTHS[dense_layers], start=1):
        layers[f"dense{number}"] = nn.Linear(features, dense_width)
        layers[f"dense_relu{number}"] = nn.ReLU()
        features = dense_width
    layers["logits"] = nn.Linear(features, num_classes)
    model = FastStack(layers)
    draw_uniform(model)
    return model


def _size_after_conv(
    layer: str, size: tuple[int, int], plan: _ConvPlan, image_size: tuple[int, int]
) -> tuple[int, int]:
    height, width = (side + 2 * plan.padding - _KERNEL_SIZE + 1 for side in size)
    after = (height // 2, width // 2) if plan.is_pooled else (height, width)
    if min(after) < 1:
        shrinks = f"a {_KERNEL_SIZE} x {_KERNEL_SIZE} kernel, padding {plan.padding}"
        raise ShapeError(
            f"Images of {image_size[0]} x {image_size[1]} pixels are too small for this cnn at {layer}.",
            got=f"{layer} receives maps of {size[0]} x {size[1]} and has {shrinks}"
            + (", then 2 x 2 pooling" if plan.is_pooled else ""),
            allowed="maps that keep at least one pixel",
            next_step="set model.conv_layers=4 (it pads), a smaller conv_layers, or larger images",
        )
    return after
