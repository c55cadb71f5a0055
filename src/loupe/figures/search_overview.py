"""A search on one picture: trials over time, what mattered, and a slice for each parameter."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from loupe.figures.style import BLUE, GREY, ORANGE, new_axes, new_figure

_COLUMNS = 3


@dataclass(frozen=True)
class Point:
    """One trial.

    Args:
        number: in the order of the search.
        score: in the unit of the axis; of a pruned trial what it had reached.
        is_pruned: whether it was given up early.
        rank: 1 for the best score … of those run again; 0 for the others.
        values: by parameter; a number, or the name of a choice.
    """

    number: int
    score: float
    is_pruned: bool
    rank: int
    values: Mapping[str, float | str]


@dataclass(frozen=True)
class Scale:
    """One parameter's axis.

    Args:
        names: of a choice, in order; empty for a number.
        ends: of the range of a number; None for a choice.
        is_log: whether magnitudes are shown.
        is_whole: whether only whole numbers occur.
    """

    names: Sequence[str] = field(default=())
    ends: tuple[float, float] | None = None
    is_log: bool = False
    is_whole: bool = False


def draw_search_overview(
    points: Sequence[Point],
    scales: Mapping[str, Scale],
    importance: Mapping[str, tuple[float, float, float]],
    *,
    score_label: str,
    is_maximised: bool,
    winner: int | None = None,
    importance_note: str = "",
) -> Figure:
    """Return best so far and each trial over time, importance as bars, and a slice for each parameter.

    Args:
        points: the trials that have a score, in order.
        scales: the parameters, by name.
        importance: (share, lowest, highest) of each parameter in [0, 1], largest first; may be empty.
        score_label: metric and unit.
        is_maximised: whether more is better.
        winner: number of the trial that won.
        importance_note: what stands in place of the bars if there are none.
    """
    rows = -(-len(scales) // _COLUMNS)
    figure = new_figure(8.6, 2.9 + 2.3 * rows)
    grid = figure.add_gridspec(1 + rows, _COLUMNS, height_ratios=[1.25, *[1.0] * rows])
    limits = find_limits([point.score for point in points if not point.is_pruned], is_maximised)
    over_time = new_axes(figure, grid[0, :2])
    _draw_over_time(over_time, points, limits, is_maximised, winner)
    over_time.set_ylabel(score_label)
    _draw_importance(new_axes(figure, grid[0, 2]), importance, importance_note)
    for index, (name, scale) in enumerate(scales.items()):
        axes = new_axes(figure, grid[1 + index // _COLUMNS, index % _COLUMNS])
        _draw_slice(axes, points, name, scale, limits, winner)
        if index % _COLUMNS == 0:
            axes.set_ylabel(score_label)
        else:
            axes.set_yticklabels([])
    return figure


def find_limits(scores: Sequence[float], is_maximised: bool) -> tuple[float, float] | None:
    """Return the part of the scale in which good trials lie; bad ones beyond it are drawn at the edge."""
    if not scores:
        return None
    best = max(scores) if is_maximised else min(scores)
    reach = 3 * abs(best - median(scores)) or abs(best) * 0.01 or 1.0
    worst = max(best - reach, min(scores)) if is_maximised else min(best + reach, max(scores))
    margin = 0.07 * (abs(best - worst) or reach)
    return (worst - margin, best + margin) if is_maximised else (best - margin, worst + margin)


def _draw_over_time(
    axes: Axes,
    points: Sequence[Point],
    limits: tuple[float, float] | None,
    is_maximised: bool,
    winner: int | None,
) -> None:
    choose = max if is_maximised else min
    finished = [point for point in points if not point.is_pruned]
    best: list[float] = []
    for point in finished:
        best.append(choose([*best[-1:], point.score]))
    if finished:
        numbers = [point.number for point in finished]
        end = max(point.number for point in points)
        axes.step([*numbers, end], [*best, best[-1]], where="post", color=ORANGE, lw=1.4, label="best so far")
    _scatter(axes, [(point.number, point) for point in points], limits, winner)
    axes.set_xlabel("trial")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(axis="y", color="#e3e6ea", lw=0.6)
    look: dict[str, Any] = {"loc": "lower left", "bbox_to_anchor": (-0.02, 1.0), "borderaxespad": 0.2}
    axes.legend(frameon=False, fontsize=7.5, ncols=6, handletextpad=0.3, columnspacing=1.0, **look)


def _scatter(
    axes: Axes,
    placed: Sequence[tuple[float, Point]],
    limits: tuple[float, float] | None,
    winner: int | None,
) -> None:
    """Draw trials: a dot, a hollow triangle if pruned, a star if it won, at the edge if beyond the scale."""
    if limits is not None:
        axes.set_ylim(*limits)
    low, high = limits or (-float("inf"), float("inf"))
    inset = 0.02 * (high - low) if limits else 0.0
    kinds: dict[str, tuple[list[tuple[float, float]], dict[str, Any]]] = {  # told apart without colour
        "finished": ([], {"marker": "o", "s": 22, "color": BLUE, "alpha": 0.75, "lw": 0}),
        "given up early": ([], {"marker": "v", "s": 20, "facecolors": "none", "edgecolors": GREY, "lw": 0.9}),
        "off the scale": ([], {"marker": "x", "s": 16, "color": GREY, "lw": 0.9}),
        "run again": ([], {"marker": "o", "s": 62, "facecolors": "none", "edgecolors": "black", "lw": 0.9}),
        "winner": ([], {"marker": "*", "s": 150, "color": ORANGE, "edgecolors": "black", "lw": 0.7}),
    }
    for x, point in placed:
        y = min(max(point.score, low + inset), high - inset)
        kind = "given up early" if point.is_pruned else "finished"
        kinds[kind if y == point.score else "off the scale"][0].append((x, y))
        if point.number == winner:
            kinds["winner"][0].append((x, y))
        elif point.rank:
            kinds["run again"][0].append((x, y))
    for order, (label, (where, look)) in enumerate(kinds.items()):
        if where:
            xs, ys = zip(*where, strict=True)
            axes.scatter(xs, ys, label=label, zorder=3 + order, clip_on=False, **look)


def _draw_importance(axes: Axes, importance: Mapping[str, tuple[float, float, float]], note: str) -> None:
    axes.set_title("importance", fontsize=9, loc="left")
    if not importance:
        axes.axis("off")
        axes.text(0, 0.95, note, transform=axes.transAxes, fontsize=8, va="top", wrap=True, color=GREY)
        return
    for row, (name, (share, low, high)) in enumerate(importance.items()):
        axes.barh(row, 100 * share, color=BLUE, height=0.3)
        axes.plot([100 * low, 100 * high], [row, row], color="black", lw=1.2, solid_capstyle="butt")
        axes.text(0, row - 0.22, name, fontsize=8, va="bottom")
    axes.set_yticks([])
    axes.set_xlim(0, None)
    axes.set_ylim(len(importance) - 0.6, -0.75)
    axes.set_xlabel("share (%)")


def _draw_slice(
    axes: Axes,
    points: Sequence[Point],
    name: str,
    scale: Scale,
    limits: tuple[float, float] | None,
    winner: int | None,
) -> None:
    placed: list[tuple[float, Point]] = []
    for point in points:
        value = point.values.get(name)
        if value is not None:
            spread = 0.3 * ((point.number * 0.618) % 1 - 0.5)  # so that equal choices do not hide each other
            x = scale.names.index(str(value)) + spread if scale.names else float(value)
            placed.append((x, point))
    if scale.is_log:
        axes.set_xscale("log")
    if scale.names:
        axes.set_xticks(range(len(scale.names)), [_shorten(one) for one in scale.names], fontsize=8)
        axes.set_xlim(-0.5, len(scale.names) - 0.5)
        _rotate_long(axes, scale.names)
    elif scale.is_whole and not scale.is_log:
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    if scale.ends is not None:
        axes.set_xlim(*_widen(scale.ends, scale.is_log))
    _scatter(axes, placed, limits, winner)
    axes.set_xlabel(name)
    axes.grid(axis="y", color="#e3e6ea", lw=0.6)


def _widen(ends: tuple[float, float], is_log: bool) -> tuple[float, float]:
    low, high = ends
    if is_log:
        factor = (high / low) ** 0.04
        return low / factor, high * factor
    return low - 0.04 * (high - low), high + 0.04 * (high - low)


def _shorten(name: str) -> str:
    return name if len(name) <= 18 else f"{name[:17]}…"


def _rotate_long(axes: Axes, names: Sequence[str]) -> None:
    if sum(len(_shorten(name)) for name in names) > 30:
        axes.tick_params(axis="x", labelrotation=25)
