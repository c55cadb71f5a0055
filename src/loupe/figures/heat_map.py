"""Numbers in [0, 1] by row and column."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from loupe.figures.style import new_axes, new_figure
from loupe.wording import measure_width, shorten_name

_MOST_WRITTEN = 16  # columns whose cells hold their numbers; beyond, only shades
_LONGEST = 26  # letters of a name


def draw_heat_map(
    values: np.ndarray, rows: Sequence[str], columns: Sequence[str], axes_labels: tuple[str, str]
) -> Figure:
    """Return numbers as shades, each written in its cell.

    Args:
        values: (rows, columns) float in [0, 1]; NaN is left blank.
        rows: names, the first at the top.
        columns: names.
        axes_labels: of columns and rows.
    """
    rows, columns = ([shorten_name(one, _LONGEST) for one in names] for names in (rows, columns))
    width, height = (max(2.2, 0.42 * len(names)) for names in (columns, rows))
    margin = 0.6 + 0.07 * max(map(measure_width, [*rows, *columns]))
    figure = new_figure(width + margin + 0.6, height + margin)
    axes = new_axes(figure)
    drawn = axes.imshow(values, cmap="Blues", vmin=0, vmax=1, interpolation="nearest")
    axes.set_xticks(range(len(columns)), columns, rotation=90, fontsize=7)
    axes.set_yticks(range(len(rows)), rows, fontsize=7)
    axes.set_xlabel(axes_labels[0])
    axes.set_ylabel(axes_labels[1])
    axes.grid(visible=False)
    if len(columns) <= _MOST_WRITTEN:
        for (row, column), value in np.ndenumerate(values):
            if not np.isnan(value):
                colour = "white" if value > 0.6 else "black"
                axes.text(column, row, f"{value:.2f}", ha="center", va="center", fontsize=6, color=colour)
    figure.colorbar(drawn, ax=axes, fraction=0.05)
    return figure
