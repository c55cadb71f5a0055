"""A run's kernel that slides, with stride and padding: figures for a chapter on theory."""

from collections.abc import Iterator

import numpy as np
import torch.nn.functional as F
from torch import Tensor, nn

from loupe.figures.sliding_windows import draw_sliding_kernel, draw_ways_to_slide
from loupe.inspection.calls import Call
from loupe.models.layer_rules import Geometry, read_geometry
from loupe.publishing.report_figure import ReportFigure

_MOST_SUMS = 3  # channels whose sums are written one by one


def draw_windows(call: Call, image: str) -> Iterator[ReportFigure]:
    """Yield a convolution's kernel at some places, then the same kernel with other strides and paddings.

    Args:
        call: of a convolution that `find_convolution` returns.
        image: in words.
    """
    module, given = call.module, call.inputs[0].float().cpu()
    geometry = read_geometry(module)
    assert geometry is not None
    weight, channel = _weights(module), choose_channel(call.output[0])
    own, kernel = given[0], weight[channel, 0]
    made = call.output[0, channel].float().cpu()
    padding, stride = geometry.padding[0], geometry.stride[0]
    rows, columns = made.shape
    places = [(0, 0), (0, min(1, columns - 1)), (rows // 2, columns // 2)]
    steps = [(*place, _write_sum(module, given, channel, place, geometry)) for place in places]
    bias = ", and a bias b" if isinstance(getattr(module, "bias", None), Tensor) else "; it has no bias"
    channels = ""
    if len(given) > 1:
        channels = f"; the first of its {len(given)} channels is drawn, below it stand the sums of all"
    yield ReportFigure(
        "kernel",
        "A kernel slides",
        f"Kernel {channel} of {call.name} at three of its {rows} × {columns} places, {image}: each number is "
        f"the sum of window times weights{bias}{channels}",
        draw_sliding_kernel(
            F.pad(own, (padding,) * 4).numpy(), kernel.numpy(), made.numpy(), steps,
            padding=padding, stride=stride, title=f"{call.name}, kernel {channel}",
        ),
    )  # fmt: skip
    size = min(own.shape[0], max(8, kernel.shape[0] + 3))
    patch, _ = cut_patch(own, size)
    for name, title, ways in (
        ("stride", "Stride", [(0, 1), (0, 2)]),
        ("padding", "Padding", [(0, 1), (kernel.shape[0] // 2, 1)]),
    ):
        names = " and with ".join(f"stride {stride}, padding {padding}" for padding, stride in ways)
        yield ReportFigure(
            name,
            title,
            f"Kernel {channel} of {call.name} on {len(patch)} × {len(patch)} pixels of {image}, with {names}"
            ". The map has (N + 2·P − F)/S + 1 rows, rounded down: N rows of the input, P of padding at each "
            "side, F of the kernel, S the stride; columns likewise. Cells of padding, all 0, are hatched",
            draw_ways_to_slide(
                [_slide(patch, kernel, *way) for way in ways],
                (kernel.shape[0], kernel.shape[1]), [way[1] for way in ways], title,
            ),
        )  # fmt: skip


def find_convolution(calls: list[Call]) -> Call | None:
    """Return the first convolution whose windows can be drawn: more than 1 × 1, no groups, no dilation."""
    return next((one for one in calls if _is_plain_convolution(one)), None)


def choose_channel(maps: Tensor) -> int:
    """Return the channel that varies most."""
    return int(maps.float().flatten(1).std(1, correction=0).argmax())


def cut_patch(values: Tensor, side: int) -> tuple[Tensor, tuple[int, int]]:
    """Return the square that varies most, and its first row and column; all of a smaller map."""
    rows, columns = (min(side, size) for size in values.shape)
    windows = values.unfold(0, rows, 1).unfold(1, columns, 1)
    place = int(windows.flatten(2).std(2, correction=0).argmax())
    top, left = divmod(place, windows.shape[1])
    return values[top : top + rows, left : left + columns].clone(), (top, left)


def _is_plain_convolution(call: Call) -> bool:
    geometry = read_geometry(call.module)
    weight = getattr(call.module, "weight", None)
    is_convolution = isinstance(weight, Tensor) and weight.ndim == 4 and call.inputs.ndim == 4
    return (
        is_convolution
        and geometry is not None
        and not geometry.is_transposed
        and geometry.dilation == (1, 1)
        and getattr(call.module, "groups", 1) == 1
        and min(geometry.kernel) > 1
        and call.inputs.shape[-1] >= geometry.kernel[1] + 1
    )


def _weights(module: nn.Module) -> Tensor:
    weight = module.weight
    assert isinstance(weight, Tensor)
    return weight.detach().float().cpu()


def _write_sum(
    module: nn.Module, given: Tensor, channel: int, place: tuple[int, int], geometry: Geometry
) -> str:
    """Return how one number comes about, in words: the products of each channel, the bias, the number."""
    row, column = place
    pads = (geometry.padding[1], geometry.padding[1], geometry.padding[0], geometry.padding[0])
    top, left = row * geometry.stride[0], column * geometry.stride[1]
    window = F.pad(given, pads)[:, top : top + geometry.kernel[0], left : left + geometry.kernel[1]]
    sums = (window.double() * _weights(module)[channel].double()).sum((1, 2)).tolist()
    if len(sums) > _MOST_SUMS:
        sums = [sums[0], sum(sums[1:])]  # the channel that is drawn, and the others together
    bias = getattr(module, "bias", None)
    shift = float(bias.detach()[channel]) if isinstance(bias, Tensor) else 0.0
    terms = [*sums, *([shift] if isinstance(bias, Tensor) else [])]
    told = _write(terms[0]) + "".join(f" {'+' if one >= 0 else '−'} {abs(one):.2f}" for one in terms[1:])
    told = f"row {row}, column {column}:\n{told}"
    return f"{told} = {_write(sum(terms))}" if len(terms) > 1 else told


def _write(value: float) -> str:
    return f"{value + 0:.2f}" if round(value, 2) else "0.00"


def _slide(
    patch: Tensor, kernel: Tensor, padding: int, stride: int
) -> tuple[np.ndarray, np.ndarray, int, str]:
    """Return the padded patch, the map, the padding, and how its size follows."""
    output = F.conv2d(patch[None, None], kernel[None, None], padding=padding, stride=stride)[0, 0]
    rows, columns = kernel.shape
    geometry = Geometry((rows, columns), (stride, stride), (padding, padding))
    return F.pad(patch, (padding,) * 4).numpy(), output.numpy(), padding, geometry.write_size(len(patch), 0)
