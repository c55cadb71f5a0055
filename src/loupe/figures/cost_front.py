"""What a network achieves against what it costs, and which are the ones that nothing else beats."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from loupe.figures.point_names import NamedPoint, name_points
from loupe.figures.style import BLUE, GREY, new_axes, new_figure

_MOST_NAMED = 12  # points beside which a name stands; of more, only those on the front
_FEWEST_TICKS = 3


@dataclass(frozen=True)
class CostPoint:
    """A network, or several seeds of one.

    Args:
        name: what it is called.
        cost: > 0.
        score: in the unit of the axis.
        low, high: ends of the score's interval; None without one.
        is_front: whether none of the others is as cheap and as good.
    """

    name: str
    cost: float
    score: float
    low: float | None
    high: float | None
    is_front: bool


@dataclass(frozen=True)
class CostPanel:
    """One kind of cost.

    Args:
        label: what it is, with its unit.
        points: in any order.
    """

    label: str
    points: Sequence[CostPoint]


def draw_cost_front(panels: Sequence[CostPanel], *, score_label: str) -> Figure:
    """Return a panel for each kind of cost: scores with intervals over a logarithmic axis of costs.

    Points that no other dominates are blue and joined by steps; the others are grey and hollow.

    Args:
        panels: one to three.
        score_label: metric and unit.
    """
    figure = new_figure(0.6 + 2.8 * len(panels), 3.1)
    first: Axes | None = None
    for place, panel in enumerate(panels, start=1):
        axes = new_axes(figure, 1, len(panels), place)
        if first is not None:
            axes.sharey(first)
            axes.tick_params(labelleft=False)
        first = first or axes
        _draw_panel(axes, panel)
    figure.draw_without_rendering()  # from here on axes have the size that names are to fit in
    for axes, panel in zip(figure.axes, panels, strict=True):  # which have their common heights by now
        _name(axes, panel)
    if first is not None:
        first.set_ylabel(score_label)
    return figure


def _draw_panel(axes: Axes, panel: CostPanel) -> None:
    axes.set_xscale("log")
    axes.margins(y=0.12)  # room for names below the lowest point and above the highest
    front = sorted((one for one in panel.points if one.is_front), key=lambda one: one.cost)
    rest = [one for one in panel.points if not one.is_front]
    if len(front) > 1:
        axes.step(
            [one.cost for one in front],
            [one.score for one in front],
            where="post",
            color=BLUE,
            lw=1,
            alpha=0.5,
        )
    for points, colour, fill in ((rest, GREY, "white"), (front, BLUE, BLUE)):
        for one in points:
            if one.low is not None and one.high is not None:
                axes.plot([one.cost, one.cost], [one.low, one.high], color=colour, lw=1.1, alpha=0.8)
        axes.plot(
            [one.cost for one in points],
            [one.score for one in points],
            "o",
            color=colour,
            mfc=fill,
            ms=5,
            zorder=3,
        )
    costs = [one.cost for one in panel.points]
    low, high = min(costs), max(costs)
    reach = (high / low) ** 0.12 if high > low else 1.5
    axes.set_xlim(low / reach, high * reach)
    axes.xaxis.set_major_locator(FixedLocator(_find_ticks(low / reach, high * reach)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _write(value)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel(panel.label)
    axes.grid(axis="y", color="#e3e6ea", lw=0.6)


def _find_ticks(low: float, high: float) -> list[float]:
    """Return round numbers in a range, at least three where numbers of few digits will do.

    They are powers of ten, or parts of these; in a narrow range they are evenly spaced.
    """
    powers = [10.0**power for power in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)]
    for factors in ((1,), (1, 3), (1, 2, 5), (1, 1.5, 2, 3, 4, 5, 7)):
        inside = [factor * power for power in powers for factor in factors if low <= factor * power <= high]
        if len(inside) >= _FEWEST_TICKS:
            return inside
    power = math.floor(math.log10(high - low))
    for step in (5 * 10.0**power, 2 * 10.0**power, 10.0**power, 5 * 10.0 ** (power - 1)):
        first, last = math.ceil(low / step), math.floor(high / step)
        if last - first + 1 >= _FEWEST_TICKS:
            break
    return [float(f"{place * step:.6g}") for place in range(first, last + 1)]


def _write(value: float) -> str:
    """Return a number on the axis: "0.5", "20", "50k", "2M", "1G"."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g}{letter}"
    return f"{value:g}"


def count_unnamed(figure: Figure) -> list[int]:
    """Return for each panel of such a figure how many of its points have no name beside them."""
    return [
        sum(np.size(line.get_xdata()) for line in axes.lines if line.get_marker() == "o")
        - sum(text.get_text().count("\n") + 1 for text in axes.texts)
        for axes in figure.axes
    ]


def _name(axes: Axes, panel: CostPanel) -> None:
    """Write the names of those on the front, cheapest first; then the others', if they are not too many."""
    ordered = sorted(panel.points, key=lambda one: (not one.is_front, one.cost))
    num_front = sum(one.is_front for one in ordered)
    points = [
        NamedPoint(
            one.name,
            one.cost,
            one.score,
            one.score if one.low is None else one.low,
            one.score if one.high is None else one.high,
            one.is_front,
        )
        for one in ordered
    ]
    front = [(one.cost, one.score) for one in ordered[:num_front]]
    steps = [corner for one, after in pairwise(front) for corner in (one, (after[0], one[1]))] + front[-1:]
    name_points(axes, points, len(points) if len(points) <= _MOST_NAMED else num_front, steps)
