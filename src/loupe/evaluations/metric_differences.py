"""Two networks by every metric: the differences on the same images, with paired bootstrap intervals."""

from torch import Tensor

from loupe.evaluations.finding import POINTS, Cell, Column, Finding, Table, Value
from loupe.evaluations.registry import register_evaluation
from loupe.metrics import MetricValue, Predictions, choose_metric
from loupe.metrics.registry import ChosenMetric
from loupe.statistics.paired_bootstrap import bootstrap_differences

_ALWAYS = ("accuracy", "negative_log_likelihood", "brier_score")


@register_evaluation(
    "metric_differences",
    title="Difference in every metric",
    chapter="The two networks",
    order=6,
    split="judged",
)
def compare_by_metrics(
    answers: Predictions,
    against: Predictions,
    names: tuple[str, str],
    level: float,
    seed: int,
    metrics: tuple[ChosenMetric, ...] = (),
) -> Finding:
    """The difference of two networks in every metric that was asked for, on the same resampled images.

    Costs about a second for each metric and 10,000 images, and no forward pass.
    """
    chosen = {one.metric.name: one for one in (*map(choose_metric, _ALWAYS), *metrics)}
    values, rows = list[Value](), list[tuple[Cell, ...]]()
    better: dict[bool, list[str]] = {True: [], False: []}
    differences = [_Difference(one, answers, against) for one in chosen.values()]
    widest = [one.metric.widest_gap for one in chosen.values()]
    all_found = bootstrap_differences(differences, len(answers.labels), level, seed, widest=widest)
    for one, found in zip(chosen.values(), all_found, strict=True):
        ours, theirs = one.compute(answers, level), one.compute(against, level)
        metric = one.metric
        unit = POINTS if metric.is_percent else metric.unit
        value = Value(
            f"difference in {metric.title}",
            found.value if found is not None else None,
            unit,
            found.interval if found is not None else None,
        )
        values.append(value)
        rows.append((metric.heading, ours.write(), theirs.write(), value.write()))
        if found is not None and found.interval is not None:
            low, high = found.interval.low, found.interval.high
            if low > 0 or high < 0:
                better[(low > 0) == metric.is_higher_better].append(metric.title)
    columns = (Column("metric"), *(Column(name) for name in names), Column("difference"))
    note = (
        f"{names[0]} minus {names[1]}. Both are judged on the same 400 resamples of the images (paired "
        "bootstrap), so that images that are hard for both do not widen the interval. The intervals of this "
        f"table hold all together with {100 * level:g} %: they are wider than one alone would be, and more "
        "metrics make them wider."
    )
    table = Table("", columns, tuple(rows), note)
    return Finding(_say(values[0], better, names), values, [table])


class _Difference:
    """One metric of two networks: first minus second on some of the images."""

    def __init__(self, chosen: ChosenMetric, first: Predictions, second: Predictions) -> None:
        self._chosen, self._first, self._second = chosen, first, second

    def __call__(self, some: Tensor | None) -> float | None:
        ours, theirs = (self._measure(one, some).value for one in (self._first, self._second))
        return None if ours is None or theirs is None else ours - theirs

    def _measure(self, answers: Predictions, some: Tensor | None) -> MetricValue:
        if some is not None:
            answers = Predictions(answers.labels[some], answers.logits[some])
        return self._chosen.compute(answers)


def _say(accuracy: Value, better: dict[bool, list[str]], names: tuple[str, str]) -> str:
    lead = f"{names[0]} minus {names[1]}, resampled over images: accuracy {accuracy.write()}."
    told = [
        f"{name} is better by {', '.join(titles)}"
        for name, titles in zip(names, (better[True], better[False]), strict=True)
        if titles
    ]
    return f"{lead} Beyond chance, {'; '.join(told)}." if told else f"{lead} No metric differs beyond chance."
