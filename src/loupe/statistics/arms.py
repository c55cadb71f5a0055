"""Many runs as a table: a mean for each arm at each place, and its difference from a reference arm."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

import torch
from torch import Tensor

from loupe.statistics.comparison import adjust_for_many
from loupe.statistics.intervals import SeedSummary, summarise_seeds
from loupe.statistics.seed_pairs import PairedDifference, compare_crossed, compare_seed_pairs

Place = tuple[str, ...]
"""Where on the axes of a study: the name of a value for each axis."""


@dataclass(frozen=True, eq=False)
class ArmRun:
    """One run of an arm.

    Args:
        arm: name of the arm.
        place: where on the axes.
        seed: the run's seed.
        figure: what is compared: an accuracy in [0, 1], a loss, an error.
        right: (images,) bool, which test images it names rightly; None where that is not at hand.
        images: names the test images, such as their digest; answers to other images are not compared.
    """

    arm: str
    place: Place
    seed: int
    figure: float
    right: Tensor | None = None
    images: str = ""


@dataclass(frozen=True)
class Cell:
    """An arm at one place.

    Args:
        arm: name of the arm.
        place: where on the axes.
        summary: of its figures, over the seeds.
        difference: this arm minus the reference over the seeds both have; None for the reference itself, and
            where there is no such seed.
        p_value: of the difference, adjusted for all comparisons it is looked at with; None where there is
            none.
        is_noise: whether the difference is no more than chance may bring, or nothing shows that it is more:
            one seed shows nothing.
    """

    arm: str
    place: Place
    summary: SeedSummary
    difference: PairedDifference | None = None
    p_value: float | None = None
    is_noise: bool = True


def compare_arms(
    runs: Sequence[ArmRun],
    reference: str,
    confidence: float = 0.95,
    *,
    low: float = -float("inf"),
    high: float = float("inf"),
) -> list[Cell]:
    """Return a cell for each arm and place that has runs, in the order in which they first appear.

    Where every run's answers to the same test images are at hand, seeds and images both count as drawn by
    chance (`compare_crossed`); else only the seeds do. The p values of an arm are adjusted for its number of
    places, or where there is one place for the number of arms (Holm, 1979).

    Args:
        runs: with finite figures.
        reference: the arm that others are compared with.
        confidence: level in (0, 1).
        low: smallest value the figure can have; intervals of means are cut there.
        high: largest value the figure can have.
    """
    by_cell: dict[tuple[str, Place], dict[int, ArmRun]] = {}
    for run in runs:
        by_cell.setdefault((run.arm, run.place), {})[run.seed] = run
    differences = {
        (arm, place): compare_pairs(of_cell, by_cell.get((reference, place), {}), confidence)
        for (arm, place), of_cell in by_cell.items()
        if arm != reference
    }
    adjusted = _adjust_by_arm(differences)
    return [
        Cell(
            arm,
            place,
            summarise_seeds([run.figure for run in of_cell.values()], confidence, low=low, high=high),
            differences.get((arm, place)),
            adjusted.get((arm, place)),
            _has_one_seed(differences.get((arm, place))) or adjusted.get((arm, place), 1.0) > 1 - confidence,
        )
        for (arm, place), of_cell in by_cell.items()
    ]


def _has_one_seed(difference: PairedDifference | None) -> bool:
    """Return whether a difference is of two networks only: it then says nothing of the arms."""
    return difference is not None and difference.num_seeds == 1


def compare_pairs(
    first: dict[int, ArmRun], second: dict[int, ArmRun], confidence: float
) -> PairedDifference | None:
    """Return how two arms differ over the seeds both have; None if they have none in common."""
    seeds = sorted(first.keys() & second.keys())
    if not seeds:
        return None
    pairs = [(first[seed], second[seed]) for seed in seeds]
    answers = [(one.right, other.right) for one, other in pairs]
    images = {run.images for pair in pairs for run in pair}
    if len(images) == 1 and all(one is not None and other is not None for one, other in answers):
        ours = torch.stack([one for one, _ in answers if one is not None])
        theirs = torch.stack([other for _, other in answers if other is not None])
        return compare_crossed(ours, theirs, confidence)
    return compare_seed_pairs(
        [one.figure for one, _ in pairs], [other.figure for _, other in pairs], confidence
    )


def compare_overall(
    runs: Sequence[ArmRun], arm: str, reference: str, confidence: float = 0.95
) -> PairedDifference | None:
    """Return how an arm differs from the reference on average over the places both have.

    Each seed gives one average; only the seeds count as drawn by chance. None without a place at which both
    arms have the same seeds.
    """
    figures = {(run.arm, run.place, run.seed): run.figure for run in runs}
    by_seed: dict[int, list[tuple[float, float]]] = {}
    places: dict[int, set[Place]] = {}
    for run in runs:
        if run.arm == arm and (reference, run.place, run.seed) in figures:
            by_seed.setdefault(run.seed, []).append((run.figure, figures[reference, run.place, run.seed]))
            places.setdefault(run.seed, set()).add(run.place)
    most = max((len(of_seed) for of_seed in places.values()), default=0)
    whole = [seed for seed in sorted(by_seed) if len(places[seed]) == most]  # averages over the same places
    if not whole:
        return None
    return compare_seed_pairs(
        [fmean(one for one, _ in by_seed[seed]) for seed in whole],
        [fmean(other for _, other in by_seed[seed]) for seed in whole],
        confidence,
    )


def _adjust_by_arm(
    differences: dict[tuple[str, Place], PairedDifference | None],
) -> dict[tuple[str, Place], float]:
    """Return the adjusted p value of each difference that has one.

    The places of an arm are a family; arms that all stand at one place are one family together.
    """
    is_one_place = len({place for _, place in differences}) == 1
    families: dict[str, dict[tuple[str, Place], float]] = {}
    for (arm, place), found in differences.items():
        if found is not None and found.p_value is not None:
            families.setdefault("" if is_one_place else arm, {})[arm, place] = found.p_value
    adjusted: dict[tuple[str, Place], float] = {}
    for p_values in families.values():
        adjusted |= dict(zip(p_values, adjust_for_many(list(p_values.values())), strict=True))
    return adjusted
