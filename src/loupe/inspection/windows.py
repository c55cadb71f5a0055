"""What a layer multiplies with its weights to make one number: the window under a kernel."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def multiplies_window(module: nn.Module) -> bool:
    """Return whether a layer's numbers are inputs times weights: a convolution, transposed too, or dense."""
    weight = getattr(module, "weight", None)
    return isinstance(weight, Tensor) and weight.ndim in (2, 4)


def slides_window(module: nn.Module) -> bool:
    """Return whether a layer multiplies a window, or all it is given, with weights: convolution or dense."""
    return multiplies_window(module) and not _is_transposed(module)


def _is_transposed(module: nn.Module) -> bool:
    return any("Transpose" in kind.__name__ for kind in type(module).__mro__)  # spreads, not gathers


def find_padding(module: nn.Module, inputs: Tensor, window: Tensor, place: tuple[int, int, int]) -> Tensor:
    """Return which cells of a window, (height, width) bool, lie outside the maps.

    Args:
        module: the layer.
        inputs: what it was given, without the batch axis.
        window: as `cut_window` gives it.
        place: channel, row and column of the number.
    """
    if inputs.ndim != 3 or 0 in window.shape:
        return torch.zeros(window.shape[1:], dtype=torch.bool)
    return cut_window(module, torch.ones_like(inputs), *place, mode="zeros")[0][0] == 0


def cut_window(  # a layer and a place
    module: nn.Module, inputs: Tensor, channel: int, row: int, column: int, *, mode: str | None = None
) -> tuple[Tensor, Tensor]:
    """Return the values under a kernel and their weights, both (channels, height, width).

    Beyond the border the values are as the layer pads. Of a transposed convolution they are the inputs whose
    kernels reach the number, in the order of the map, and none where the stride leaves a gap.

    Args:
        module: a convolution.
        inputs: (channels, height, width), what it was given.
        channel: of the number.
        row: of the number.
        column: of the number.
        mode: how to pad; as the layer does if left out.
    """
    if _is_transposed(module):
        return _gather_window(module, inputs, channel, row, column)
    (stride_y, stride_x), (dilation_y, dilation_x) = (
        read_pair(module, "stride"),
        read_pair(module, "dilation"),
    )
    pad_y, pad_x = read_pair(module, "padding")
    weight = module.weight
    assert isinstance(weight, Tensor)
    filters, in_group, height, width = weight.shape
    group = channel // (filters // (len(inputs) // in_group))
    mode = mode or str(getattr(module, "padding_mode", "zeros"))
    sides = (pad_x, pad_x, pad_y, pad_y)
    whole = F.pad(inputs[None], sides, mode="constant" if mode == "zeros" else mode)[0]
    padded = whole[group * in_group : (group + 1) * in_group]
    top, left = row * stride_y, column * stride_x
    bottom, right = top + dilation_y * (height - 1) + 1, left + dilation_x * (width - 1) + 1
    return padded[:, top:bottom:dilation_y, left:right:dilation_x], weight[channel]


def _gather_window(
    module: nn.Module, inputs: Tensor, channel: int, row: int, column: int
) -> tuple[Tensor, Tensor]:
    weight = module.weight
    assert isinstance(weight, Tensor)
    in_group, out_group = len(inputs) // int(getattr(module, "groups", 1) or 1), weight.shape[1]
    group = channel // out_group
    part = slice(group * in_group, (group + 1) * in_group)
    along = zip((row, column), inputs.shape[1:], weight.shape[2:], strict=True)
    rows, columns = (_find_reaching(module, axis, *one) for axis, one in enumerate(along))
    window = inputs.new_zeros(in_group, len(rows), len(columns))
    weights = weight.new_zeros(window.shape)
    for i, (y, kernel_row) in enumerate(rows):
        for j, (x, kernel_column) in enumerate(columns):
            weights[:, i, j] = weight[part, channel % out_group, kernel_row, kernel_column]
            if 0 <= y < inputs.shape[1] and 0 <= x < inputs.shape[2]:
                window[:, i, j] = inputs[part, y, x]
    return window, weights


def _find_reaching(
    module: nn.Module, axis: int, place: int, length: int, kernel: int
) -> list[tuple[int, int]]:
    """Return the inputs along an axis whose kernels reach a place, each with the part of the kernel."""
    stride, padding, dilation = (read_pair(module, name)[axis] for name in ("stride", "padding", "dilation"))
    reach = [(place + padding - part * dilation, part) for part in reversed(range(kernel))]
    found = [(spread // stride, part) for spread, part in reach if spread % stride == 0]
    return [(index, part) for index, part in found if -kernel <= index < length + kernel]


def read_pair(module: nn.Module, name: str) -> tuple[int, int]:
    """Return a setting of a convolution or pooling, such as its stride, for rows and for columns."""
    value = getattr(module, name, 0 if name == "padding" else 1)
    if value == "same":
        before = getattr(module, "_reversed_padding_repeated_twice", None) or [0, 0, 0, 0]
        return before[2], before[0]
    if value == "valid":
        return 0, 0
    return (value, value) if isinstance(value, int) else (value[0], value[1])
