"""Windows that slide, drawn with the numbers of a network: a kernel at its places, stride, padding."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from loupe.figures.matrix import WINDOWS, draw_arrow, draw_matrix, draw_window, find_reach, keep_scale
from loupe.figures.style import new_figure


def draw_sliding_kernel(
    padded: np.ndarray, kernel: np.ndarray, output: np.ndarray, steps: Sequence[tuple[int, int, str]],
    *, padding: int, stride: int, title: str,
) -> Figure:  # fmt: skip
    """Return a kernel at some of its places: the window, its numbers, the weights, and what comes of both.

    Args:
        padded: (height, width) one channel of the input with its padding.
        kernel: (height, width) the weights on that channel.
        output: (height, width) the map.
        steps: row and column of the map, and the sum in words, of each place.
        padding: cells of padding at each side.
        stride: steps from one window to the next.
        title: what stands above.
    """
    figure = new_figure(8.4, 0.7 + 2.2 * len(steps))
    layout = figure.add_gridspec(len(steps), 4, width_ratios=[1, 0.8, 0.8, 1])
    reaches = [find_reach(one) for one in (padded, padded, kernel, output)]
    heads = ("the image, normalised", "the window", "the kernel's weights", "the map")
    for number, (row, column, words) in enumerate(steps):
        colour = WINDOWS[number % len(WINDOWS)]
        window = (row * stride, column * stride, *kernel.shape)
        seen = np.full(output.shape, np.nan)
        done = row * output.shape[1] + column
        seen.ravel()[: done + 1] = output.ravel()[: done + 1]
        under = padded[window[0] : window[0] + window[2], window[1] : window[1] + window[3]]
        places = [figure.add_subplot(layout[number, place]) for place in range(4)]
        for place, values in enumerate((padded, under, kernel, seen)):
            head = heads[place] if number == 0 else ""
            draw_matrix(places[place], values, head, reaches[place], padding=0 if place else padding)
        draw_window(places[0], window, colour)
        draw_window(places[3], (row, column, 1, 1), colour)
        places[1].spines[:].set_color(colour)
        places[2].set_xlabel(words, fontsize=7)
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
        draw_matrix(axes, padded, f"stride {stride}, padding {padding}", None, padding=padding)
        keep_scale(axes, padded.shape, largest)
        for place in range(min(3, output.shape[1])):
            draw_window(axes, (0, place * stride, *kernel), WINDOWS[place], 0.09 * place, is_dashed=True)
        draw_arrow(figure.add_subplot(layout[number, 1]), "")
        axes = figure.add_subplot(layout[number, 2])
        draw_matrix(axes, output, words, find_reach(output))
        keep_scale(axes, output.shape, largest)
        for place in range(min(3, output.shape[1])):
            draw_window(axes, (0, place, 1, 1), WINDOWS[place], is_dashed=True)
    figure.suptitle(title, fontsize=10)
    return figure
