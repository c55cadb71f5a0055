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
from numpy.typing import NDArray
from torch import Tensor

from loupe.statistics.conclusions import Difference
from loupe.statistics.image_chance import estimate_flips, estimate_image_chance
from loupe.statistics.intervals import SeedSummary, summarise_seeds
from loupe.statistics.many_arms import (
    Family,
    ImageChance,
    RawDifference,
    compare_in_pairs,
    compare_with_reference,
    do_seeds_matter,
    estimate_spread,
    judge_family,
)
from loupe.statistics.variances import FEWEST_TO_BORROW

Place = tuple[str, ...]
"""Where on the axes of a study: the name of a value for each axis."""

_Floats = NDArray[np.float64]
_Runs = dict[tuple[str, Place], dict[int, "ArmRun"]]


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
    chance; else only the seeds do.

    Args:
        runs: with finite figures.
        reference: the arm that others are compared with.
        family: level, margin, and how the comparisons hang together.
        is_ratio: whether logarithms are compared; all figures are then above 0.
        low: smallest value the figure can have; intervals of means are cut there.
        high: largest value the figure can have.
    """
    by_cell = _sort(runs)
    compared = by_cell if not is_ratio else _sort([replace(run, figure=math.log(run.figure)) for run in runs])
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
            summarise_seeds([run.figure for run in of_cell.values()], family.confidence, low=low, high=high),
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
    by_cell = _sort([replace(run, figure=math.log(run.figure)) for run in runs] if is_ratio else runs)
    places = _find_shared(by_cell, last, first)
    others = [arm for arm in _list_others(by_cell, first) if _find_shared(by_cell, arm, first) == places]
    return _compare_table(by_cell, first, others, places).get(last) if places else None


def _sort(runs: Sequence[ArmRun]) -> _Runs:
    by_cell: _Runs = {}
    for run in runs:
        by_cell.setdefault((run.arm, run.place), {})[run.seed] = run
    return by_cell


def _list_others(by_cell: _Runs, reference: str) -> list[str]:
    return list(dict.fromkeys(arm for arm, _ in by_cell if arm != reference))


def _compare_overall(by_cell: _Runs, reference: str, family: Family) -> dict[str, Difference]:
    """Return the differences on average over places; without interval where nothing shows how runs vary."""
    others = _list_others(by_cell, reference)
    tables: dict[tuple[Place, ...], list[str]] = {}
    for arm in others:  # arms at the same places are one table of arms × seeds
        if shared := _find_shared(by_cell, arm, reference):
            tables.setdefault(shared, []).append(arm)
    found: dict[str, RawDifference] = {}
    for places, arms in tables.items():
        found |= _compare_table(by_cell, reference, arms, places)
    judged = dict(zip(found, judge_family(list(found.values()), family), strict=True))
    for arm in others:
        if arm not in judged and (plain := _average_plainly(by_cell, arm, reference)) is not None:
            judged[arm] = plain
    return {arm: judged[arm] for arm in others if arm in judged}


def _compare_table(
    by_cell: _Runs, reference: str, arms: list[str], places: tuple[Place, ...]
) -> dict[str, RawDifference]:
    """Return the differences of arms that stand at the same places; seeds are paired where they matter."""
    table = _tabulate(by_cell, [reference, *arms], places)
    images = [_judge_images(by_cell, arm, reference, places) for arm in arms]
    found: list[RawDifference | None]
    if np.isfinite(table).all() and do_seeds_matter(table):
        found = compare_in_pairs(table[1:] - table[0], images)
    else:
        spread = estimate_spread(table, 0, _find_flips(by_cell, [reference, *arms], places))
        if spread is None:
            return {}
        found = [compare_with_reference(spread, row + 1, 0, images[row]) for row in range(len(arms))]
    return {arm: one for arm, one in zip(arms, found, strict=True) if one is not None}


def _find_shared(by_cell: _Runs, arm: str, reference: str) -> tuple[Place, ...]:
    """Return the places at which both arms have the most seeds in common."""
    seeds = {
        place: by_cell[arm, place].keys() & by_cell[reference, place].keys()
        for one, place in by_cell
        if one == arm and (reference, place) in by_cell
    }
    most = max(map(len, seeds.values()), default=0)
    return tuple(place for place, common in seeds.items() if most and len(common) == most)


def _tabulate(by_cell: _Runs, arms: Sequence[str], places: Sequence[Place]) -> _Floats:
    """Return (arms, seeds) means over places; nan where an arm lacks a place with that seed."""
    seeds = sorted({seed for arm in arms for place in places for seed in by_cell.get((arm, place), {})})
    table = np.full((len(arms), len(seeds)), math.nan)
    for row, arm in enumerate(arms):
        for column, seed in enumerate(seeds):
            values = [run.figure for place in places if (run := by_cell.get((arm, place), {}).get(seed))]
            if len(values) == len(places):
                table[row, column] = math.fsum(values) / len(values)
    return table


def _average_plainly(by_cell: _Runs, arm: str, reference: str) -> Difference | None:
    """Return a difference without interval: of one seed, or of runs that do not vary at all."""
    places = _find_shared(by_cell, arm, reference)
    if not places:
        return None
    gaps, counts = [], []
    for place in places:
        one, other = by_cell[arm, place], by_cell[reference, place]
        seeds = one.keys() & other.keys()
        gaps.append(math.fsum(one[seed].figure - other[seed].figure for seed in seeds) / len(seeds))
        counts.append(len(seeds))
    return Difference(math.fsum(gaps) / len(gaps), None, None, min(counts))


def _judge_images(by_cell: _Runs, arm: str, reference: str, places: Sequence[Place]) -> ImageChance | None:
    """Return what the choice of test images adds; None where single answers to the same are not at hand."""
    pairs = [(by_cell[arm, place], by_cell[reference, place]) for place in places]
    seeds = sorted(set.intersection(*(set(one) & set(other) for one, other in pairs)))
    runs = [run for pair in pairs for of_arm in pair for seed, run in of_arm.items() if seed in seeds]
    if not seeds or len({run.images for run in runs}) != 1 or any(run.right is None for run in runs):
        return None
    table = [
        np.mean([_read_right(one[seed]) - _read_right(other[seed]) for one, other in pairs], axis=0)
        for seed in seeds
    ]
    return estimate_image_chance(np.stack(table))


def _read_right(run: ArmRun) -> _Floats:
    assert run.right is not None
    return np.asarray(run.right.numpy(), dtype=np.float64)


def _find_flips(by_cell: _Runs, arms: Sequence[str], places: Sequence[Place]) -> _Floats | None:
    """Return what flips of single answers make each arm's average vary; None where answers are lacking."""
    flips = []
    for arm in arms:
        cells = [by_cell[arm, place] for place in places]
        seeds = sorted(set.intersection(*map(set, cells)))
        if len(seeds) < 2 or any(cell[seed].right is None for cell in cells for seed in seeds):
            return None
        right = [np.mean([_read_right(cell[seed]) for cell in cells], axis=0) for seed in seeds]
        if len({len(one) for one in right}) != 1:
            return None
        flips.append(estimate_flips(np.stack(right)))
    return np.array(flips)


