"""The error over the number of training images, with the law fitted to it and what that says of more."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator

from loupe.figures.style import CURVE_COLOURS, CURVE_MARKERS, new_axes, new_figure, place_legend

_FEWEST_TICKS = 3


@dataclass(frozen=True)
class Law:
    """One arm's errors and the curve through them.

    Args:
        sizes: training images, ascending.
        errors: of each size's runs, one a seed, ≥ 0; 0 cannot be shown on the logarithmic scale.
        x: training images along the curve, ascending, the last beyond the largest size; or the largest, where
            nothing is predicted.
        curve: error of the law at each x.
        lows: lower end of the interval of the mean error at each x; the curve itself where there is none.
        highs: upper end.
    """

    sizes: Sequence[int]
    errors: Sequence[Sequence[float]]
    x: Sequence[float]
    curve: Sequence[float]
    lows: Sequence[float]
    highs: Sequence[float]


def draw_learning_curve(laws: Mapping[str, Law], *, y_label: str) -> Figure:
    """Return runs as points, each law as a line with its band, and what it predicts as a hollow point.

    Both scales are logarithmic: a power law without a floor is a straight line there, and one that bends
    upwards has a floor.

    Args:
        laws: by name of the arm.
        y_label: error and unit.
    """
    figure = new_figure(6.4, 3.8)
    axes = new_axes(figure)
    for index, (name, law) in enumerate(laws.items()):
        colour = CURVE_COLOURS[index % len(CURVE_COLOURS)]
        _draw_law(axes, name, law, colour, CURVE_MARKERS[index % len(CURVE_MARKERS)])
    axes.set_xscale("log")
    axes.set_yscale("log")
    _label_ticks(axes, laws)
    axes.grid(axis="y", color="#e3e6ea", lw=0.6)
    axes.set_xlabel("training images")
    axes.set_ylabel(y_label)
    place_legend(axes, fewest=1)
    return figure


def _draw_law(axes: Axes, name: str, law: Law, colour: str, marker: str) -> None:
    largest = law.sizes[-1]
    measured = [index for index, x in enumerate(law.x) if x <= largest]
    beyond = range(measured[-1], len(law.x))
    axes.fill_between(law.x, law.lows, law.highs, color=colour, alpha=0.16, lw=0)
    for part, style in ((measured, "-"), (beyond, "--")):
        axes.plot([law.x[i] for i in part], [law.curve[i] for i in part], style, color=colour, lw=1.4)
    for size, errors in zip(law.sizes, law.errors, strict=True):
        axes.plot([size] * len(errors), errors, marker, color=colour, ms=3.5, mew=0, alpha=0.7)
    end, low, high = law.x[-1], law.lows[-1], law.highs[-1]
    if end > largest:
        axes.plot([end, end], [low, high], color=colour, lw=1.6, solid_capstyle="butt")
        axes.plot([end], [law.curve[-1]], marker, color=colour, mfc="white", ms=6)
    axes.plot([], [], f"{marker}-", color=colour, ms=3.5, lw=1.4, label=name)


def _label_ticks(axes: Axes, laws: Mapping[str, Law]) -> None:
    """Name the sizes that were trained with and predicted for; on the other axis a few round errors."""
    sizes = sorted({size for law in laws.values() for size in (*law.sizes, law.x[-1])})
    shown = [size for index, size in enumerate(sizes) if not index or size >= 1.5 * sizes[index - 1]]
    axes.set_xticks(shown, [f"{size:,.0f}" for size in shown])
    axes.xaxis.set_minor_locator(NullLocator())
    runs = [error for law in laws.values() for errors in law.errors for error in errors]
    values = [*runs, *(value for law in laws.values() for value in (*law.curve, *law.highs))]
    low, high = 0.9 * min(value for value in values if value > 0), 1.1 * max(values)
    axes.set_yticks(_choose_ticks(low, high))
    axes.set_ylim(low, high)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.3g}"))
    axes.yaxis.set_minor_locator(NullLocator())


def _choose_ticks(low: float, high: float) -> list[float]:
    """Return round numbers between two errors, 0 < low < high: close together where the errors are."""
    steps = [factor * 10.0**power for power in range(-9, 10) for factor in (1, 1.5, 2, 3, 4, 6, 8)]
    ticks = [step for step in steps if low <= step <= high]
    if len(ticks) < _FEWEST_TICKS:
        evenly = MaxNLocator(nbins=5, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)
        ticks = [tick for tick in evenly if low <= tick <= high]
    return ticks
