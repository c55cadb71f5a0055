"""Confidence intervals: of an accuracy over images, and of a mean over seeds."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist, fmean, stdev

import mpmath

_MOST_DEGREES_IN_FLOATS = 50  # beyond, digits get lost in tails
_ROUNDING = 1e-7  # of single precision; one image of a million is ten times as much


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
    return bound_share(correct / total, total, confidence)


def bound_share(share: float, total: float, confidence: float = 0.95) -> Interval:
    """Return Wilson's interval of a share that is known as well as one of so many trials.

    Args:
        share: in [0, 1].
        total: trials, > 0; not necessarily whole.
        confidence: level in (0, 1).
    """
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    centre = (share + z * z / (2 * total)) / (1 + z * z / total)
    reach = z * math.sqrt(share * (1 - share) / total + z * z / (4 * total**2)) / (1 + z * z / total)
    # rounding must not push the ends off what was seen
    return Interval(max(0.0, min(share, centre - reach)), min(1.0, max(share, centre + reach)))


def compute_median_interval(values: Sequence[float], confidence: float = 0.95) -> Interval:
    """Return an interval of the median from the order of the values, whatever their distribution.

    Ends are the k-th smallest and the k-th largest value, k the largest for which the interval holds the
    median with at least this confidence (Conover, Practical Nonparametric Statistics, 3.2); of fewer values
    than that takes (6 at 95 %), the smallest and the largest.

    Args:
        values: at least one.
        confidence: in (0, 1).
    """
    from scipy import special  # here: it takes longer to load than all else that a list of runs needs

    ordered, count = sorted(values), len(values)
    beyond = [k for k in range(1, count // 2 + 1) if 2 * special.bdtr(k - 1, count, 0.5) <= 1 - confidence]
    k = max(beyond, default=1)
    return Interval(ordered[k - 1], ordered[count - k])


@dataclass(frozen=True)
class SeedSummary:
    """Mean, standard deviation and intervals of one figure over several seeds.

    Args:
        mean: over the seeds.
        std: between seeds; None for a single value: one run says nothing about its spread.
        interval: of the mean for new seeds and new images, where the runs' own intervals over images are
            known; else `seeds_interval`.
        num_seeds: values.
        seeds_interval: of the mean for new seeds on these images (Student); None for a single value, and
            where values agree: an interval of width 0 would claim a certainty that is not there.
        counts_images: whether `interval` counts the images as drawn by chance.
    """

    mean: float
    std: float | None
    interval: Interval | None
    num_seeds: int
    seeds_interval: Interval | None = None
    counts_images: bool = False


def summarise_seeds(
    values: Sequence[float],
    confidence: float = 0.95,
    *,
    low: float = -math.inf,
    high: float = math.inf,
    over_images: Sequence[Interval | None] = (),
) -> SeedSummary:
    """Return mean, std (n - 1) and intervals of the mean: for new seeds, and for new images too.

    What images may do comes from the runs' own intervals over images (Wilson's, of an accuracy), on average
    over the runs: they were judged on the same ones, so that more seeds take nothing of it away. What seeds
    may do is Student's reach. The two add up in squares, each way for itself (Zou and Donner, 2008: MOVER).
    Single answers that flip from seed to seed count in both: the interval is a little too wide.

    Args:
        values: one figure a seed.
        confidence: level in (0, 1).
        low: smallest value the figure can have; intervals are cut there (0 for an accuracy).
        high: largest value the figure can have (1 for an accuracy).
        over_images: the interval of each figure over its images; images are left out unless all are known.

    Raises:
        ValueError: there are no values.
    """
    if not values:
        raise ValueError("got no values; allowed: at least one")
    mean, count = fmean(values), len(values)
    if count == 1:
        return SeedSummary(mean, None, None, 1)
    std = stdev(values)
    reach = compute_t_quantile((1 + confidence) / 2, count - 1) * std / math.sqrt(count)
    is_varied = has_spread(values, max(abs(value) for value in values))
    of_seeds = Interval(max(low, mean - reach), min(high, mean + reach)) if is_varied else None
    known = [ends for ends in over_images if ends is not None]
    if len(known) < count:
        return SeedSummary(mean, std, of_seeds, count, of_seeds)
    down = math.hypot(reach, mean - fmean(ends.low for ends in known))
    up = math.hypot(reach, fmean(ends.high for ends in known) - mean)
    both = Interval(max(low, mean - down), min(high, mean + up))
    return SeedSummary(mean, std, both, count, of_seeds, counts_images=True)


@lru_cache(maxsize=4096)
def compute_t_quantile(probability: float, degrees_of_freedom: float) -> float:
    """Return the quantile of Student's t distribution for a probability in [0.5, 1).

    Newton's method on the logarithms of t and of its tail. That curve falls and is concave, so from a normal
    quantile, which lies left of the answer, one step leads to its right and all others down to it.

    Args:
        probability: in [0.5, 1).
        degrees_of_freedom: > 0, not necessarily whole.
    """
    tail = 2 * (1 - probability)
    t = NormalDist().inv_cdf(probability)
    if t <= 0:
        return 0.0
    log_scale = (
        math.lgamma((degrees_of_freedom + 1) / 2)
        - math.lgamma(degrees_of_freedom / 2)
        - math.log(degrees_of_freedom * math.pi) / 2
    )
    for _ in range(100):
        reached = compute_t_p_value(t, degrees_of_freedom)
        log_density = log_scale - (degrees_of_freedom + 1) / 2 * math.log1p(t * t / degrees_of_freedom)
        step = math.log(reached / tail) * reached / (2 * math.exp(log_density) * t)
        t *= math.exp(step)
        if abs(step) < 1e-13:
            break
    return t


def compute_t_p_value(t: float, degrees_of_freedom: float) -> float:
    """Return the two-sided p value of a t statistic, in [0, 1]: how often Student's t lies as far from 0.

    A regularised incomplete beta function.

    Args:
        t: the statistic, of either sign; may be infinite.
        degrees_of_freedom: > 0, not necessarily whole.

    Raises:
        ValueError: degrees of freedom of 0 or less.
    """
    if not degrees_of_freedom > 0:
        raise ValueError(f"got {degrees_of_freedom} degrees of freedom; allowed: more than 0")
    x = degrees_of_freedom / (degrees_of_freedom + t * t)
    # plain floats are several times as fast
    context = mpmath.fp if degrees_of_freedom < _MOST_DEGREES_IN_FLOATS else mpmath
    return min(1.0, float(context.betainc(degrees_of_freedom / 2, 0.5, 0, x, regularized=True)))


def has_spread(values: Sequence[float], scale: float) -> bool:
    """Return whether values differ by more than rounding.

    Equal values do not show that there is no noise, only that it is finer than what was measured: the
    accuracies of two runs on 1,000 images are often equal. An interval of width 0 would then claim too much.

    Args:
        values: at least one.
        scale: size of the figures that the values were computed from, ≥ 0.
    """
    return max(values) - min(values) > _ROUNDING * scale
