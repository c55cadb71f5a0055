"""The arithmetic of one number: what was multiplied, added, normalised and rectified to make it."""

import contextlib
import copy
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from loupe.errors import LoupeError
from loupe.inspection.calls import Call, record_calls
from loupe.inspection.capture import find_layer, list_layer_names
from loupe.inspection.windows import cut_window, find_padding, multiplies_window, read_pair
from loupe.training.measure import evaluating


@dataclass(frozen=True)
class ReceptiveField:
    """The pixels of the input that a number can depend on: rows and columns, the last ones included."""

    first_row: int
    last_row: int
    first_column: int
    last_column: int


@dataclass(frozen=True)
class Step:
    """What a following layer did with the number.

    Args:
        layer: name of the layer.
        kind: class of the module.
        before: the number it received.
        after: the number it gave; of pooling, the number of the window it went into.
    """

    layer: str
    kind: str
    before: float
    after: float


@dataclass(frozen=True, eq=False)
class Arithmetic:
    """How one output of a convolution or dense layer came about, for one image.

    Args:
        layer: name of the layer.
        channel: which filter or unit, from 0.
        row: of the output map, from 0; 0 for a dense layer.
        column: of the output map, from 0; 0 for a dense layer.
        window: (channels, height, width) float64, the inputs that were multiplied, padding included.
        weights: of the same shape, what they were multiplied with.
        is_padding: (height, width) bool, which cells of the window lie outside the maps.
        bias: what was added; 0 if the layer has none.
        value: what the layer itself computed.
        steps: what the following layers made of it, as far as it stays one number.
        receptive_field: what of the image it can depend on; None if that was not asked for.
    """

    layer: str
    channel: int
    row: int
    column: int
    window: Tensor
    weights: Tensor
    is_padding: Tensor
    bias: float
    value: float
    steps: tuple[Step, ...]
    receptive_field: ReceptiveField | None

    @property
    def products(self) -> Tensor:
        """(channels, height, width) float64, window times weights."""
        return self.window * self.weights

    @property
    def total(self) -> float:
        """Sum of the products and the bias; equal to `value` up to rounding."""
        return float(self.products.sum()) + self.bias


def show_arithmetic(
    model: nn.Module,
    image: Tensor,
    layer: str,
    channel: int,
    row: int = 0,
    column: int = 0,
    *,
    finds_field: bool = True,
) -> Arithmetic:
    """Return how one number of a convolution or dense layer came about.

    Args:
        model: any network.
        image: (channels, height, width) float, as the network takes it, on its device.
        layer: name of a convolution or dense layer.
        channel: which filter or unit, from 0; of a dense layer on tokens which token.
        row: of the output map, from 0; of a dense layer on tokens which unit.
        column: of the output map, from 0.
        finds_field: find the receptive field too, which takes longer than all the rest.

    Raises:
        LoupeError: the layer multiplies nothing, or the location lies outside its output.
    """
    module = find_layer(model, layer)
    weight = getattr(module, "weight", None)
    if not isinstance(weight, Tensor) or not multiplies_window(module):
        able = [name for name in list_layer_names(model) if multiplies_window(find_layer(model, name))]
        raise LoupeError(
            f"The layer {layer!r} does not multiply a window with weights.",
            got=type(module).__name__,
            allowed=", ".join(able),
            next_step="choose a convolution or a dense layer",
        )
    calls = record_calls(model, image[None])
    own = next((index for index, call in enumerate(calls) if call.name == layer), None)
    if own is None:
        raise LoupeError(f"The layer {layer!r} takes no part in the forward pass.", got=layer)
    inputs, output = calls[own].inputs[0].double(), calls[own].output[0]
    _refuse_outside(layer, output, channel, row, column)
    unit = row if weight.ndim == 2 and output.ndim == 2 else channel
    if weight.ndim == 4:
        window, own_weights = cut_window(module, inputs, channel, row, column)
    else:  # of tokens, each is multiplied by itself
        window = (inputs.reshape(-1, inputs.shape[-1])[channel] if output.ndim == 2 else inputs).reshape(
            -1, 1, 1
        )
        own_weights = weight[unit]
    bias = getattr(module, "bias", None)
    return Arithmetic(
        layer=layer,
        channel=channel,
        row=row,
        column=column,
        window=window.cpu(),
        weights=own_weights.detach().double().view_as(window).cpu(),
        is_padding=find_padding(module, inputs, window, (channel, row, column)).cpu(),
        bias=float(bias.detach()[unit]) if isinstance(bias, Tensor) else 0.0,
        value=float(output[(channel, row, column)[: output.ndim]]),
        steps=_follow(calls, own, channel, row, column),
        receptive_field=find_receptive_field(model, tuple(image.shape), layer, row, column)
        if finds_field
        else None,
    )