def _compare_places(
    by_cell: _Runs, reference: str, overall: Mapping[str, Difference], family: Family
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
    of_places = Family(family.confidence, family.margin, kind="any")
    return found | dict(zip(judged, judge_family(list(judged.values()), of_places), strict=True))


def _pair_cells(
    by_cell: _Runs, reference: str, cells: Sequence[tuple[str, Place]]
) -> list[RawDifference | None]:
    seeds = sorted({seed for arm, place in cells for seed in by_cell[arm, place]})
    table = np.full((len(cells), len(seeds)), math.nan)
    for row, (arm, place) in enumerate(cells):
        ours, theirs = by_cell[arm, place], by_cell[reference, place]
        for column, seed in enumerate(seeds):
            if seed in ours and seed in theirs:
                table[row, column] = ours[seed].figure - theirs[seed].figure
    images = [_judge_images(by_cell, arm, reference, [place]) for arm, place in cells]
    return compare_in_pairs(table, images)


def _subtract_means(by_cell: _Runs, arm: str, reference: str, place: Place) -> Difference:
    """Return the difference of two means at a place, with nothing said of it."""
    ours, theirs = by_cell[arm, place], by_cell[reference, place]
    means = [math.fsum(run.figure for run in runs.values()) / len(runs) for runs in (ours, theirs)]
    fewest = min(len(ours), len(theirs))
    return Difference(means[0] - means[1], None, None, fewest, conclusion="not looked at")
