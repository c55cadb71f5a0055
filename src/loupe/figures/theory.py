"""What an operation does, drawn with the numbers of a network: ReLU, pooling, flatten."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from loupe.figures.matrix import WINDOWS, draw_arrow, draw_matrix, draw_window, find_reach
from loupe.figures.style import GREY, ORANGE, new_axes, new_figure


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
    reach = find_reach(before)
    draw_matrix(figure.add_subplot(layout[0]), before, "what goes in", reach)
    draw_arrow(figure.add_subplot(layout[1]), "max(0, x)")
    draw_matrix(figure.add_subplot(layout[2]), np.maximum(0, before), "what comes out", reach)
    figure.suptitle(title, fontsize=10)
    return figure


def draw_pooling(before: np.ndarray, after: np.ndarray, how: str, title: str) -> Figure:
    """Return a matrix and what pooling of 2 × 2 windows makes of it, each window in a colour of its own."""
    figure = new_figure(6.2, 3.3)
    layout = figure.add_gridspec(1, 3, width_ratios=[1, 0.3, 0.62])
    reach = find_reach(before)
    whole, small = figure.add_subplot(layout[0]), figure.add_subplot(layout[2])
    draw_matrix(whole, before, "a map", reach)
    draw_arrow(figure.add_subplot(layout[1]), how)
    draw_matrix(small, after, "pooled", reach)
    for row, column in np.ndindex(*after.shape):
        colour = WINDOWS[(row + 2 * column) % len(WINDOWS)]
        draw_window(whole, (2 * row, 2 * column, 2, 2), colour, inset=0.06)
        draw_window(small, (row, column, 1, 1), colour, inset=0.06)
    figure.suptitle(title, fontsize=10)
    return figure


def draw_global_pooling(maps: np.ndarray, title: str, first: int = 0) -> Figure:
    """Return some maps, (channels, height, width), and the one number that each of them becomes, its mean.

    Args:
        maps: channels in a row.
        title: what stands above.
        first: number of the first of them in its layer.
    """
    count = len(maps)
    figure = new_figure(7.0, 3.2)
    layout = figure.add_gridspec(2, count, height_ratios=[1, 0.32])
    reach = find_reach(maps)
    for channel in range(count):
        colour = WINDOWS[channel % len(WINDOWS)]
        whole, single = figure.add_subplot(layout[0, channel]), figure.add_subplot(layout[1, channel])
        draw_matrix(whole, maps[channel], f"channel {first + channel}", reach)
        draw_matrix(single, maps[channel].mean(keepdims=True), "its mean", reach)
        for axes in (whole, single):
            axes.spines[:].set_color(colour)
    figure.suptitle(title, fontsize=10)
    return figure


def draw_flatten(maps: np.ndarray, total: int, title: str, first: int = 0) -> Figure:
    """Return some maps, (channels, height, width), and the same numbers in one row.

    Args:
        maps: channels in a row.
        total: numbers of all channels.
        title: what stands above.
        first: number of the first of these channels in its layer.
    """
    count, height, width = maps.shape
    figure = new_figure(7.0, 3.0)
    layout = figure.add_gridspec(2, count, height_ratios=[1.9, 0.75])
    reach = find_reach(maps)
    for channel in range(count):
        axes = figure.add_subplot(layout[0, channel])
        draw_matrix(axes, maps[channel], f"channel {first + channel}", reach)
        axes.spines[:].set_color(WINDOWS[channel % len(WINDOWS)])
    axes = figure.add_subplot(layout[1, :])
    row = maps.reshape(1, -1)
    start = first * height * width
    axes.imshow(
        row, cmap="PuOr_r", vmin=-reach, vmax=reach, aspect="auto", interpolation="nearest",
        extent=(start - 0.5, start + row.size - 0.5, 0.5, -0.5),
    )  # fmt: skip
    for channel in range(count):
        at = start + channel * height * width
        draw_window(axes, (0, at, 1, height * width), WINDOWS[channel % len(WINDOWS)])
    axes.set_yticks([])
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel(
        f"numbers {start:,} to {start + row.size - 1:,} of {total:,}: row by row, channel by channel"
    )
    figure.suptitle(title, fontsize=10)
    return figure
