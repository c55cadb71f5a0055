"""What a network achieves against what it costs, and which are the ones that nothing else beats."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from loupe.figures.style import BLUE, GREY, new_axes, new_figure

_MOST_NAMED = 12  # points beside which a name stands; of more, only those on the front
_SHORT = 22  # letters
_TYPE = 7.5  # size of names, in points
_SIDE = 2.4 * 72  # of a panel, in points, about
_SIDES = ((1, 1), (-1, 1), (1, -1), (-1, -1))  # of a point: across, up


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
    if first is not None:
        first.set_ylabel(score_label)
    return figure


def _draw_panel(axes: Axes, panel: CostPanel) -> None:
    axes.set_xscale("log")
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
    _name(axes, [*front, *(rest if len(panel.points) <= _MOST_NAMED else ())])


def _find_ticks(low: float, high: float) -> list[float]:
    """Return round numbers in a range, as many as have room: powers of ten, or finer."""
    powers = [10.0**power for power in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)]
    for factors in ((1,), (1, 3), (1, 2, 5), (1, 1.5, 2, 3, 4, 5, 7)):
        ticks = [factor * power for power in powers for factor in factors]
        inside = [tick for tick in ticks if low <= tick <= high]
        if len(inside) >= 3:
            break
    return inside


def _write(value: float) -> str:
    """Return a number on the axis: "0.5", "20", "50k", "2M", "1G"."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g}{letter}"
    return f"{value:g}"


def _name(axes: Axes, points: Sequence[CostPoint]) -> None:
    """Write names beside points, where no other name is; without room only those on the front have one."""
    (left, right), (low, high) = axes.get_xlim(), axes.get_ylim()
    taken: list[tuple[float, float, float, float]] = []
    for one in points:
        x = _SIDE * math.log(one.cost / left) / math.log(right / left)  # in points of type
        y = _SIDE * (one.score - low) / (high - low)
        name = one.name if len(one.name) <= _SHORT else f"{one.name[: _SHORT - 1]}…"
        places = [_place(x, y, len(name), *side) for side in _SIDES]
        free = [
            (box, side)
            for box, side in zip(places, _SIDES, strict=True)
            if box[0] >= 0 and box[2] <= _SIDE and not any(_overlap(box, other) for other in taken)
        ]
        if not free and not one.is_front:
            continue
        box, (across, up) = free[0] if free else (places[0], _SIDES[0])
        taken.append(box)
        axes.annotate(
            name,
            (one.cost, one.score),
            (5 * across, 4 * up),
            textcoords="offset points",
            ha="left" if across > 0 else "right",
            va="bottom" if up > 0 else "top",
            fontsize=_TYPE,
            color="black" if one.is_front else GREY,
        )


def _place(x: float, y: float, letters: int, across: int, up: int) -> tuple[float, float, float, float]:
    """Return the box of a name on one side of a point: left, bottom, right, top."""
    width = 0.58 * _TYPE * letters
    start = x + 5 if across > 0 else x - 5 - width
    bottom = y + 4 if up > 0 else y - 4 - _TYPE
    return start, bottom, start + width, bottom + _TYPE


def _overlap(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
