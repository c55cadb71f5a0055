"""A layer's numbers written out: the formulas of its size, parameters and work, filled in."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

Shape = tuple[int, ...]


@dataclass(frozen=True)
class LayerRule:
    """Where a layer's numbers come from, in words and formulas for people to read.

    A formula is given only if it comes out at what the network itself did; "" stands for one that is not
    known, as of a module of the user's own.

    Args:
        settings: name and value of what the layer was built with: kernel, stride, padding …
        size: output size from input size, `(28 + 2·1 − 3)/1 + 1 = 28`.
        parameters: `3·3·16·32 + 32 = 4,640`.
        multiply_adds: `28·28 outputs · 32 filters · 3·3·16 weights = 3,612,672`.
    """

    settings: tuple[tuple[str, str], ...] = ()
    size: str = ""
    parameters: str = ""
    multiply_adds: str = ""


NO_RULE = LayerRule()


@dataclass(frozen=True)
class Geometry:
    """How windows lie on maps; a pair is for rows and for columns.

    Args:
        kernel: height and width of a window.
        stride: steps from one window to the next.
        padding: cells added at each of both sides.
        dilation: steps from one cell of a window to the next.
        is_transposed: whether the layer spreads each cell over a window instead.
        output_padding: cells a transposed layer adds at one side.
        rounds_up: whether a window that reaches over the end counts too.
    """

    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]
    dilation: tuple[int, int] = (1, 1)
    is_transposed: bool = False
    output_padding: tuple[int, int] = (0, 0)
    rounds_up: bool = False

    def find_size(self, size: int, axis: int) -> int:
        """Return the size of the output along an axis, 0 for rows and 1 for columns."""
        kernel, stride, padding, dilation = self._along(axis)
        if self.is_transposed:
            reach = dilation * (kernel - 1) + 1
            return (size - 1) * stride - 2 * padding + reach + self.output_padding[axis]
        steps = (size + 2 * padding - dilation * (kernel - 1) - 1) / stride
        if not self.rounds_up:
            return math.floor(steps) + 1
        found = math.ceil(steps) + 1  # a window has to begin inside the maps or their first padding
        return found - 1 if (found - 1) * stride >= size + padding else found

    def write_size(self, size: int, axis: int) -> str:
        """Return the formula of the output size, filled in."""
        kernel, stride, padding, dilation = self._along(axis)
        reach = f"{dilation}·({kernel} − 1)" if dilation > 1 else f"{kernel}"
        if self.is_transposed:
            extra = self.output_padding[axis] + (1 if dilation > 1 else 0)
            tail = f" + {extra}" if extra else ""
            return f"({size} − 1)·{stride} − 2·{padding} + {reach}{tail} = {self.find_size(size, axis)}"
        end = " − 1" if dilation > 1 else ""
        inside = f"({size} + 2·{padding} − {reach}{end})/{stride}"
        is_whole = (size + 2 * padding - dilation * (kernel - 1) - 1) % stride == 0
        if not is_whole:
            inside = f"⌈{inside}⌉" if self.rounds_up else f"⌊{inside}⌋"
        return f"{inside} + 1 = {self.find_size(size, axis)}"

    def _along(self, axis: int) -> tuple[int, int, int, int]:
        return self.kernel[axis], self.stride[axis], self.padding[axis], self.dilation[axis]


def read_geometry(module: nn.Module) -> Geometry | None:
    """Return how a convolution's or pooling's windows lie; None of any other layer.

    Layers written by hand have the attributes of torch's own and are read alike.
    """
    kind = type(module).__name__
    weight = getattr(module, "weight", None)
    is_convolution = isinstance(weight, Tensor) and weight.ndim == 4 and "Conv" in _list_kinds(module)
    is_pooling = "Pool" in kind and getattr(module, "kernel_size", None) is not None
    if not (is_convolution or is_pooling) or not hasattr(module, "stride"):
        return _read_fast_pool(module, kind)
    kernel = _read_pair(module, "kernel_size")
    stride = _read_pair(module, "stride") if getattr(module, "stride", None) is not None else kernel
    padding = _read_padding(module)
    if kernel is None and isinstance(weight, Tensor):
        kernel = (weight.shape[2], weight.shape[3])
    if kernel is None or stride is None or padding is None:
        return None
    return Geometry(
        kernel,
        stride,
        padding,
        _read_pair(module, "dilation") or (1, 1),
        is_transposed="Transpose" in _list_kinds(module),
        output_padding=_read_pair(module, "output_padding") or (0, 0),
        rounds_up=bool(getattr(module, "ceil_mode", False)),
    )


def _read_fast_pool(module: nn.Module, kind: str) -> Geometry | None:
    """Return the windows of a pooling that only names its stride: they lie side by side."""
    stride = _read_pair(module, "stride") if "Pool" in kind and hasattr(module, "stride") else None
    return Geometry(stride, stride, (0, 0)) if stride else None


def _list_kinds(module: nn.Module) -> str:
    return " ".join(one.__name__ for one in type(module).__mro__)


def _read_pair(module: nn.Module, name: str) -> tuple[int, int] | None:
    value: Any = getattr(module, name, None)
    if isinstance(value, int):
        return value, value
    is_pair = (
        isinstance(value, tuple | list) and len(value) == 2 and all(isinstance(one, int) for one in value)
    )
    return (value[0], value[1]) if is_pair else None


def _read_padding(module: nn.Module) -> tuple[int, int] | None:
    value = getattr(module, "padding", 0)
    if value == "valid":
        return 0, 0
    if value == "same":  # as much as keeps the size; odd amounts are not the same at both sides
        kernel, dilation = _read_pair(module, "kernel_size"), _read_pair(module, "dilation") or (1, 1)
        whole = [step * (side - 1) for step, side in zip(dilation, kernel or (0, 0), strict=True)]
        return (whole[0] // 2, whole[1] // 2) if all(one % 2 == 0 for one in whole) else None
    return _read_pair(module, "padding") if hasattr(module, "padding") else (0, 0)


def describe_rule(
    module: nn.Module, given: Shape | None, made: Shape, parameters: int, work: int
) -> LayerRule:
    """Return where a layer's numbers come from.

    Args:
        module: the layer.
        given: shape of its input for one image, without the batch axis; None if it is not one tensor.
        made: shape of its output, likewise.
        parameters: numbers it holds itself.
        work: multiply-adds of one image, as they were counted.
    """
    geometry = read_geometry(module)
    weight = getattr(module, "weight", None)
    if geometry is not None and given is not None and len(given) == len(made) == 3:
        has_kernels = isinstance(weight, Tensor) and weight.ndim == 4
        return _describe_windows(module, geometry, given, made, parameters if has_kernels else 0, work)
    if isinstance(weight, Tensor) and weight.ndim == 2 and made and weight.shape[0] == made[-1]:
        return _describe_dense(weight, made, parameters, work)
    if "Norm" in type(module).__name__:
        return _describe_norm(module, given, parameters)
    return _describe_plain(module, given, made)


def _describe_windows(
    module: nn.Module, geometry: Geometry, given: Shape, made: Shape, parameters: int, work: int
) -> LayerRule:
    sizes = [geometry.find_size(size, axis) for axis, size in enumerate(given[1:])]
    size = ""
    if sizes == list(made[1:]):
        rows, columns = (geometry.write_size(one, axis) for axis, one in enumerate(given[1:]))
        size = rows if rows == columns else f"rows {rows}; columns {columns}"
    groups = getattr(module, "groups", 1)
    settings = [
        ("kernel", _write_pair(geometry.kernel)),
        ("stride", _write_pair(geometry.stride)),
        ("padding", _write_padding(module, geometry)),
    ]
    if geometry.dilation != (1, 1) or parameters:
        settings.append(("dilation", _write_pair(geometry.dilation)))
    if not parameters:
        return LayerRule(tuple(settings), size)
    settings.append(("groups", f"{groups} (each sees its own channels only)" if groups > 1 else "1"))
    height, width = geometry.kernel
    biases = made[0] if isinstance(getattr(module, "bias", None), Tensor) else 0
    bias = f" + {biases}" if biases else ""
    each = given[0] // groups
    count = height * width * each * made[0]
    held = f"{height}·{width}·{each}·{made[0]}{bias}"
    cells, filters = (given, made) if geometry.is_transposed else (made, given)
    per_cell = height * width * (filters[0] // groups)
    side = f"{cells[1]}·{cells[2]} {'input' if geometry.is_transposed else 'output'} places"
    worked = f"{side} × {cells[0]} channels × {height}·{width}·{filters[0] // groups} weights"
    return LayerRule(
        tuple(settings),
        size,
        _write(held, count + biases, parameters)
        if isinstance(getattr(module, "weight", None), nn.Parameter)
        else f"{biases} biases; its {count:,} weights are computed from images, not trained",
        _write(worked, cells[1] * cells[2] * cells[0] * per_cell, work),
    )


def _describe_dense(weight: Tensor, made: Shape, parameters: int, work: int) -> LayerRule:
    outputs, inputs = weight.shape
    has_bias = parameters == outputs * inputs + outputs
    times = math.prod(made[:-1])
    held = f"{inputs}·{outputs}" + (f" + {outputs}" if has_bias else "")
    worked = (f"{times} tokens × " if times > 1 else "") + f"{inputs}·{outputs}"
    return LayerRule(
        (("inputs", f"{inputs:,}"), ("outputs", f"{outputs:,}"), ("bias", "yes" if has_bias else "no")),
        "",
        _write(held, outputs * inputs + (outputs if has_bias else 0), parameters),
        _write(worked, times * inputs * outputs, work),
    )


def _describe_norm(module: nn.Module, given: Shape | None, parameters: int) -> LayerRule:
    settings = []
    channels = getattr(module, "num_features", getattr(module, "num_channels", None))
    if isinstance(channels, int):
        settings.append(("channels", f"{channels:,}"))
    for name, words in (("num_groups", "groups"), ("eps", "eps"), ("momentum", "momentum")):
        value = getattr(module, name, None)
        if isinstance(value, int | float):
            settings.append((words, f"{value:g}"))
    size = f"as its input, {_write_shape(given)}" if given else ""
    own = dict(module.named_parameters(recurse=False))
    held = [
        (own[name].numel(), words)
        for name, words in (("weight", "scales"), ("bias", "shifts"))
        if name in own
    ]
    formula = " + ".join(f"{count:,} {words}" for count, words in held)
    if len(held) != 1:
        formula = _write(formula, sum(count for count, _ in held), parameters) if held else ""
    return LayerRule(tuple(settings), size, formula)


def _describe_plain(module: nn.Module, given: Shape | None, made: Shape) -> LayerRule:
    """Return what can be said of a layer without weights of its own, or of one that is not known."""
    settings = []
    for name, words in (("p", "probability of a zero"), ("negative_slope", "slope below zero"),
                        ("output_size", "output size"), ("factor", "factor")):  # fmt: skip
        value = getattr(module, name, None)
        if isinstance(value, int | float):
            settings.append((words, f"{value:g}"))
        elif isinstance(value, tuple) and all(isinstance(one, int) for one in value):
            settings.append((words, " × ".join(map(str, value))))
    if given is None:
        return LayerRule(tuple(settings))
    if given == made:
        return LayerRule(tuple(settings), f"as its input, {_write_shape(given)}")
    if len(made) == 1 and math.prod(given) == made[0] and len(given) > 1:
        return LayerRule(tuple(settings), f"{'·'.join(map(str, given))} = {made[0]:,}")
    if len(given) == 3 and len(made) in (1, 3) and math.prod(made) == given[0]:
        return LayerRule(tuple(settings), f"one number of each {given[1]} × {given[2]} map: {given[0]:,}")
    return LayerRule(tuple(settings))


def _write(formula: str, value: int, seen: int) -> str:
    """Return a formula with its value; nothing if the network itself has another."""
    return f"{formula} = {value:,}" if value == seen else ""


def _write_pair(pair: Sequence[int]) -> str:
    return f"{pair[0]} × {pair[1]}" if pair[0] != pair[1] else f"{pair[0]}"


def _write_padding(module: nn.Module, geometry: Geometry) -> str:
    mode = getattr(module, "padding_mode", "zeros")
    if geometry.padding == (0, 0):
        return "0"
    filled = "" if getattr(module, "weight", None) is None else f" ({mode})"
    return f"{_write_pair(geometry.padding)}{filled}"


def _write_shape(shape: Shape) -> str:
    return " × ".join(map(str, shape))
