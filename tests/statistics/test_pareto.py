"""Who is on the front, by hand."""

import random
from itertools import pairwise

from loupe.statistics.pareto import find_front


def test_only_what_is_as_good_and_as_cheap_beats() -> None:
    costs = [1.0, 2.0, 2.0, 3.0, 4.0]
    scores = [0.90, 0.95, 0.93, 0.95, 0.97]
    assert find_front(costs, scores) == [True, True, False, False, True]


def test_lower_may_be_better() -> None:
    assert find_front([1.0, 2.0, 3.0], [0.5, 0.4, 0.45], is_higher_better=False) == [True, True, False]


def test_equal_ones_are_there_together() -> None:
    assert find_front([1.0, 1.0, 1.0], [0.9, 0.9, 0.8]) == [True, True, False]


def test_what_is_not_known_neither_beats_nor_stands_there() -> None:
    assert find_front([None, 2.0, 1.0], [0.99, 0.9, None]) == [False, True, False]
    assert find_front([], []) == []


def test_the_front_rises_with_cost_and_covers_everything() -> None:
    draw = random.Random(0)
    for _ in range(50):
        points = [(draw.randint(1, 9), draw.randint(1, 9)) for _ in range(12)]
        front = find_front([float(x) for x, _ in points], [float(y) for _, y in points])
        kept = sorted({point for point, is_front in zip(points, front, strict=True) if is_front})
        assert all(one[1] < other[1] for one, other in pairwise(kept))
        for x, y in points:
            assert any(one[0] <= x and one[1] >= y for one in kept)
