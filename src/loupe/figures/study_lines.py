"""Arms of a study over a numeric axis, with bands."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from loupe.figures.style import CURVE_COLOURS, CURVE_MARKERS, new_axes, new_figure, place_legend


@dataclass(frozen=True)
class Band:
    """One arm over the axis.

    Args:
        x: where it has runs, ascending.
        means: mean over seeds at each x.
        lows: lower end of the interval of the mean; the mean itself where there is none.
        highs: upper end.
    """

    x: Sequence[float]
    means: Sequence[float]
    lows: Sequence[float]
    highs: Sequence[float]


def draw_study_lines(
    panels: Mapping[str, Mapping[str, Band]], *, x_label: str, y_label: str, title: str = ""
) -> Figure:
    """Return one panel for each set of other values, all on the same scales.

    Args:
        panels: bands by arm, by title of the panel.
        x_label: name of the axis.
        y_label: metric and unit.
        title: what stands above.
    """
    columns = min(3, len(panels))
    rows = -(-len(panels) // columns)
    size = (6.4, 3.8) if columns == 1 else (3.1 * columns + 0.6, 2.6 * rows + 0.7)
    figure = new_figure(*size)
    first = None
    for place, (name, bands) in enumerate(panels.items()):
        axes = new_axes(figure, rows, columns, place + 1)
        if first is not None:
            axes.sharex(first)
            axes.sharey(first)
        first = first or axes
        for index, (arm, band) in enumerate(bands.items()):
            turn, hue = divmod(index, len(CURVE_COLOURS))
            colour, marker = CURVE_COLOURS[hue], CURVE_MARKERS[index % len(CURVE_MARKERS)]
            style = "--" if turn % 2 else "-"
            axes.fill_between(band.x, band.lows, band.highs, color=colour, alpha=0.16, lw=0)
            axes.plot(band.x, band.means, style, color=colour, lw=1.4, marker=marker, ms=3.5, label=arm)
        if all(float(x).is_integer() for band in bands.values() for x in band.x):
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_title(name, fontsize=9, loc="left")
        axes.grid(axis="y", color="#e3e6ea", lw=0.6)
        if place % columns == 0:
            axes.set_ylabel(y_label)
        if place >= len(panels) - columns:
            axes.set_xlabel(x_label)
    if first is not None:
        place_legend(first)
    if title:
        figure.suptitle(title, fontsize=10, x=0.01, ha="left")
    return figure
