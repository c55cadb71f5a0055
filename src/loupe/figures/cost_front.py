"""What a network achieves against what it costs, and which are the ones that nothing else beats."""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from loupe.figures.style import BLUE, GREY, new_axes, new_figure

_MOST_NAMED = 12  # points beside which a name stands; of more, only those on the front
_SHORT = 22  # letters


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


def draw_cost_front(
    panels: Sequence[CostPanel], *, score_label: str, is_higher_better: bool = True
) -> Figure:
    """Return a panel for each kind of cost: scores with intervals over a logarithmic axis of costs.

    Points that no other dominates are blue and joined by steps; the others are grey and hollow.

    Args:
        panels: one to three.
        score_label: metric and unit.
        is_higher_better: of the score.
    """
    figure = new_figure(0.6 + 3.3 * len(panels), 3.3)
    first: Axes | None = None
    for place, panel in enumerate(panels, start=1):
        axes = new_axes(figure, 1, len(panels), place)
        if first is not None:
            axes.sharey(first)
            axes.tick_params(labelleft=False)
        first = first or axes
        _draw_panel(axes, panel, is_higher_better)
    if first is not None:
        first.set_ylabel(score_label)
    return figure


def _draw_panel(axes: Axes, panel: CostPanel, is_higher_better: bool) -> None:
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
    _name(axes, [*front, *(rest if len(panel.points) <= _MOST_NAMED else ())], is_higher_better)
    costs = [one.cost for one in panel.points]
    low, high = min(costs), max(costs)
    reach = (high / low) ** 0.12 if high > low else 1.5
    axes.set_xlim(low / reach, high * reach)
    axes.set_xlabel(panel.label)
    axes.grid(axis="y", color="#e3e6ea", lw=0.6)


def _name(axes: Axes, points: Sequence[CostPoint], is_higher_better: bool) -> None:
    """Write names beside points, towards the middle of the axes, above and below in turn."""
    ordered = sorted(points, key=lambda one: (one.cost, one.score))
    costs = [one.cost for one in ordered]
    middle = (min(costs) * max(costs)) ** 0.5 if costs else 1.0
    for place, one in enumerate(ordered):
        is_left = one.cost <= middle
        name = one.name if len(one.name) <= _SHORT else f"{one.name[: _SHORT - 1]}…"
        above = one.is_front == is_higher_better if place % 2 == 0 else one.is_front != is_higher_better
        axes.annotate(
            name,
            (one.cost, one.score),
            (5 if is_left else -5, 4 if above else -4),
            textcoords="offset points",
            ha="left" if is_left else "right",
            va="bottom" if above else "top",
            fontsize=7.5,
            color="black" if one.is_front else GREY,
        )
