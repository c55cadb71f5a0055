"""What a layer without weights for a window did to make one number: rectified, normalised, pooled …"""

from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from loupe.errors import LoupeError
from loupe.inspection.calls import Call, record_calls
from loupe.inspection.capture import find_layer
from loupe.inspection.windows import read_pair

_RULES = {
    "ReLU": "max(0, x)",
    "Sigmoid": "1 / (1 + exp(-x))",
    "Tanh": "tanh(x)",
    "Identity": "x, passed on",
    "Flatten": "x, passed on",
    "Unflatten": "x, passed on",
    "Dropout": "x, passed on: dropout works in training only",
    "Dropout2d": "x, passed on: dropout works in training only",
}


@dataclass(frozen=True, eq=False)
class Operation:
    """How one output of a layer that multiplies no window came about, for one image.

    Args:
        layer: name of the layer.
        kind: class of the module.
        rule: what was done, as a formula of the inputs x; "" if it is not known.
        inputs: (height, width) float64, the numbers it was made of; of a pooling the window.
        value: what the layer computed.
        constants: what else went in, by name.
        source: the layer that gave the inputs; None if they come from the network's own code or the image.
        location: channel, row and column of the first input in that layer's output.
        is_padding: (height, width) bool, which inputs lie outside the maps; None if none does.
    """

    layer: str
    kind: str
    rule: str
    inputs: Tensor
    value: float
    constants: dict[str, float] = field(default_factory=dict)
    source: str | None = None
    location: tuple[int, int, int] = (0, 0, 0)
    is_padding: Tensor | None = None


def show_operation(
    model: nn.Module, image: Tensor, layer: str, channel: int, row: int = 0, column: int = 0
) -> Operation:
    """Return how one number of a layer came about that multiplies no window with weights.

    Args:
        model: any network.
        image: (channels, height, width) float, as the network takes it, on its device.
        layer: name of a layer.
        channel: which map or unit, from 0.
        row: of the output map, from 0.
        column: of the output map, from 0.

    Raises:
        LoupeError: there is no such layer, or the location lies outside its output.
    """
    module = find_layer(model, layer)
    calls = record_calls(model, image[None])
    own = next((index for index, call in enumerate(calls) if call.name == layer), None)
    if own is None:
        raise LoupeError(f"The layer {layer!r} takes no part in the forward pass.", got=layer)
    call = calls[own]
    _refuse_outside(call, channel, row, column)
    location = (channel, row, column)
    source = next((one.name for one in reversed(calls[:own]) if one.result == call.source), None)
    value = float(call.output[0][location[: call.output.ndim - 1]])
    rule, inputs, first, constants = _describe(module, call, location)
    return Operation(
        layer,
        type(module).__name__,
        rule,
        inputs.double().cpu(),
        value,
        constants,
        source,
        first,
        _find_padding(module, call, location, inputs),
    )


def _find_padding(
    module: nn.Module, call: Call, location: tuple[int, int, int], inputs: Tensor
) -> Tensor | None:
    """Return which inputs of an average of a window are padding: those of the largest have none."""
    pad_y, pad_x = read_pair(module, "padding")
    is_window = "Pool" in type(module).__name__ and call.inputs.ndim == 4 and hasattr(module, "kernel_size")
    if not is_window or not (pad_y or pad_x) or "Max" in type(module).__name__:
        return None
    stride_y, stride_x = read_pair(module, "stride")
    padded = F.pad(torch.ones(call.inputs.shape[2:]), (pad_x, pad_x, pad_y, pad_y)) == 0
    top, left = location[1] * stride_y, location[2] * stride_x
    found = padded[top:, left:][: inputs.shape[0], : inputs.shape[1]]
    return found if found.shape == inputs.shape and bool(found.any()) else None


Described = tuple[str, Tensor, tuple[int, int, int], dict[str, float]]


