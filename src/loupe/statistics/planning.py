"""Before runs are made: what difference they can find, and how many it takes."""

import math
from collections.abc import Callable

import numpy as np
from scipy import special

from loupe.statistics.variances import FEWEST_TO_BORROW, expect_degrees, share_satterthwaite

MOST_SEEDS = 1000
"""Beyond, one says only that it takes more."""


def find_smallest_difference(
    std: float,
    num_seeds: int,
    num_arms: int,
    num_comparisons: int,
    *,
    confidence: float = 0.95,
    power: float = 0.8,
) -> float:
    """Return the smallest true difference that arms with this spread show with this power.

    Args:
        std: of one run over seeds, ≥ 0; all arms vary alike.
        num_seeds: of each arm, ≥ 2.
        num_arms: ≥ 2, the reference among them.
        num_comparisons: that the page prints, ≥ 1.
        confidence: level in (0, 1), of all comparisons at once.
        power: how often it is to be shown, in (0, 1).

    Raises:
        ValueError: fewer than two seeds or arms: they show no difference of any size.
    """
    if num_seeds < 2 or num_arms < 2:
        raise ValueError(f"got {num_seeds} seeds of {num_arms} arms; allowed: 2 or more of each")
    error = std * math.sqrt(2 / num_seeds)
    return error * _find_distance(num_seeds, num_arms, num_comparisons, confidence, power)


def compute_power(
    difference: float,
    std: float,
    num_seeds: int,
    num_arms: int,
    num_comparisons: int,
    *,
    confidence: float = 0.95,
) -> float:
    """Return how often a true difference is shown; the arguments are those of `find_smallest_difference`."""
    if std == 0:
        return float(difference != 0)
    degrees, limit = _find_limit(num_seeds, num_arms, num_comparisons, confidence)
    return 1 - _chance_inside(abs(difference) / (std * math.sqrt(2 / num_seeds)), degrees, limit)


def count_seeds(
    *,
    variance: float,
    target: float,
    num_arms: int,
    num_comparisons: int,
    of_images: float = 0.0,
    confidence: float = 0.95,
    power: float = 0.8,
    at_least: int = 2,
) -> int:
    """Return how many seeds an arm takes to show a difference, with this power.

    Args:
        variance: of the difference of one run and one other, > 0.
        target: the difference, > 0.
        num_arms: arms, the reference among them.
        num_comparisons: that the page prints.
        of_images: variance that the choice of test images adds, which no seed takes away.
        confidence: level in (0, 1).
        power: in (0, 1).
        at_least: smallest number to return.

    Returns:
        a number up to `MOST_SEEDS` + 1, which stands for more; 0 if the test images are too few for any.
    """

    def is_enough(num_seeds: int) -> bool:
        distance = _find_distance(num_seeds, num_arms, num_comparisons, confidence, power)
        return distance * math.sqrt(variance / num_seeds + of_images) <= target

    if of_images and not is_enough(10**9):
        return 0
    if not is_enough(MOST_SEEDS):
        return MOST_SEEDS + 1
    low, high = at_least - 1, max(at_least, MOST_SEEDS)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if is_enough(middle) else (middle, high)
    return high


def _find_limit(
    num_seeds: int, num_arms: int, num_comparisons: int, confidence: float
) -> tuple[float, float]:
    """Return the degrees of freedom and how many standard errors a difference must have (Bonferroni)."""
    of_arm = expect_degrees(num_seeds, num_arms)
    # of two arms that vary alike Welch's formula gives twice those of one, of which a part is used; spreads
    # of single arms differ by chance, which takes a tenth of it
    share = float(share_satterthwaite(np.array(num_seeds), num_arms))
    share -= 0.1 if num_arms < FEWEST_TO_BORROW else 0.0
    degrees = min((1 + share) * of_arm, num_arms * (num_seeds - 1))
    level = (1 - confidence) / num_comparisons
    return degrees, -float(special.stdtrit(degrees, level / 2))


def _find_distance(
    num_seeds: int, num_arms: int, num_comparisons: int, confidence: float, power: float
) -> float:
    """Return how many standard errors a true difference must have to be shown with this power."""
    degrees, limit = _find_limit(num_seeds, num_arms, num_comparisons, confidence)
    return _solve(lambda distance: 1 - _chance_inside(distance, degrees, limit), power, 0.0, 3 * limit + 10)


def _chance_inside(distance: float, degrees: float, limit: float) -> float:
    """Return how often a difference is not shown, in its own direction; the other one is next to nothing."""
    if degrees > 1e4:
        return float(special.ndtr(limit - distance))
    return float(special.nctdtr(degrees, distance, limit))


def _solve(function: Callable[[float], float], wanted: float, low: float, high: float) -> float:
    """Return where a growing function reaches a value."""
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if function(middle) >= wanted else (middle, high)
    return (low + high) / 2
