from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from loupe.figures.style import BLUE, GREY, new_axes, new_figure
from loupe.wording import measure_width, shorten_name

_LONGEST = 40  # letters of a name


@dataclass(frozen=True)
class ClassBar:
    """A share of one class with its interval; None where it is undefined.

    Args:
        name: of the class.
        value: in [0, 1].
        low: lower end of its interval.
        high: upper end.
    """

    name: str
    value: float | None
    low: float | None = None
    high: float | None = None


def draw_class_bars(panels: Sequence[tuple[str, Sequence[ClassBar], float | None]]) -> Figure:
    """Return a panel of bars a score, the classes in the same order in each.

    Args:
        panels: name of the score, a bar a class, and the value for all classes together.
    """
    names = [bar.name for bar in panels[0][1]]
    room = 0.075 * min(_LONGEST, max(map(measure_width, names)))
    figure = new_figure(1.75 * len(panels) + 0.4 + room, 0.75 + 0.2 * len(names))
    for number, (title, bars, overall) in enumerate(panels, start=1):
        axes = new_axes(figure, 1, len(panels), number)
        plot_class_bars(axes, bars, x_label=f"{title} (%)", overall=overall)
        if number > 1:
            axes.set_yticklabels([])
    return figure


def plot_class_bars(
    axes: Axes, bars: Sequence[ClassBar], *, x_label: str, overall: float | None = None
) -> None:
    """Draw bars with intervals into axes, the first on top.

    The axis starts at 0 where bars would lie about their lengths otherwise: they are drawn as points with
    intervals once all of them lie above 50 %, since only lengths need a zero.

    Args:
        axes: receive them.
        bars: one a class.
        x_label: score and unit.
        overall: all classes together, a dotted line.
    """
    rows = np.arange(len(bars))
    values = np.array([np.nan if bar.value is None else 100 * bar.value for bar in bars])
    lows = [bar.low if bar.low is not None else bar.value for bar in bars]
    smallest = min((100 * low for low in lows if low is not None), default=0.0)
    if smallest > 50:
        axes.plot(values, rows, "o", color=BLUE, ms=4)
        axes.set_xlim(max(0.0, smallest - 0.12 * (100 - smallest) - 1), 100 + 0.04 * (100 - smallest))
    else:
        axes.barh(rows, values, color=BLUE, height=0.62, alpha=0.85)
        axes.set_xlim(0, min(102.0, 1.08 * _find_largest(bars)))
    for row, bar in enumerate(bars):
        if bar.value is None:
            axes.text(0.03, row, "undefined", transform=axes.get_yaxis_transform(), va="center", fontsize=6.5)
        elif bar.low is not None and bar.high is not None:
            axes.plot([100 * bar.low, 100 * bar.high], [row, row], color="black", lw=1.1)
    if overall is not None:
        axes.axvline(100 * overall, color=GREY, lw=0.9, ls=":")
    names = [shorten_name(bar.name, _LONGEST) for bar in bars]
    axes.set_yticks(rows, names, fontsize=8)
    axes.set_ylim(len(bars) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color="#e3e6ea", lw=0.6)
    axes.set_axisbelow(True)
    axes.set_xlabel(x_label)


def _find_largest(bars: Sequence[ClassBar]) -> float:
    """Return the largest end in percent; 100 where it is not much smaller."""
    ends = [100 * end for bar in bars if (end := bar.high if bar.high is not None else bar.value) is not None]
    largest = max(ends, default=100.0)
    return 100.0 if largest > 60 or largest <= 0 else largest
