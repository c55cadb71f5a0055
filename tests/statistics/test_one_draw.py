"""A published number beside ours: how often a wrong one passes, and a right one does not."""

import math
from collections import Counter

import numpy as np
import pytest
from scipy import special

from loupe.statistics.one_draw import KnownSpread, find_spreads, find_winning_chances, rule_on_draw

TEN_MODELS = np.array([0.02, 0.04, 0.14, 0.16, 0.18, 0.18, 0.11, 0.13, 0.09, 0.15])
"""Spreads of test accuracy of ten models in points, as three seeds show them."""


def count_rulings(off: float, num_draws: int, delta: float) -> Counter[str]:
    """Return the share of each ruling on numbers that are so many standard deviations of one run off."""
    generator, counts = np.random.default_rng(0), Counter[str]()
    stds = np.sqrt(
        (TEN_MODELS**2 + (TEN_MODELS**2).mean()) / 2
    )  # three seeds show more scatter than there is
    for _ in range(num_draws):
        ours = {str(place): generator.normal(0, std, 3).tolist() for place, std in enumerate(stds)}
        spreads = find_spreads(ours)
        for place, std in enumerate(stds):
            published = generator.normal(off * std, std)
            counts[rule_on_draw(published, ours[str(place)], spreads[str(place)], delta).ruling] += 1
    total = counts.total()
    return Counter({ruling: count / total for ruling, count in counts.items()})  # type: ignore[misc]


@pytest.mark.parametrize("delta", [0.5, 100.0])
def test_wrong_numbers_are_let_through_seldom_and_right_ones_mostly(delta: float) -> None:
    right, three_off, five_off = (count_rulings(off, 150, delta) for off in (0, 3, 5))
    assert right["consistent"] + right["cannot tell"] >= 0.93
    assert right["consistent"] > 0.72
    assert three_off["consistent"] <= 0.20
    assert five_off["consistent"] <= 0.02


@pytest.mark.parametrize("degrees", [2, 3, 4, 10, 100])
def test_cutoffs_follow_from_the_error_rates_that_are_stated(degrees: float) -> None:
    """Exactly, of three seeds: how often a number so many standard deviations of a run off is let through."""
    ours, error = [-1.0, 0.0, 1.0], math.sqrt(1 + 1 / 3)
    spread = KnownSpread(1.0, degrees)

    def is_ruled(gap: float, ruling: str) -> bool:
        return rule_on_draw(gap, ours, spread, 1e6).ruling == ruling

    gaps = np.arange(0.0, 12.0, 0.001)
    consistent = gaps[[is_ruled(gap, "consistent") for gap in gaps.tolist()]].max() / error
    different = gaps[[is_ruled(gap, "different") for gap in gaps.tolist()]].min() / error
    assert 2 * special.stdtr(degrees, -different) == pytest.approx(0.05, abs=1e-3)
    for off, most in ((3, 0.20), (5, 0.02)):
        inside = special.nctdtr(degrees, off / error, consistent) - special.nctdtr(
            degrees, off / error, -consistent
        )
        assert inside <= most


def test_a_number_farther_off_than_what_is_allowed_is_never_consistent() -> None:
    generator = np.random.default_rng(0)
    for _ in range(300):
        ours = generator.normal(93.8, generator.uniform(0.1, 5), 3).tolist()
        spread = find_spreads({"a": ours})["a"]
        mean = float(np.mean(ours))
        assert rule_on_draw(mean + 5, ours, spread, 0.5).ruling != "consistent"


def test_winning_chances_are_equal_among_equals() -> None:
    equals = {name: [0.1, 0.2, 0.3] for name in "abcde"}
    chances = find_winning_chances(equals, is_higher_better=True)
    assert sum(chances.values()) == pytest.approx(1)
    assert all(chance == pytest.approx(0.2, abs=0.02) for chance in chances.values())
    ahead = {**equals, "far": [10.0, 10.1, 10.2]}
    assert find_winning_chances(ahead, is_higher_better=True)["far"] > 0.98
    assert find_winning_chances(ahead, is_higher_better=False)["far"] < 0.01
