"""What an operation does, drawn with the numbers of a network: ReLU, windows that slide, pooling, flatten."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from loupe.figures.style import BLUE, GREEN, GREY, ORANGE, PINK, new_axes, new_figure

_WINDOWS = (ORANGE, BLUE, GREEN, PINK)
_MOST_WRITTEN = 10  # rows of a matrix whose numbers can be read
Cell = tuple[int, int, int, int]  # first row, first column, rows, columns


def draw_relu_curve(values: np.ndarray, title: str) -> Figure:
    """Return max(0, x) as a curve, and below it which numbers go in.

    Args:
        values: what a ReLU is given, of any shape.
        title: what stands above.
    """
    flat = values.ravel()
    reach = float(np.abs(flat).max()) or 1.0
    figure = new_figure(4.6, 4.2)
    layout = figure.add_gridspec(2, 1, height_ratios=[2, 1])
    curve = new_axes(figure, layout[0])
    x = np.linspace(-reach, reach, 201)
    curve.plot(x, np.maximum(0, x), color=ORANGE, lw=2)
    curve.axhline(0, color=GREY, lw=0.6)
    curve.axvline(0, color=GREY, lw=0.6)
    curve.set_ylabel("max(0, x)")
    curve.set_title(title)
    counts = new_axes(figure, layout[1])
    edges = np.linspace(-reach, reach, 41)
    middle = (edges[:-1] + edges[1:]) / 2
    heights = np.histogram(flat, edges)[0]
    for is_kept, colour, name in ((False, GREY, "become 0"), (True, ORANGE, "pass on")):
        mine = (middle > 0) == is_kept
        share = float(((flat > 0) == is_kept).mean())
        counts.bar(
            middle[mine], heights[mine], width=edges[1] - edges[0], color=colour, label=f"{share:.0%} {name}"
        )
    counts.set_ylim(0, 1.55 * (int(heights.max()) or 1))  # room for the legend above all bars
    counts.legend(frameon=False, loc="upper center", ncols=2)
    counts.set_xlabel("x, what goes in")
    counts.set_ylabel("how many")
    counts.sharex(curve)
    return figure


def draw_relu_matrix(before: np.ndarray, title: str) -> Figure:
    """Return a matrix before and after ReLU, (height, width) float."""
    figure = new_figure(6.2, 3.2)
    layout = figure.add_gridspec(1, 3, width_ratios=[1, 0.28, 1])
    reach = float(np.abs(before).max()) or 1.0
    _draw_matrix(figure.add_subplot(layout[0]), before, "what goes in", reach)
    _draw_arrow(figure.add_subplot(layout[1]), "max(0, x)")
    _draw_matrix(figure.add_subplot(layout[2]), np.maximum(0, before), "what comes out", reach)
    figure.suptitle(title, fontsize=10)
    return figure


def draw_sliding_kernel(
    padded: np.ndarray, kernel: np.ndarray, output: np.ndarray, steps: Sequence[tuple[int, int, str]],
    *, padding: int, stride: int, title: str,
) -> Figure:  # fmt: skip
    """Return a kernel at some of its places: the window, the weights, and the number that comes of it.

    Args:
        padded: (height, width) one channel of the input with its padding.
        kernel: (height, width) the weights on that channel.
        output: (height, width) the map.
        steps: row and column of the map, and the sum in words, of each place.
        padding: cells of padding at each side.
        stride: steps from one window to the next.
        title: what stands above.
    """
    figure = new_figure(7.6, 0.7 + 2.3 * len(steps))
    layout = figure.add_gridspec(len(steps), 3, width_ratios=[1, 0.75, 1])
    for number, (row, column, words) in enumerate(steps):
        colour = _WINDOWS[number % len(_WINDOWS)]
        window = (row * stride, column * stride, *kernel.shape)
        axes = figure.add_subplot(layout[number, 0])
        _draw_matrix(axes, padded, "the image, normalised" if number == 0 else "", None, padding=padding)
        _draw_window(axes, window, colour)
        axes = figure.add_subplot(layout[number, 1])
        _draw_matrix(axes, kernel, "the kernel's weights" if number == 0 else "", None)
        axes.set_xlabel(words, fontsize=7)
        axes = figure.add_subplot(layout[number, 2])
        seen = np.full(output.shape, np.nan)
        done = row * output.shape[1] + column
        seen.ravel()[: done + 1] = output.ravel()[: done + 1]
        reach = float(np.abs(output).max()) or 1.0
        _draw_matrix(axes, seen, "the map" if number == 0 else "", reach)
        _draw_window(axes, (row, column, 1, 1), colour)
    figure.suptitle(title, fontsize=10)
    return figure


def draw_ways_to_slide(
    ways: Sequence[tuple[np.ndarray, np.ndarray, int, str]], kernel: tuple[int, int], strides: Sequence[int],
    title: str,
) -> Figure:  # fmt: skip
    """Return the same kernel slid in several ways: the first windows on the input, and the map.

    Args:
        ways: of each the padded input, the map, the padding, and the size's formula.
        kernel: height and width of the windows.
        strides: of each way.
        title: what stands above.
    """
    figure = new_figure(6.4, 0.6 + 2.9 * len(ways))
    layout = figure.add_gridspec(len(ways), 3, width_ratios=[1, 0.2, 1])
    largest = max(way[0].shape[0] for way in ways)
    for number, ((padded, output, padding, words), stride) in enumerate(zip(ways, strides, strict=True)):
        axes = figure.add_subplot(layout[number, 0])
        _draw_matrix(axes, padded, f"stride {stride}, padding {padding}", None, padding=padding)
        _keep_scale(axes, padded.shape, largest)
        for place in range(min(3, output.shape[1])):
            _draw_window(axes, (0, place * stride, *kernel), _WINDOWS[place], inset=0.09 * place)
        _draw_arrow(figure.add_subplot(layout[number, 1]), "")
        axes = figure.add_subplot(layout[number, 2])
        _draw_matrix(axes, output, words, float(np.abs(output).max()) or 1.0)
        _keep_scale(axes, output.shape, largest)
        for place in range(min(3, output.shape[1])):
            _draw_window(axes, (0, place, 1, 1), _WINDOWS[place])
    figure.suptitle(title, fontsize=10)
    return figure


def draw_pooling(before: np.ndarray, after: np.ndarray, how: str, title: str) -> Figure:
    """Return a matrix and what pooling of 2 × 2 windows makes of it, each window in a colour of its own."""
    figure = new_figure(6.2, 3.3)
    layout = figure.add_gridspec(1, 3, width_ratios=[1, 0.3, 0.62])
    reach = float(np.abs(before).max()) or 1.0
    whole, small = figure.add_subplot(layout[0]), figure.add_subplot(layout[2])
    _draw_matrix(whole, before, "a map", reach)
    _draw_arrow(figure.add_subplot(layout[1]), how)
    _draw_matrix(small, after, "pooled", reach)
    for row, column in np.ndindex(*after.shape):
        colour = _WINDOWS[(row + 2 * column) % len(_WINDOWS)]
        _draw_window(whole, (2 * row, 2 * column, 2, 2), colour, inset=0.06)
        _draw_window(small, (row, column, 1, 1), colour, inset=0.06)
    figure.suptitle(title, fontsize=10)
    return figure


def draw_global_pooling(maps: np.ndarray, title: str) -> Figure:
    """Return some maps, (channels, height, width), and the one number that each of them becomes, its mean."""
    count = len(maps)
    figure = new_figure(7.0, 3.2)
    layout = figure.add_gridspec(2, count, height_ratios=[1, 0.32])
    reach = float(np.abs(maps).max()) or 1.0
    for channel in range(count):
        colour = _WINDOWS[channel % len(_WINDOWS)]
        whole, single = figure.add_subplot(layout[0, channel]), figure.add_subplot(layout[1, channel])
        _draw_matrix(whole, maps[channel], f"channel {channel}", reach)
        _draw_matrix(single, maps[channel].mean(keepdims=True), "its mean", reach)
        for axes in (whole, single):
            axes.spines[:].set_color(colour)
    figure.suptitle(title, fontsize=10)
    return figure


def draw_flatten(maps: np.ndarray, total: int, title: str) -> Figure:
    """Return some maps, (channels, height, width), and the same numbers in one row."""
    count, height, width = maps.shape
    figure = new_figure(7.0, 3.0)
    layout = figure.add_gridspec(2, count, height_ratios=[1.9, 0.75])
    reach = float(np.abs(maps).max()) or 1.0
    for channel in range(count):
        axes = figure.add_subplot(layout[0, channel])
        _draw_matrix(axes, maps[channel], f"channel {channel}", reach)
        axes.spines[:].set_color(_WINDOWS[channel % len(_WINDOWS)])
    axes = figure.add_subplot(layout[1, :])
    row = maps.reshape(1, -1)
    axes.imshow(row, cmap="PuOr_r", vmin=-reach, vmax=reach, aspect="auto", interpolation="nearest")
    for channel in range(count):
        first = channel * height * width
        _draw_window(axes, (0, first, 1, height * width), _WINDOWS[channel % len(_WINDOWS)])
    axes.set_yticks([])
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel(f"the first {row.size} of {total:,} numbers: row by row, channel by channel")
    figure.suptitle(title, fontsize=10)
    return figure


def _draw_matrix(
    axes: Axes, values: np.ndarray, title: str, reach: float | None, *, padding: int = 0
) -> None:
    """Draw numbers as shades about zero, written down where they can be read; padding is hatched."""
    filled = np.nan_to_num(values)
    end = reach or float(np.abs(filled).max()) or 1.0
    axes.imshow(values, cmap="PuOr_r", vmin=-end, vmax=end, interpolation="nearest")
    height, width = values.shape
    if padding:
        inside = np.zeros(values.shape, bool)
        inside[padding : height - padding, padding : width - padding] = True
        for row, column in np.argwhere(~inside):
            axes.add_patch(
                Rectangle((column - 0.5, row - 0.5), 1, 1, fc="#e5e7eb", ec="#9aa1ab", hatch="////", lw=0.2)
            )
    if max(values.shape) <= _MOST_WRITTEN:
        for row, column in np.ndindex(*values.shape):
            value = values[row, column]
            is_padding = padding and not (
                padding <= row < height - padding and padding <= column < width - padding
            )
            if np.isnan(value) or is_padding:
                continue
            ink = "white" if abs(value) > 0.62 * end else "black"
            size = 7 if max(values.shape) <= 6 else 5.5
            axes.text(column, row, _write(float(value)), ha="center", va="center", size=size, color=ink)
    axes.set_xticks([])
    axes.set_yticks([])
    if title:
        axes.set_title(title, fontsize=8)


def _write(value: float) -> str:
    text = f"{value:.1f}"
    return "0" if text in ("0.0", "-0.0") else text


def _draw_window(axes: Axes, cell: Cell, colour: str, inset: float = 0.0) -> None:
    row, column, height, width = cell
    corner = (column - 0.5 + inset, row - 0.5 + inset)
    axes.add_patch(
        Rectangle(corner, width - 2 * inset, height - 2 * inset, fill=False, ec=colour, lw=1.8, zorder=4)
    )


def _draw_arrow(axes: Axes, words: str) -> None:
    axes.axis("off")
    axes.annotate(
        "", (1, 0.5), (0, 0.5), xycoords="axes fraction", arrowprops={"arrowstyle": "-|>", "color": "black"}
    )
    axes.text(0.5, 0.54, words, transform=axes.transAxes, ha="center", va="bottom", size=7.5)


def _keep_scale(axes: Axes, shape: tuple[int, ...], largest: int) -> None:
    """Give a smaller matrix room around it, so that cells of all are of one size."""
    height, width = shape
    axes.set_xlim((width - largest) / 2 - 0.5, (width + largest) / 2 - 0.5)
    axes.set_ylim((height + largest) / 2 - 0.5, (height - largest) / 2 - 0.5)
    axes.spines[:].set_visible(False)
