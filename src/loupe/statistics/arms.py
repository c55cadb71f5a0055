"""Many runs as a table: a mean for each arm at each place, and its difference from a reference arm.

The answers of a study are a crossed design: arms × places × seeds, and × test images where single answers
are at hand. Spreads are estimated over arms together; what is printed together is judged together. Arms are
compared on average over places first, and single places only below a difference that is shown, so that a
sentence about the arms and the table of places cannot contradict each other.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from loupe.statistics.arm_runs import (
    ArmRun,
    Place,
    RunsByCell,
    find_flips,
    find_places,
    find_shared,
    judge_images,
    measure_places,
    sort_runs,
    tabulate,
)
from loupe.statistics.conclusions import Difference
from loupe.statistics.intervals import SeedSummary, summarise_seeds
from loupe.statistics.many_arms import (
    Family,
    RawDifference,
    compare_in_pairs,
    compare_with_reference,
    judge_family,
)
from loupe.statistics.seed_effects import do_seeds_matter, find_shared_seeds
from loupe.statistics.spreads import estimate_spread
from loupe.statistics.variances import FEWEST_TO_BORROW


@dataclass(frozen=True)
class Cell:
    """An arm at one place.

    Args:
        arm: name of the arm.
        place: where on the axes.
        summary: of its figures, over the seeds.
        difference: this arm minus the reference; None for the reference itself, and where it has no run
            there. Without an interval where the arm is not shown to differ on average over several places.
    """

    arm: str
    place: Place
    summary: SeedSummary
    difference: Difference | None = None

    @property
    def is_open(self) -> bool:
        """Whether there is a difference to speak of, and these runs cannot tell: what figures draw grey."""
        return self.difference is not None and self.difference.is_open


@dataclass(frozen=True, eq=False)
class ComparedArms:
    """What a table says.

    Args:
        cells: one for each arm and place that has runs, in the order in which they first appear.
        overall: by arm, its difference from the reference on average over the places both have.
    """

    cells: list[Cell]
    overall: dict[str, Difference]


def compare_arms(
    runs: Sequence[ArmRun],
    reference: str,
    family: Family,
    *,
    is_ratio: bool = False,
    low: float = -math.inf,
    high: float = math.inf,
) -> ComparedArms:
    """Return means, and differences from the reference: on average over places, and at each place.

    Where every run's answers to the same test images are at hand, seeds and images both count as drawn by
    chance; else only the seeds do. A difference rests on the seeds that both arms have: where runs are
    missing, one that only one of them has would put what it does to all arms into the difference. How much an
    arm varies is told by all of its seeds. Arms without a common seed are compared by all seeds of either.

    Args:
        runs: with finite figures.
        reference: the arm that others are compared with.
        family: level, margin, and how the comparisons hang together.
        is_ratio: whether logarithms are compared; all figures are then above 0.
        low: smallest value the figure can have; intervals of means are cut there.
        high: largest value the figure can have.
    """
    by_cell = sort_runs(runs)
    compared = (
        by_cell if not is_ratio else sort_runs([replace(run, figure=math.log(run.figure)) for run in runs])
    )
    overall = _compare_overall(compared, reference, family)
    at_places: Mapping[tuple[str, Place], Difference]
    if len({place for _, place in by_cell}) == 1:
        at_places = {(arm, place): overall[arm] for arm, place in by_cell if arm in overall}
    else:
        at_places = _compare_places(compared, reference, overall, family)
    cells = [
        Cell(
            arm,
            place,
            summarise_seeds(
                [run.figure for run in of_cell.values()],
                family.confidence,
                low=low,
                high=high,
                over_images=[run.over_images for run in of_cell.values()],
            ),
            at_places.get((arm, place)),
        )
        for (arm, place), of_cell in by_cell.items()
    ]
    return ComparedArms(cells, overall)


def compare_ends(
    runs: Sequence[ArmRun], first: str, last: str, *, is_ratio: bool = False
) -> RawDifference | None:
    """Return how the last value of an axis differs from the first, on average over all else.

    Args:
        runs: with the value of the axis as arm, and all else as place.
        first: what is compared with.
        last: what is compared.
        is_ratio: whether logarithms are compared.
    """
    by_cell = sort_runs([replace(run, figure=math.log(run.figure)) for run in runs] if is_ratio else runs)
    places = find_places(by_cell, last, first)
    others = [arm for arm in _list_others(by_cell, first) if find_places(by_cell, arm, first) == places]
    return _compare_table(by_cell, first, others, places).get(last) if places else None


def _list_others(by_cell: RunsByCell, reference: str) -> list[str]:
    return list(dict.fromkeys(arm for arm, _ in by_cell if arm != reference))


def _compare_overall(by_cell: RunsByCell, reference: str, family: Family) -> dict[str, Difference]:
    """Return the differences on average over places; without interval where nothing shows how runs vary."""
    others = _list_others(by_cell, reference)
    tables: dict[tuple[Place, ...], list[str]] = {}
    for arm in others:  # arms at the same places are one table of arms × seeds
        if places := find_places(by_cell, arm, reference):
            tables.setdefault(places, []).append(arm)
    found: dict[str, RawDifference] = {}
    for places, arms in tables.items():
        found |= _compare_table(by_cell, reference, arms, places)
    judged = dict(zip(found, judge_family(list(found.values()), family), strict=True))
    for arm in others:
        if arm not in judged and (plain := _average_plainly(by_cell, arm, reference)) is not None:
            judged[arm] = plain
    return {arm: judged[arm] for arm in others if arm in judged}


def _compare_table(
    by_cell: RunsByCell, reference: str, arms: list[str], places: tuple[Place, ...]
) -> dict[str, RawDifference]:
    """Return the differences of arms that stand at the same places; seeds are paired where they matter."""
    table = tabulate(by_cell, [reference, *arms], places)
    images = [judge_images(by_cell, arm, reference, places) for arm in arms]
    are_apart = [not find_shared(by_cell, arm, reference) for arm in arms]
    found: list[RawDifference | None] = [None] * len(arms)
    are_paired = do_seeds_matter(table)
    if are_paired:
        found = compare_in_pairs(table[1:] - table[0], images)
    if not are_paired or any(are_apart):
        flips = find_flips(by_cell, [reference, *arms], places)
        spread = estimate_spread(table, 0, flips, measure_places(by_cell, [reference, *arms], places))
        shared = find_shared_seeds(table, 0)[1:]
        for row, is_apart in enumerate(are_apart):
            if spread is not None and (is_apart or not are_paired):
                of_shared = None if is_apart else shared[row]
                found[row] = compare_with_reference(spread, row + 1, 0, images[row], of_shared)
    return {arm: one for arm, one in zip(arms, found, strict=True) if one is not None}


def _average_plainly(by_cell: RunsByCell, arm: str, reference: str) -> Difference | None:
    """Return a difference without interval: of one seed, or of runs that do not vary at all."""
    places = find_places(by_cell, arm, reference)
    if not places:
        return None
    found = [_subtract_means(by_cell, arm, reference, place) for place in places]
    mean = math.fsum(one.mean for one in found) / len(found)
    fewest = min(one.num_seeds for one in found)
    return Difference(mean, None, None, fewest, shares_seeds=found[0].shares_seeds)


def _compare_places(
    by_cell: RunsByCell, reference: str, overall: Mapping[str, Difference], family: Family
) -> dict[tuple[str, Place], Difference]:
    """Return the difference at each place: judged where the arm is shown to differ, else the mean alone.

    All places that are judged are one family. Seeds are compared in pairs; where an arm has six places or
    more their spreads are moderated together, else those of all arms.
    """
    found: dict[tuple[str, Place], Difference] = {}
    shown: dict[str, list[tuple[str, Place]]] = {}
    for arm, place in by_cell:
        if arm == reference or (reference, place) not in by_cell:
            continue
        found[arm, place] = _subtract_means(by_cell, arm, reference, place)
        if arm in overall and overall[arm].conclusion == "shown":
            shown.setdefault(arm, []).append((arm, place))
    groups = list(shown.values())
    if any(len(group) < FEWEST_TO_BORROW for group in groups):
        groups = [[cell for group in groups for cell in group]]
    judged: dict[tuple[str, Place], RawDifference] = {}
    for group in groups:
        raw = _pair_cells(by_cell, reference, group)
        judged |= {cell: one for cell, one in zip(group, raw, strict=True) if one is not None}
    of_places = Family(family.confidence, family.margin, kind="any", widest=family.widest)
    return found | dict(zip(judged, judge_family(list(judged.values()), of_places), strict=True))


def _pair_cells(
    by_cell: RunsByCell, reference: str, cells: Sequence[tuple[str, Place]]
) -> list[RawDifference | None]:
    seeds = sorted({seed for arm, place in cells for seed in by_cell[arm, place]})
    table = np.full((len(cells), len(seeds)), math.nan)
    for row, (arm, place) in enumerate(cells):
        ours, theirs = by_cell[arm, place], by_cell[reference, place]
        for column, seed in enumerate(seeds):
            if seed in ours and seed in theirs:
                table[row, column] = ours[seed].figure - theirs[seed].figure
    images = [judge_images(by_cell, arm, reference, [place]) for arm, place in cells]
    return compare_in_pairs(table, images)


def _subtract_means(by_cell: RunsByCell, arm: str, reference: str, place: Place) -> Difference:
    """Return the difference of two means at a place, over the seeds both have, with nothing said of it."""
    ours, theirs = by_cell[arm, place], by_cell[reference, place]
    both = ours.keys() & theirs.keys()
    figures = [[run.figure for seed, run in of.items() if not both or seed in both] for of in (ours, theirs)]
    means = [math.fsum(one) / len(one) for one in figures]
    fewest = min(map(len, figures))
    return Difference(
        means[0] - means[1], None, None, fewest, conclusion="not looked at", shares_seeds=bool(both)
    )
