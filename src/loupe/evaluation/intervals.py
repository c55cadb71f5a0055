"""Confidence intervals: of an accuracy over images, and of a mean over seeds."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist, fmean, stdev

import mpmath


@dataclass(frozen=True)
class Interval:
    """Lower and upper end at a stated confidence level."""

    low: float
    high: float


def compute_wilson_interval(correct: int, total: int, confidence: float = 0.95) -> Interval:
    """Return Wilson's score interval of a proportion (Wilson, 1927).

    It stays inside [0, 1] and keeps its coverage near 0 and 1, where the textbook interval fails.

    Args:
        correct: successes, in [0, total].
        total: trials, ≥ 1.
        confidence: level in (0, 1).

    Raises:
        ValueError: counts that cannot be.
    """
    if not 0 <= correct <= total or total < 1:
        raise ValueError(f"got {correct} correct of {total}; allowed: 0 <= correct <= total, total >= 1")
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share = correct / total
    centre = (share + z * z / (2 * total)) / (1 + z * z / total)
    reach = z * math.sqrt(share * (1 - share) / total + z * z / (4 * total**2)) / (1 + z * z / total)
    # rounding must not push the ends off what was seen
    return Interval(max(0.0, min(share, centre - reach)), min(1.0, max(share, centre + reach)))


@dataclass(frozen=True)
class SeedSummary:
    """Mean, standard deviation and Student interval of one figure over several seeds.

    `sd` and `interval` are None for a single value: one run says nothing about its spread.
    """

    mean: float
    sd: float | None
    interval: Interval | None
    num_seeds: int


def summarise_seeds(
    values: Sequence[float], confidence: float = 0.95, *, low: float = -math.inf, high: float = math.inf
) -> SeedSummary:
    """Return mean, sd (n - 1) and Student's t interval of the mean.

    Args:
        values: one figure a seed.
        confidence: level in (0, 1).
        low: smallest value the figure can have; the interval is cut there (0 for an accuracy).
        high: largest value the figure can have (1 for an accuracy).

    Raises:
        ValueError: there are no values.
    """
    if not values:
        raise ValueError("got no values; allowed: at least one")
    mean, count = fmean(values), len(values)
    if count == 1:
        return SeedSummary(mean, None, None, 1)
    sd = stdev(values)
    reach = compute_t_quantile((1 + confidence) / 2, count - 1) * sd / math.sqrt(count)
    return SeedSummary(mean, sd, Interval(max(low, mean - reach), min(high, mean + reach)), count)


def compute_t_quantile(probability: float, degrees_of_freedom: int) -> float:
    """Return the quantile of Student's t distribution for a probability in [0.5, 1).

    Inverts the distribution function, a regularised incomplete beta function, by bisection.
    """
    tail = 2 * (1 - probability)

    def two_sided_tail(t: float) -> float:
        x = degrees_of_freedom / (degrees_of_freedom + t * t)
        return float(mpmath.betainc(degrees_of_freedom / 2, 0.5, 0, x, regularized=True))

    low, high = 0.0, 1.0
    while two_sided_tail(high) > tail:
        high *= 2
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if two_sided_tail(middle) > tail else (low, middle)
    return high
