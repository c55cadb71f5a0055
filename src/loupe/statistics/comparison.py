"""Paired right and wrong answers, and many p values at once."""

import math
from collections.abc import Sequence
from statistics import NormalDist

from loupe.statistics.intervals import Interval


def compute_mcnemar(only_first: int, only_second: int) -> float:
    """Return the two-sided p value of McNemar's exact test (McNemar, 1947), in (0, 1].

    Images on which the two agree say nothing. Of those on which one alone is right, each would be right
    in half if both were equally good: a sign test, exact by the binomial distribution.

    Args:
        only_first: images that only the first gets right, ≥ 0.
        only_second: images that only the second gets right, ≥ 0.

    Raises:
        ValueError: a count below 0.
    """
    if min(only_first, only_second) < 0:
        raise ValueError(f"got {only_first} and {only_second} images; allowed: counts of 0 or more")
    total, fewer = only_first + only_second, min(only_first, only_second)
    ways, tail = 1, 0  # whole numbers: exact however many images there are
    for chosen in range(fewer + 1):
        tail += ways
        ways = ways * (total - chosen) // (chosen + 1)
    return min(1.0, float(2 * tail / 2**total))


def compute_hypergeometric_tail(least: int, total: int, marked: int, drawn: int) -> float:
    """Return the chance that a draw without replacement holds at least so many marked ones, in [0, 1].

    Args:
        least: marked ones in the draw.
        total: all there are.
        marked: marked ones among all.
        drawn: size of the draw.

    Raises:
        ValueError: more are marked or drawn than there are, or a count below 0.
    """
    if not (0 <= marked <= total and 0 <= drawn <= total):
        raise ValueError(f"got {marked} marked and {drawn} drawn of {total}; allowed: 0 to all")
    first, last = max(least, drawn + marked - total, 0), min(marked, drawn)
    if first > last:
        return 0.0
    if first >= least and first == max(drawn + marked - total, 0):
        return 1.0  # fewer cannot be
    logarithm = (
        _log_choose(marked, first) + _log_choose(total - marked, drawn - first) - _log_choose(total, drawn)
    )
    term = tail = 1.0  # each term by the one before it, from the first on
    for held in range(first, last):
        term *= (marked - held) * (drawn - held) / ((held + 1) * (total - marked - drawn + held + 1))
        tail += term
    return min(1.0, math.exp(logarithm + math.log(tail)))


def _log_choose(total: int, chosen: int) -> float:
    return math.lgamma(total + 1) - math.lgamma(chosen + 1) - math.lgamma(total - chosen + 1)


def adjust_for_many(p_values: Sequence[float]) -> list[float]:
    """Return p values adjusted for being looked at together (Holm, 1979), in the order given.

    Of many comparisons, one looks striking by chance; adjusted values stay honest for all of them at once.
    """
    order = sorted(range(len(p_values)), key=lambda index: p_values[index])
    adjusted, largest = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = largest
    return adjusted


def compute_paired_interval(only_first: int, only_second: int, total: int, level: float = 0.95) -> Interval:
    """Return an interval of the difference of two shares of the same images (Bonett and Price, 2012).

    Wald's interval of the first share minus the second, with one image added to either side: unlike the plain
    one it keeps its coverage for few images, and has a width where the two never differ.

    Args:
        only_first: images that only the first gets right, ≥ 0.
        only_second: images that only the second gets right, ≥ 0.
        total: images compared, ≥ 1.
        level: in (0, 1).

    Raises:
        ValueError: counts that cannot be.
    """
    if min(only_first, only_second) < 0 or only_first + only_second > total or total < 1:
        raise ValueError(f"got {only_first} and {only_second} of {total} images; allowed: parts of them")
    first, second = (only_first + 1) / (total + 2), (only_second + 1) / (total + 2)
    difference = first - second
    z = NormalDist().inv_cdf((1 + level) / 2)
    reach = z * math.sqrt((first + second - difference**2) / (total + 2))
    return Interval(max(-1.0, difference - reach), min(1.0, difference + reach))