def _describe(module: nn.Module, call: Call, location: tuple[int, int, int]) -> Described:
    kind, given, made = type(module).__name__, call.inputs[0], call.output[0]
    if "Norm" in kind and isinstance(getattr(module, "running_mean", None), Tensor):
        return _describe_norm(module, given, location)
    if given.shape == made.shape:
        if kind == "Softmax":
            return "exp(x) / sum of exp over all x", given.reshape(1, -1), location, {}
        return _RULES.get(kind, ""), given[location[: given.ndim]].reshape(1, 1), location, {}
    if given.ndim == 3 and "Pool" in kind and "Max" in kind + getattr(module, "pool", ""):
        return _describe_pool(module, given, made, location, "the largest x")
    if given.ndim == 3 and "Pool" in kind:
        return _describe_pool(module, given, made, location, "the mean of all x")
    if given.numel() == made.numel():  # another shape, the same numbers
        flat = int(torch.arange(made.numel()).view(made.shape)[location[: made.ndim]])
        first = torch.tensor(flat).view(1)
        where = [int(one) for one in torch.unravel_index(first, given.shape)]
        whole = (*where, 0, 0)[:3]
        return "x, passed on", given.flatten()[flat].view(1, 1), (whole[0], whole[1], whole[2]), {}
    return "", given.new_zeros(0, 0), (0, 0, 0), {}


def read_norm_constants(module: nn.Module, channel: int) -> dict[str, float]:
    """Return what a batch norm does to a channel in evaluation: mean, variance, scale, shift and eps.

    Empty of any other layer.
    """
    if not hasattr(module, "running_mean"):
        return {}
    names = {"mean": "running_mean", "variance": "running_var", "scale": "weight", "shift": "bias"}
    found = {}
    for name, attribute in names.items():
        values = getattr(module, attribute, None)
        if isinstance(values, Tensor) and values.ndim == 1:
            found[name] = float(values.detach()[channel])
    return {**found, "eps": float(getattr(module, "eps", 1e-5))} if found else {}


def _describe_norm(module: nn.Module, given: Tensor, location: tuple[int, int, int]) -> Described:
    constants = read_norm_constants(module, location[0])
    rule = "(x - mean) / sqrt(variance + eps)"
    if "scale" in constants:
        rule += " * scale + shift"
    return rule, given[location[: given.ndim]].reshape(1, 1), location, constants


def _describe_pool(
    module: nn.Module, given: Tensor, made: Tensor, location: tuple[int, int, int], rule: str
) -> Described:
    channel, row, column = location
    if made.ndim < 3 or made.shape[1:].numel() == 1:  # over the whole map
        return rule, given[channel], (channel, 0, 0), {}
    (stride_y, stride_x), (pad_y, pad_x) = read_pair(module, "stride"), read_pair(module, "padding")
    height, width = read_pair(module, "kernel_size")
    if not hasattr(module, "kernel_size"):  # as far as one output is from the next
        (height, width) = (stride_y, stride_x)
    top, left = row * stride_y - pad_y, column * stride_x - pad_x
    if "largest" in rule:  # what lies beyond the border is never the largest
        window = given[channel, max(0, top) : top + height, max(0, left) : left + width]
    else:
        padded = F.pad(given[channel], (pad_x, pad_x, pad_y, pad_y))
        window = padded[top + pad_y :, left + pad_x :][:height, :width]
    return rule, window, (channel, max(0, top), max(0, left)), {}


def _refuse_outside(call: Call, channel: int, row: int, column: int) -> None:
    sizes = (*call.output.shape[1:], 1, 1)[:3]
    for name, index, size in zip(("channel", "row", "column"), (channel, row, column), sizes, strict=True):
        if not 0 <= index < size:
            raise LoupeError(
                f"The layer {call.name!r} has no {name} {index}.",
                got=f"{name} {index}",
                allowed=f"0 to {size - 1}",
                next_step=f"choose a {name} in that range",
            )
