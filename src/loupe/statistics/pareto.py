"""Which of several things none of the others beats: by being as good and cheaper, or as cheap and better."""

from collections.abc import Sequence


def find_front(
    costs: Sequence[float | None], scores: Sequence[float | None], *, is_higher_better: bool = True
) -> list[bool]:
    """Return which points no other dominates (Pareto): of equal cost the best, of equal score the cheapest.

    Equal points are on the front together. One without a cost or a score is not on it, and dominates nothing.

    Args:
        costs: less is better.
        scores: more is better, or less.
        is_higher_better: of scores.
    """
    sign = 1.0 if is_higher_better else -1.0
    points = [
        None if cost is None or score is None else (cost, sign * score)
        for cost, score in zip(costs, scores, strict=True)
    ]

    def dominates(other: tuple[float, float], one: tuple[float, float]) -> bool:
        return other != one and other[0] <= one[0] and other[1] >= one[1]

    known = [point for point in points if point is not None]
    return [point is not None and not any(dominates(other, point) for other in known) for point in points]