def find_receptive_field(
    model: nn.Module, image_shape: tuple[int, ...], layer: str, row: int = 0, column: int = 0
) -> ReceptiveField:
    """Return the smallest rectangle of the input that holds all a number can depend on.

    Found by letting "not a number" in: a row of the image that turns the output into nan is seen by it. That
    is exact for any network, shortcuts and gates included.

    Args:
        model: any network; a copy in double precision is run.
        image_shape: (channels, height, width).
        layer: name of a layer.
        row: of its output map, from 0.
        column: of its output map, from 0.
    """
    channels, height, width = image_shape
    double = copy.deepcopy(model).double().cpu()  # other precisions may take shortcuts that spread nan

    def find_seen(rows: Sequence[int], columns: Sequence[int]) -> list[bool]:
        images = torch.zeros(len(rows) + len(columns), channels, height, width, dtype=torch.float64)
        for number, index in enumerate(rows):
            images[number, :, index, :] = torch.nan
        for number, index in enumerate(columns, start=len(rows)):
            images[number, :, :, index] = torch.nan
        output = run_until(double, images, layer)
        numbers = output[:, :, row, column] if output.ndim == 4 else output.flatten(1)
        seen: list[bool] = numbers.isnan().any(1).tolist()
        return seen

    whole = ReceptiveField(0, height - 1, 0, width - 1)
    if all(find_seen([0, height - 1], [0, width - 1])):  # deep layers often see it all, and cost most
        return whole
    seen = find_seen(range(height), range(width))
    rows = [index for index in range(height) if seen[index]]
    columns = [index for index in range(width) if seen[height + index]]
    if not rows or not columns:
        return whole  # it depends on nothing, or stops every nan
    return ReceptiveField(rows[0], rows[-1], columns[0], columns[-1])


class _ReachedError(Exception):
    """Ends a forward pass at the layer that was wanted."""


def run_until(model: nn.Module, images: Tensor, layer: str) -> Tensor:
    """Return the first output of a layer; the layers after it do not run."""
    outputs: list[Tensor] = []

    def hook(module: nn.Module, inputs: object, output: Tensor) -> None:
        outputs.append(output.detach())
        raise _ReachedError

    handle = find_layer(model, layer).register_forward_hook(hook)
    try:
        with evaluating(model), contextlib.suppress(_ReachedError):
            model(images)
    finally:
        handle.remove()
    return outputs[0]


def _follow(calls: list[Call], own: int, channel: int, row: int, column: int) -> tuple[Step, ...]:
    """Return what the next layers made of a number, as long as each takes the output of the one before."""
    steps = []
    current = calls[own]
    location: tuple[int, ...] = (channel, row, column)[: current.output.ndim - 1]
    for call in calls[own + 1 :]:
        if call.source != current.result or call.output.ndim != current.output.ndim:
            continue
        if call.output.shape[1] != current.output.shape[1]:
            break
        after = location
        if call.output.shape != call.inputs.shape:
            if "Pool" not in type(call.module).__name__ or call.output.shape[-1] * call.output.shape[-2] == 1:
                break
            (stride_y, stride_x) = read_pair(call.module, "stride")
            after = (channel, location[1] // stride_y, location[2] // stride_x)
            if after[1] >= call.output.shape[2] or after[2] >= call.output.shape[3]:
                break  # the pooling leaves the last row or column out
        steps.append(
            Step(
                call.name,
                type(call.module).__name__,
                float(current.output[(0, *location)]),
                float(call.output[(0, *after)]),
            )
        )
        current, location = call, after
        if len(list(call.module.parameters())) and getattr(call.module, "weight", None) is not None:
            weight = call.module.weight
            if isinstance(weight, Tensor) and weight.ndim > 1:
                steps.pop()
                break
    return tuple(steps)


def _refuse_outside(layer: str, output: Tensor, channel: int, row: int, column: int) -> None:
    sizes = (*output.shape, 1, 1)[:3]
    for name, index, size in zip(("channel", "row", "column"), (channel, row, column), sizes, strict=True):
        if not 0 <= index < size:
            raise LoupeError(
                f"The layer {layer!r} has no {name} {index}.",
                got=f"{name} {index}",
                allowed=f"0 to {size - 1}",
                next_step=f"choose a {name} in that range",
            )
