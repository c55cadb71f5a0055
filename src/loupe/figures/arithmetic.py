from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from loupe.figures.style import ORANGE, new_figure

_MOST_ROWS = 3  # input channels written out; the others appear as their sum


def draw_arithmetic(
    picture: np.ndarray,
    seen: tuple[int, int, int, int],
    window: np.ndarray,
    weights: np.ndarray,
    bias: float,
    steps: Sequence[tuple[str, float]],
    title: str,
) -> Figure:
    """Return how one number came about: the pixels it sees, window times weights, sum, bias, what follows.

    Args:
        picture: (height, width, 1 or 3) uint8, what the network was shown.
        seen: first row, last row, first column, last column of the receptive field.
        window: (channels, height, width) float, the inputs that were multiplied.
        weights: of the same shape.
        bias: what was added.
        steps: name and result of each following layer.
        title: what stands above.
    """
    products = window * weights
    sums = products.sum(axis=(1, 2))
    order = np.argsort(-np.abs(sums), kind="stable")[:_MOST_ROWS]
    order = np.sort(order)
    figure = new_figure(8.2, 1.0 + 1.55 * len(order))
    layout = figure.add_gridspec(len(order), 5, width_ratios=[1.5, 1, 1, 1, 0.75])
    _show_seen(figure.add_subplot(layout[:, 0]), picture, seen)
    for row, channel in enumerate(order):
        panels = (("input", window, "viridis"), ("weights", weights, "gray"), ("products", products, "gray"))
        for column, (name, values, colours) in enumerate(panels, start=1):
            axes = figure.add_subplot(layout[row, column])
            end = float(np.abs(values).max()) or 1.0
            low = -end if colours == "gray" else float(values.min())
            _write_numbers(axes, values[channel], colours, low, end)
            if row == 0:
                axes.set_title(name, fontsize=8)
            if column == 1:
                axes.set_ylabel(f"channel {channel}", fontsize=7)
        axes = figure.add_subplot(layout[row, 4])
        axes.axis("off")
        axes.text(0, 0.5, f"sum {sums[channel]:+.4f}", fontsize=8, va="center")
    rest = float(sums.sum() - sums[order].sum())
    others = len(sums) - len(order)
    parts = [f"{sums[channel]:+.4f}" for channel in order]
    parts += [f"{rest:+.4f} ({others} other channels)"] if others else []
    parts += [f"{bias:+.4f} (bias)"] if bias else []
    line = " ".join(parts) + f"  =  {float(sums.sum()) + bias:.4f}"
    line += "".join(f"   {name} → {value:.4f}" for name, value in steps)
    figure.suptitle(title, fontsize=10, x=0.01, ha="left")
    figure.supxlabel(line, fontsize=8, x=0.01, ha="left")
    return figure


def _show_seen(axes: Axes, picture: np.ndarray, seen: tuple[int, int, int, int]) -> None:
    first_row, last_row, first_column, last_column = seen
    colour = np.repeat(picture, 3, axis=2) if picture.shape[2] == 1 else picture
    axes.imshow(colour, interpolation="nearest")
    width, height = last_column - first_column + 1, last_row - first_row + 1
    corner = (first_column - 0.5, first_row - 0.5)
    axes.add_patch(Rectangle(corner, width, height, fill=False, ec=ORANGE, lw=1.8))
    axes.set_title(f"sees {height} × {width} pixels", fontsize=8)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)


def _write_numbers(axes: Axes, values: np.ndarray, colours: str, low: float, high: float) -> None:
    axes.imshow(values, cmap=colours, vmin=low, vmax=high, interpolation="nearest")
    axes.set_xticks([])
    axes.set_yticks([])
    if values.size <= 49:
        for row, column in np.ndindex(*values.shape):
            share = (values[row, column] - low) / ((high - low) or 1)
            shade = "black" if share > 0.55 else "white"
            size = 6.5 if values.shape[1] <= 5 else 5
            text = f"{values[row, column]:.2f}"
            axes.text(column, row, text, ha="center", va="center", fontsize=size, color=shade)
