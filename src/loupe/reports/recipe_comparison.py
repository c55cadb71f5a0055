"""What the seeds of two series say of their recipes; two single networks say nothing of theirs."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from loupe.metrics import headline_of
from loupe.reports.compared_run import ComparedRun
from loupe.reports.page import format_level
from loupe.runs.metric_values import Split
from loupe.statistics.conclusions import EQUIVALENCE_MARGIN_POINTS, Difference
from loupe.statistics.many_arms import Family, compare_with_reference, judge_family
from loupe.statistics.spreads import estimate_spread


def compare_recipes(runs: Sequence[ComparedRun], split: Split) -> list[str]:
    """Return for each pair of series with two seeds or more what their seeds say of the recipes."""
    metric = headline_of("classification")
    values = {
        run.name: [one.value for one in run.values(split, metric) if one.value is not None]
        for run in runs
        if run.is_series and run.scores(split)
    }
    values = {name: found for name, found in values.items() if len(found) > 1}
    level, pairs = runs[0].recipe.evaluate.confidence, list(combinations(values, 2))
    family = Family(level, EQUIVALENCE_MARGIN_POINTS, len(pairs) - 1, "any", widest=metric.widest_gap)
    return [_compare(first, second, values, family) for first, second in pairs]


def _compare(first: str, second: str, values: dict[str, list[float]], family: Family) -> str:
    table = np.full((2, max(len(values[first]), len(values[second]))), np.nan)
    for row, name in enumerate((first, second)):
        table[row, : len(values[name])] = values[name]
    spread = estimate_spread(table, 1)
    raw = compare_with_reference(spread, 0, 1) if spread is not None else None
    if raw is None:
        return f"The seeds of {first} and {second} agree, which shows no spread to judge their recipes by."
    (judged,) = judge_family([raw], family)
    return f"{first} against {second}, {_tell(judged, family)}."


def _tell(one: Difference, family: Family) -> str:
    metric = headline_of("classification")
    assert one.interval is not None
    ends = " to ".join(metric.write_difference(end) for end in (one.interval.low, one.interval.high))
    level = format_level(family.confidence)
    size = metric.write_difference(one.mean)
    told = f"over their seeds, on these images: {size} points ({level} interval {ends}); "
    if one.conclusion == "shown":
        return (
            f"{told}a difference of the recipes is shown, of at least {metric.write_gap(abs(one.at_least))}"
        )
    if one.conclusion == "practically none":
        return f"{told}the recipes are practically the same, within {metric.write_gap(family.margin)}"
    return f"{told}these seeds cannot tell whether the recipes differ"
