"""Many runs as a table: a mean for each arm at each place, and its difference from a reference arm.

The answers of a study are a crossed design: arms × places × seeds, and × test images where single answers
are at hand. Spreads are estimated over arms and places together; what is printed together is judged
together. Arms are compared on average over places first, and single places only below a difference that is
shown, so that a sentence about the arms and the table of places cannot contradict each other.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from loupe.statistics.conclusions import Difference
from loupe.statistics.image_chance import estimate_image_chance
from loupe.statistics.intervals import SeedSummary, summarise_seeds
from loupe.statistics.many_arms import (
    Family,
    ImageChance,
    RawDifference,
    Spread,
    compare_with_reference,
    estimate_spread,
    judge_family,
)

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
    low: float = -math.inf,
    high: float = math.inf,
) -> ComparedArms:
    """Return means, and differences from the reference: on average over places, and at each place.

    Where every run's answers to the same test images are at hand, seeds and images both count as drawn by
    chance; else only the seeds do.

    Args:
        runs: with finite figures; above 0 if differences are ratios.
        reference: the arm that others are compared with.
        family: level, margin, and the tables of the page that share the chance of a false alarm.
        low: smallest value the figure can have; intervals of means are cut there.
        high: largest value the figure can have.
    """
    by_cell = _sort(runs)
    overall = _compare_overall(by_cell, reference, family)
    at_places: Mapping[tuple[str, Place], Difference]
    if len({place for _, place in by_cell}) == 1:
        at_places = {(arm, place): overall[arm] for arm, place in by_cell if arm in overall}
    else:
        at_places = _compare_places(by_cell, reference, overall, family)
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


def compare_ends(runs: Sequence[ArmRun], first: str, last: str, family: Family) -> Difference | None:
    """Return how the last value of an axis differs from the first, on average over all else.

    Args:
        runs: with the value of the axis as arm, and all else as place.
        first: what is compared with.
        last: what is compared.
        family: as for `compare_arms`.
    """
    by_cell = _sort(runs)
    found = _compare_average(by_cell, first, [last], _list_others(by_cell, first))
    return judge_family([found[last]], family)[0] if last in found else None


def _sort(runs: Sequence[ArmRun]) -> _Runs:
    by_cell: _Runs = {}
    for run in runs:
        by_cell.setdefault((run.arm, run.place), {})[run.seed] = run
    return by_cell


def _list_others(by_cell: _Runs, reference: str) -> list[str]:
    return list(dict.fromkeys(arm for arm, _ in by_cell if arm != reference))


def _compare_overall(by_cell: _Runs, reference: str, family: Family) -> dict[str, Difference]:
    others = _list_others(by_cell, reference)
    found = _compare_average(by_cell, reference, others, others)
    judged = dict(zip(found, judge_family(list(found.values()), family), strict=True))
    for arm in others:
        if arm not in judged and (plain := _average_plainly(by_cell, arm, reference)) is not None:
            judged[arm] = plain
    return {arm: judged[arm] for arm in others if arm in judged}


def _compare_average(
    by_cell: _Runs, reference: str, wanted: Iterable[str], others: Sequence[str]
) -> dict[str, RawDifference]:
    """Return the differences of the wanted arms; arms at the same places are one table of arms × seeds."""
    tables: dict[tuple[Place, ...], list[str]] = {}
    for arm in others:
        if shared := _find_shared(by_cell, arm, reference):
            tables.setdefault(shared, []).append(arm)
    found: dict[str, RawDifference] = {}
    for places, arms in tables.items():
        names = [reference, *arms]
        spread = estimate_spread(_tabulate(by_cell, names, places), reference=0)
        for arm in set(wanted) & set(arms) if spread is not None else ():
            assert spread is not None
            images = _judge_images(by_cell, arm, reference, places)
            difference = compare_with_reference(spread, names.index(arm), 0, images)
            if difference is not None:
                found[arm] = difference
    return {arm: found[arm] for arm in others if arm in found}


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
    pairs = [(by_cell[arm, place], by_cell[reference, place]) for place in places]
    if not pairs:
        return None
    gaps = [
        math.fsum(one[seed].figure - other[seed].figure for seed in one.keys() & other.keys())
        / len(one.keys() & other.keys())
        for one, other in pairs
    ]
    num_seeds = min(len(one.keys() & other.keys()) for one, other in pairs)
    return Difference(math.fsum(gaps) / len(gaps), None, None, num_seeds)


def _judge_images(by_cell: _Runs, arm: str, reference: str, places: Sequence[Place]) -> ImageChance | None:
    """Return what the choice of test images adds; None where single answers to the same are not at hand."""
    pairs = [(by_cell[arm, place], by_cell[reference, place]) for place in places]
    seeds = sorted(set.intersection(*(set(one) & set(other) for one, other in pairs)))
    runs = [run for pair in pairs for of_arm in pair for seed, run in of_arm.items() if seed in seeds]
    if not seeds or len({run.images for run in runs}) != 1 or any(run.right is None for run in runs):
        return None
    table = []
    for seed in seeds:
        gaps = [_subtract(one[seed], other[seed]) for one, other in pairs]
        table.append(np.mean(gaps, axis=0))
    return estimate_image_chance(np.stack(table))


def _subtract(one: ArmRun, other: ArmRun) -> _Floats:
    assert one.right is not None
    assert other.right is not None
    return np.asarray(one.right.numpy(), dtype=np.float64) - np.asarray(other.right.numpy(), dtype=np.float64)


def _compare_places(
    by_cell: _Runs, reference: str, overall: Mapping[str, Difference], family: Family
) -> dict[tuple[str, Place], Difference]:
    """Return the difference at each place: judged where the arm is shown to differ, else the mean alone.

    All places that are judged are one family. The spread is that of all arms and places together.
    """
    names = list(by_cell)
    table, spread = _tabulate_cells(by_cell), None
    if any(one.conclusion == "shown" for one in overall.values()):
        spread = estimate_spread(table)
    found: dict[tuple[str, Place], Difference] = {}
    judged: dict[tuple[str, Place], RawDifference] = {}
    for arm, place in names:
        if arm == reference or (reference, place) not in by_cell:
            continue
        one = _compare_cell(by_cell, names, spread, (arm, place), reference)
        if one is not None and arm in overall and overall[arm].conclusion == "shown":
            judged[arm, place] = one
        elif (plain := _subtract_means(by_cell, arm, reference, place)) is not None:
            found[arm, place] = plain
    of_places = Family(family.confidence, family.margin, has_one_reference=False)
    return found | dict(zip(judged, judge_family(list(judged.values()), of_places), strict=True))


def _tabulate_cells(by_cell: _Runs) -> _Floats:
    seeds = sorted({seed for of_cell in by_cell.values() for seed in of_cell})
    return np.array(
        [
            [of_cell[seed].figure if seed in of_cell else math.nan for seed in seeds]
            for of_cell in by_cell.values()
        ]
    )


def _compare_cell(
    by_cell: _Runs,
    names: list[tuple[str, Place]],
    spread: Spread | None,
    cell: tuple[str, Place],
    reference: str,
) -> RawDifference | None:
    if spread is None:
        return None
    images = _judge_images(by_cell, cell[0], reference, [cell[1]])
    return compare_with_reference(spread, names.index(cell), names.index((reference, cell[1])), images)


def _subtract_means(by_cell: _Runs, arm: str, reference: str, place: Place) -> Difference | None:
    """Return the difference of two means at a place, with nothing said of it."""
    ours, theirs = by_cell[arm, place], by_cell[reference, place]
    means = [math.fsum(run.figure for run in runs.values()) / len(runs) for runs in (ours, theirs)]
    return Difference(means[0] - means[1], None, None, min(len(ours), len(theirs)))
