"""What runs say of each other: whether networks or recipes differ, and what each achieves for its cost."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from loupe.evaluations import PairedComparison, compare_predictions
from loupe.metrics import Predictions
from loupe.reports.common_images import find_common_images
from loupe.reports.compared_run import ComparedRun, describe_series, find_shared, list_single
from loupe.reports.cost_front import render_front
from loupe.reports.page import format_level, render_page
from loupe.reports.recipe_comparison import compare_recipes
from loupe.reports.run_costs import draw_run_costs
from loupe.runs.metric_values import Split
from loupe.statistics.comparison import adjust_for_many

SPLITS: tuple[Split, ...] = ("validation", "test")


@dataclass(frozen=True)
class Test:
    """Two runs on the same images, in words and figures; `adjusted` allows for the other pairs."""

    __test__ = False  # not a test class, whatever pytest thinks of its name

    first: str
    second: str
    paired: PairedComparison
    adjusted: float
    sentence: str


@dataclass(frozen=True)
class SplitTests:
    """The paired tests of runs on one split.

    Args:
        tests: of each pair of runs with one network, the first one's first; none where `reason` says why.
        reason: why the runs cannot be compared image by image.
        note: which images were compared, where it is not all of the split.
    """

    tests: list[Test]
    reason: str = ""
    note: str = ""


def render_verdicts(runs: Sequence[ComparedRun]) -> str:
    """Return what runs say of each other as a part of another page: the same as their report.

    Args:
        runs: two or more that are judged by the same figure.
    """
    return render_page("compare_fragment.html", runs=runs, **judge_runs(runs))


def judge_runs(runs: Sequence[ComparedRun]) -> dict[str, Any]:
    """Return what `compare_verdicts.html` and `compare_costs.html` show of runs."""
    is_classifier = runs[0].is_classifier
    found = {split: judge_split(runs, split) for split in SPLITS} if is_classifier else {}
    return {
        "is_classifier": is_classifier,
        "confidence": format_level(runs[0].recipe.evaluate.confidence),
        "tests": {split: one.tests for split, one in found.items()},
        "reasons": {split: one.reason for split, one in found.items()},
        "left_out": describe_series(runs) if len(list_single(runs)) > 1 else "",
        "notes": {split: one.note for split, one in found.items()},
        "recipes": {split: compare_recipes(runs, split) for split in found},
        "costs": render_front(draw_run_costs(runs)),
    }


def judge_split(runs: Sequence[ComparedRun], split: Split) -> SplitTests:
    """Return the paired tests of classifiers on a split: on all of its images, or on those they share.

    Of series of seeds there are none; the other runs are compared all the same, if there are two.
    """
    single = list_single(runs)
    if len(single) < 2:
        return SplitTests([], describe_series(runs))
    reason = find_shared(single, split)
    if not reason:
        return SplitTests(compare_pairs(single, split))
    common = find_common_images(single, split)
    if common is None:
        return SplitTests([], reason)
    return SplitTests(compare_pairs(single, split, common.predictions), note=common.note)


def compare_pairs(
    runs: Sequence[ComparedRun], split: str, predictions: Sequence[Predictions] | None = None
) -> list[Test]:
    """Return the test of each pair of runs on the images they share, pairs with the first run first.

    The p values are adjusted for their number.

    Args:
        runs: the runs.
        split: validation or test.
        predictions: of each run, of the same images; all of the split if left out.
    """
    if predictions is None:
        predictions = [run.folders[0].read_predictions()[split] for run in runs]
    pairs = list(combinations(range(len(runs)), 2))
    paired = [compare_predictions(predictions[one], predictions[other]) for one, other in pairs]
    adjusted = adjust_for_many([one.p_value for one in paired])
    confidence = runs[0].recipe.evaluate.confidence
    return [
        Test(
            runs[first].name,
            runs[second].name,
            result,
            p_value,
            describe_test(runs[first].name, runs[second].name, result, p_value, confidence),
        )
        for (first, second), result, p_value in zip(pairs, paired, adjusted, strict=True)
    ]


def describe_test(
    first: str, second: str, paired: PairedComparison, p_value: float, confidence: float
) -> str:
    """Return whether two networks differ by more than the chance of which images they are judged on.

    It says nothing of their recipes: of one recipe, two seeds differ as surely in one of three pairs.
    """
    one, other = len(paired.only_first), len(paired.only_second)
    if not one + other:
        return f"{first} and {second} are right and wrong on the same images."
    better, worse = (first, second) if one >= other else (second, first)
    points = f"{100 * abs(paired.difference):.2f} points"
    chance = f"p = {p_value:.2g}" if p_value >= 0.0001 else "p < 0.0001"
    if p_value < 1 - confidence:
        return (
            f"Of these two networks {better} gets more images right than {worse}, by {points} ({chance}); "
            "whether its recipe is any better only several seeds of each can say."
        )
    if one == other:
        return f"{first} and {second} get equally many images right ({chance})."
    return f"{better} gets {points} more right than {worse}; other images could turn that round ({chance})."
