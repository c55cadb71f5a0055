"""Seeds of a table: whether they shift all arms alike, and which of them arms have in common."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

_Floats = NDArray[np.float64]

_PAIRING_LEVEL = 0.01  # seeds are paired where they surely matter; else pairing only loses freedom
FEWEST_IN_PAIRS = 3
"""Seeds, to see that they matter."""


def do_seeds_matter(values: _Floats) -> bool:
    """Return whether the same seeds surely shift all arms alike: an F test of seeds, at 1 %.

    Args:
        values: (arms, seeds); nan where a run is missing.
    """
    known = np.isfinite(values)
    if not known.all():
        return _do_unequal_seeds_matter(values[:, known.sum(0) > 1])
    num_arms, num_seeds = values.shape
    if num_arms < 2 or num_seeds < FEWEST_IN_PAIRS:
        return False
    residuals = values - values.mean(1, keepdims=True)
    of_seeds = float((residuals.mean(0) ** 2).sum()) * num_arms / (num_seeds - 1)
    rest_degrees = (num_arms - 1) * (num_seeds - 1)
    rest = float(((residuals - residuals.mean(0)) ** 2).sum()) / rest_degrees
    if rest <= 1e-14 * float((values**2).mean()):
        return False
    return bool(special.fdtrc(num_seeds - 1, rest_degrees, of_seeds / rest) < _PAIRING_LEVEL)


def _do_unequal_seeds_matter(values: _Floats) -> bool:
    """Return the same of a table in which runs are missing: arms and seeds fitted by least squares.

    Args:
        values: (arms, seeds) seeds that two arms or more have; nan where a run is missing.
    """
    arms, seeds = np.nonzero(np.isfinite(values))
    if values.shape[1] < FEWEST_IN_PAIRS:
        return False
    figures = values[arms, seeds]
    of_arms = np.eye(len(values))[arms][:, np.unique(arms)]
    of_both = np.hstack([of_arms, np.eye(values.shape[1])[seeds]])
    rank = int(np.linalg.matrix_rank(of_both))
    of_seeds, rest_degrees = rank - of_arms.shape[1], len(figures) - rank
    if of_seeds < 1 or rest_degrees < 1:
        return False
    total, rest = (
        float(((figures - design @ np.linalg.lstsq(design, figures)[0]) ** 2).sum())
        for design in (of_arms, of_both)
    )
    if rest / rest_degrees <= 1e-14 * float((figures**2).mean()):
        return False
    ratio = (total - rest) / of_seeds / (rest / rest_degrees)
    return bool(special.fdtrc(of_seeds, rest_degrees, ratio) < _PAIRING_LEVEL)


@dataclass(frozen=True)
class SharedSeeds:
    """An arm against the reference on the seeds that both have.

    Args:
        mean: of the arm less that of the reference.
        count: of these seeds.
    """

    mean: float
    count: int


def find_shared_seeds(values: _Floats, reference: int) -> list[SharedSeeds]:
    """Return for each arm how it differs from the reference on the seeds that both have.

    Args:
        values: (arms, seeds); nan where a run is missing.
        reference: the arm that others are compared with.
    """
    found = []
    for row in values:
        both = np.isfinite(row) & np.isfinite(values[reference])
        mean = float(row[both].mean() - values[reference][both].mean()) if both.any() else math.nan
        found.append(SharedSeeds(mean, int(both.sum())))
    return found
