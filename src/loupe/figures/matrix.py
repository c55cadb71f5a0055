"""Numbers of a network as cells that can be read, and windows on them: parts of figures on theory."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from loupe.figures.style import BLUE, GREEN, ORANGE, PINK

Cell = tuple[int, int, int, int]  # first row, first column, rows, columns
WINDOWS = (ORANGE, BLUE, GREEN, PINK)
_DASHES = {ORANGE: "-", BLUE: (0, (4, 1.2)), GREEN: (0, (1.2, 1.0)), PINK: (0, (4, 1, 1, 1))}
_MOST_WRITTEN = 14  # rows of a matrix whose numbers can be read


def draw_matrix(axes: Axes, values: np.ndarray, title: str, reach: float | None, *, padding: int = 0) -> None:
    """Draw numbers as shades about zero, written down where they can be read; padding is hatched.

    Args:
        axes: to draw into.
        values: (height, width) float; NaN is left empty.
        title: what stands above; "" for nothing.
        reach: the number that the darkest shade stands for; the largest of these if None.
        padding: cells of padding at each side.
    """
    end = reach or find_reach(values)
    axes.imshow(values, cmap="PuOr_r", vmin=-end, vmax=end, interpolation="nearest")
    height, width = values.shape
    inside = np.zeros(values.shape, bool)
    inside[padding : height - padding, padding : width - padding] = True
    for row, column in np.argwhere(~inside):
        axes.add_patch(
            Rectangle((column - 0.5, row - 0.5), 1, 1, fc="#e5e7eb", ec="#9aa1ab", hatch="////", lw=0.2)
        )
    most = max(values.shape)
    if most <= _MOST_WRITTEN:
        for row, column in np.argwhere(inside & ~np.isnan(values)):
            value = float(values[row, column])
            ink = "white" if abs(value) > 0.62 * end else "black"
            size = 7 if most <= 6 else 5.5
            text = write_number(value, end)
            axes.text(column, row, text, ha="center", va="center", size=size, color=ink)
    axes.set_xticks([])
    axes.set_yticks([])
    if title:
        axes.set_title(title, fontsize=8)


def find_reach(values: np.ndarray) -> float:
    """Return the largest size of any number, 1 if all are 0."""
    return float(np.abs(np.nan_to_num(values)).max()) or 1.0


def write_number(value: float, reach: float) -> str:
    """Return a number with as many digits as those beside it need: two of the largest, which is `reach`."""
    decimals = 0 if reach >= 100 else 1 if reach >= 1 else 2 if reach >= 0.1 else 3
    text = f"{value:.{decimals}f}"
    return "0" if float(text) == 0 else text


def draw_window(axes: Axes, cell: Cell, colour: str, inset: float = 0.0, *, is_dashed: bool = False) -> None:
    """Draw a frame around cells, with light below its colour, so that no shade hides it.

    Args:
        axes: to draw into.
        cell: the cells.
        colour: one of `WINDOWS`.
        inset: how far inside the cells' border it lies, in cells.
        is_dashed: whether each colour has a dash of its own, for frames that overlap, and for grey.
    """
    row, column, height, width = cell
    corner = (column - 0.5 + inset, row - 0.5 + inset)
    size = (width - 2 * inset, height - 2 * inset)
    axes.add_patch(Rectangle(corner, *size, fill=False, ec="white", lw=3.2, zorder=4, clip_on=False))
    dash = _DASHES[colour] if is_dashed else "-"
    axes.add_patch(
        Rectangle(corner, *size, fill=False, ec=colour, ls=dash, lw=1.6, zorder=4.1, clip_on=False)
    )


def draw_arrow(axes: Axes, words: str) -> None:
    """Draw an arrow to the right with words above it, in axes of its own."""
    axes.axis("off")
    axes.annotate(
        "", (1, 0.5), (0, 0.5), xycoords="axes fraction", arrowprops={"arrowstyle": "-|>", "color": "black"}
    )
    axes.text(0.5, 0.54, words, transform=axes.transAxes, ha="center", va="bottom", size=7.5)


def keep_scale(axes: Axes, shape: tuple[int, ...], largest: int) -> None:
    """Give a smaller matrix room around it, so that cells of all are of one size."""
    height, width = shape
    axes.set_xlim((width - largest) / 2 - 0.5, (width + largest) / 2 - 0.5)
    axes.set_ylim((height + largest) / 2 - 0.5, (height - largest) / 2 - 0.5)
    axes.spines[:].set_visible(False)
