"""Before a study is run: what difference its planned seeds can find."""

import math
from collections.abc import Sequence

from loupe.statistics.planning import find_smallest_difference
from loupe.studies import Study
from loupe.studies.analysis import analyse_study, compares_places, is_reference_chosen
from loupe.studies.rows import StudyRow
from loupe.wording import count_of

_POWER = 0.8


def describe_power(study: Study, rows: Sequence[StudyRow] = (), num_copies: int = 0) -> str:
    """Return in words what difference the study's seeds find in 80 of 100 cases; "" if it compares nothing.

    In standard deviations between seeds, which nobody knows before; in the figure's unit too where runs that
    are done already show how much they vary, or else for a spread of half a point.

    Args:
        study: the study.
        rows: of runs that are done.
        num_copies: arms that are the same runs as another: they compare nothing.
    """
    num_arms, num_comparisons = _count_comparisons(study, num_copies)
    if num_comparisons < 1:
        return ""
    num_seeds = len(study.seeds)
    if num_seeds < 2:
        return "One seed an arm shows no difference of any size: nothing says how much runs vary."
    size = find_smallest_difference(
        1.0, num_seeds, max(2, num_arms), num_comparisons, confidence=study.confidence, power=_POWER
    )
    told = (
        f"{count_of(num_seeds, 'seed')} an arm find a difference of {size:.1f} standard deviations between "
        f"seeds in {100 * _POWER:.0f} of 100 studies with {count_of(num_comparisons, 'comparison')}"
    )
    return f"{told}: {_tell_size(study, rows, size)}."


def _count_comparisons(study: Study, num_copies: int) -> tuple[int, int]:
    """Return the arms and the comparisons that the page will print."""
    axes = sum(axis.numbers is not None and len(axis.names) > 1 for axis in study.axes.values())
    num_arms = len(study.arms)
    if compares_places(study) and study.axes:
        num_arms = math.prod(len(axis.names) for axis in study.axes.values())
    num_arms -= num_copies
    comparisons = num_arms - 1
    if num_arms > 1 and is_reference_chosen(study, ("", ())):
        comparisons = num_arms * (num_arms - 1) // 2
    return num_arms, comparisons + axes


def _tell_size(study: Study, rows: Sequence[StudyRow], size: float) -> str:
    """Return a difference in the figure's unit, for the spread of the runs that are done."""
    analysis = analyse_study(study, rows) if any(row.is_finished for row in rows) else None
    stds = [cell.summary.std for cell in analysis.cells if cell.summary.std] if analysis is not None else []
    if analysis is None or not stds:
        return f"{0.5 * size:.1f} points where runs vary by half a point"
    std = math.sqrt(math.fsum(one * one for one in stds) / len(stds))
    metric = analysis.figure.metric
    if size * std > metric.widest_gap:
        return (
            f"farther apart than two values of {analysis.figure.name} can be, as the runs vary that are done "
            f"({metric.write_gap(std)})"
        )
    return f"{metric.write_gap(size * std)}, as the runs vary that are done ({metric.write_gap(std)})"
