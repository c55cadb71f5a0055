"""Paired right and wrong answers, and many p values at once."""

from collections.abc import Sequence


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
