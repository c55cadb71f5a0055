"""Runs of arms at places, sorted by cell, and the tables that are made of them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from loupe.statistics.image_chance import estimate_flips, estimate_image_chance
from loupe.statistics.intervals import Interval
from loupe.statistics.many_arms import ImageChance
from loupe.statistics.spreads import PlaceScatter

Place = tuple[str, ...]
"""Where on the axes of a study: the name of a value for each axis."""

_Floats = NDArray[np.float64]
RunsByCell = dict[tuple[str, Place], dict[int, "ArmRun"]]


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
        over_images: interval of the figure over its images; None where none is known.
    """

    arm: str
    place: Place
    seed: int
    figure: float
    right: Tensor | None = None
    images: str = ""
    over_images: Interval | None = None


def sort_runs(runs: Sequence[ArmRun]) -> RunsByCell:
    by_cell: RunsByCell = {}
    for run in runs:
        by_cell.setdefault((run.arm, run.place), {})[run.seed] = run
    return by_cell


def find_shared(by_cell: RunsByCell, arm: str, reference: str) -> tuple[Place, ...]:
    """Return the places at which both arms have the most seeds in common."""
    seeds = {
        place: by_cell[arm, place].keys() & by_cell[reference, place].keys()
        for one, place in by_cell
        if one == arm and (reference, place) in by_cell
    }
    most = max(map(len, seeds.values()), default=0)
    return tuple(place for place, common in seeds.items() if most and len(common) == most)


def find_places(by_cell: RunsByCell, arm: str, reference: str) -> tuple[Place, ...]:
    """Return the places on which two arms are compared: with the most seeds in common, else all both have."""
    met = tuple(place for one, place in by_cell if one == arm and (reference, place) in by_cell)
    return find_shared(by_cell, arm, reference) or met


def tabulate(by_cell: RunsByCell, arms: Sequence[str], places: Sequence[Place]) -> _Floats:
    """Return (arms, seeds) means over places; nan where an arm lacks a place with that seed."""
    seeds = sorted({seed for arm in arms for place in places for seed in by_cell.get((arm, place), {})})
    table = np.full((len(arms), len(seeds)), math.nan)
    for row, arm in enumerate(arms):
        for column, seed in enumerate(seeds):
            values = [run.figure for place in places if (run := by_cell.get((arm, place), {}).get(seed))]
            if len(values) == len(places):
                table[row, column] = math.fsum(values) / len(values)
    return table


def judge_images(
    by_cell: RunsByCell, arm: str, reference: str, places: Sequence[Place]
) -> ImageChance | None:
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


def find_flips(by_cell: RunsByCell, arms: Sequence[str], places: Sequence[Place]) -> _Floats | None:
    """Return what flips of single answers make each arm's average vary: (arms,), nan for one seed.

    None where answers are lacking.
    """
    flips = []
    for arm in arms:
        cells = [by_cell[arm, place] for place in places]
        seeds = sorted(set.intersection(*map(set, cells)))
        if any(cell[seed].right is None for cell in cells for seed in seeds):
            return None
        if len(seeds) < 2:
            flips.append(math.nan)
            continue
        right = [np.mean([_read_right(cell[seed]) for cell in cells], axis=0) for seed in seeds]
        if len({len(one) for one in right}) != 1:
            return None
        flips.append(estimate_flips(np.stack(right)))
    return np.array(flips)


def measure_places(by_cell: RunsByCell, arms: Sequence[str], places: Sequence[Place]) -> PlaceScatter | None:
    """Return what averages over places vary by single places, nan for one seed; None for one place."""
    if len(places) < 2:
        return None
    variances = []
    for arm in arms:
        cells = [by_cell[arm, place] for place in places]
        seeds = sorted(set.intersection(*map(set, cells)))
        if len(seeds) < 2:
            variances.append(math.nan)
            continue
        values = np.array([[cell[seed].figure for seed in seeds] for cell in cells])
        rest = values - values.mean(0) - values.mean(1, keepdims=True) + values.mean()
        variances.append(float((rest**2).sum()) / ((len(places) - 1) * (len(seeds) - 1) * len(places)))
    return PlaceScatter(np.array(variances), len(places))
