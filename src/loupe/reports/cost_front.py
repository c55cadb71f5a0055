"""Accuracy against cost, of runs compared, of a study, of a search: what each costs, drawn and said."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from matplotlib.figure import Figure

from loupe.figures.cost_front import CostPanel, CostPoint, count_unnamed, draw_cost_front
from loupe.metrics import Metric
from loupe.reports.pictures import encode_figure
from loupe.statistics import Interval
from loupe.statistics.pareto import find_front
from loupe.wording import count_of, quote_word

Cost = Literal["parameters", "multiply_adds", "seconds"]
_LABELS: Mapping[Cost, str] = {
    "parameters": "parameters",
    "multiply_adds": "multiply-adds of an image",
    "seconds": "seconds of training",
}
_MOST_SAID = 6
_LEAST_TIMES_APART = 1.25  # a machine that does other work too is that much slower by chance
PICTURE_DPI = 110


@dataclass(frozen=True)
class Costed:
    """A network, or the seeds of one, with what it achieves and costs.

    Args:
        name: what it is called.
        score: of a metric; the mean over seeds.
        interval: of the score; None without one.
        costs: by kind; None where it is not on record.
    """

    name: str
    score: float
    interval: Interval | None
    costs: Mapping[Cost, float | None]


@dataclass(frozen=True)
class CostFront:
    """What stands on a page of accuracy against cost.

    Args:
        figure: all kinds of cost side by side, in the house style.
        single: each kind in a figure of its own, for pages that may be narrow.
        sentences: one for each kind of cost: which are not dominated.
        title: what the picture shows, for those who do not see it.
    """

    figure: Figure
    single: tuple[Figure, ...]
    sentences: tuple[str, ...]
    title: str


def draw_front(
    networks: Sequence[Costed], metric: Metric, split: str, averaged_over: str = ""
) -> CostFront | None:
    """Return accuracy against cost; None where fewer than two networks differ in any cost.

    Seconds that differ by less than a quarter are taken for equal.

    Args:
        networks: each with a score.
        metric: what the score is of.
        split: of which images, as text: "validation".
        averaged_over: what scores and costs are means over, as text, if not over seeds alone.
    """
    chosen = list(_choose_panels(networks, metric))
    if not chosen:
        return None
    panels = [panel for _, panel in chosen]
    title = f"{split} {metric.title} against {_list([_LABELS[cost] for cost, _ in chosen])}"
    if averaged_over:
        title += f", on average over {averaged_over}"
    label = f"{split} {metric.label}"
    single = tuple(draw_cost_front([panel], score_label=label) for panel in panels)
    figure = draw_cost_front(panels, score_label=label)
    alone = [count_unnamed(one)[0] for one in single]
    unnamed = [max(both) for both in zip(alone, count_unnamed(figure), strict=True)]
    sentences = tuple(
        _say(panel, len(networks), metric) + _say_unnamed(count)
        for panel, count in zip(panels, unnamed, strict=True)
    )
    return CostFront(figure, single, sentences, title)


def render_front(front: CostFront | None) -> dict[str, object] | None:
    """Return what templates show of it (`cost_front.html`); None for none."""
    if front is None:
        return None
    return {
        "pictures": [encode_figure(one, PICTURE_DPI) for one in front.single],
        "sentences": front.sentences,
        "title": front.title,
    }


def _choose_panels(networks: Sequence[Costed], metric: Metric) -> Iterator[tuple[Cost, CostPanel]]:
    """Yield the kinds of cost in which at least two networks differ."""
    scale = metric.scale
    for cost, label in _LABELS.items():
        known = [one for one in networks if (one.costs.get(cost) or 0) > 0]
        costs = [float(one.costs[cost] or 0) for one in known]
        least = _LEAST_TIMES_APART if cost == "seconds" else 1.0
        if len(costs) < 2 or max(costs) <= least * min(costs):
            continue
        front = find_front(costs, [one.score for one in known], is_higher_better=metric.is_higher_better)
        yield (
            cost,
            CostPanel(
                label,
                [
                    CostPoint(
                        one.name,
                        value,
                        scale * one.score,
                        scale * one.interval.low if one.interval else None,
                        scale * one.interval.high if one.interval else None,
                        is_front,
                    )
                    for one, value, is_front in zip(known, costs, front, strict=True)
                ],
            ),
        )


def _say(panel: CostPanel, num_all: int, metric: Metric) -> str:
    """Return which networks none of the others beats, cheapest first, and where a gain is not sure."""
    unit = " s" if panel.label == _LABELS["seconds"] else ""
    front = sorted((one for one in panel.points if one.is_front), key=lambda one: one.cost)
    shown = [
        f"{quote_word(one.name)} ({_write_score(one.score, metric)} at {write_cost(one.cost)}{unit})"
        for one in front[:_MOST_SAID]
    ]
    if len(front) > _MOST_SAID:
        shown.append(f"{len(front) - _MOST_SAID} more")
    verb = "is" if len(front) == 1 else "are"
    lead = f"By {panel.label}, {_list(shown)} {verb} not beaten: no other is as good for as little."
    doubtful = [
        f"{quote_word(later.name)} on {quote_word(earlier.name)}"
        for earlier, later in pairwise(front)
        if _overlap(earlier, later)
    ]
    if doubtful:
        lead += f" What is gained lies within the intervals: {', '.join(doubtful[:_MOST_SAID])}."
    missing = num_all - len(panel.points)
    if missing:
        lead += f" Of {count_of(missing, 'other')} this cost is not on record."
    return lead


def _say_unnamed(count: int) -> str:
    return (
        f" {count_of(count, 'point')} of the picture {'has' if count == 1 else 'have'} no name."
        if count
        else ""
    )


def _overlap(one: CostPoint, other: CostPoint) -> bool:
    if one.low is None or one.high is None or other.low is None or other.high is None:
        return False
    return one.low <= other.high and other.low <= one.high


def _write_score(score: float, metric: Metric) -> str:
    return metric.write(score / metric.scale)


def write_cost(value: float) -> str:
    """Return a cost with three digits: "1,234", "12.3 million", "5.1 billion", "4.26"."""
    for size, name in ((1e9, " billion"), (1e6, " million")):
        if value >= size:
            return f"{value / size:.3g}{name}"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _list(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
