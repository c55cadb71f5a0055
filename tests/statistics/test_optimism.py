import math
from statistics import fmean

import numpy as np
import pytest

from loupe.statistics import estimate_optimism, expected_best_of, expected_best_share


@pytest.mark.parametrize(
    ("num_trials", "expected"),
    # Harter (1961), Biometrika 48, table 1
    [(1, 0), (2, 0.56419), (3, 0.84628), (5, 1.16296), (10, 1.53875), (20, 1.86748), (100, 2.50759)],
)
def test_best_of_many_against_tables(num_trials: int, expected: float) -> None:
    assert expected_best_of(num_trials) == pytest.approx(expected, abs=1e-5)
    assert expected_best_of(num_trials, 0.002) == pytest.approx(0.002 * expected, abs=1e-7)


def test_a_billion_trials_are_no_trouble() -> None:
    assert 6.0 < expected_best_of(10**9) < math.sqrt(2 * math.log(10**9))


@pytest.mark.parametrize(("num_trials", "std"), [(0, 1), (3, -0.1), (3, math.nan)])
def test_no_trials_or_no_sd_are_refused(num_trials: int, std: float) -> None:
    with pytest.raises(ValueError, match="allowed: 1 or more, 0 or more"):
        expected_best_of(num_trials, std)


def test_optimism_worked_by_hand() -> None:
    """Fresh scores 1, 2, 3: mean 2, and 4.30265 / sqrt 3 to each side."""
    optimism = estimate_optimism(5, [1, 2, 3])
    assert (optimism.chosen_score, optimism.fresh_mean, optimism.difference) == (5, 2, 3)
    assert optimism.num_fresh == 3
    assert optimism.interval is not None
    assert optimism.interval.low == pytest.approx(3 - 4.30265 / math.sqrt(3), abs=1e-5)
    assert optimism.interval.high == pytest.approx(3 + 4.30265 / math.sqrt(3), abs=1e-5)


@pytest.mark.parametrize("fresh", [[0.9], [0.9, 0.9, 0.9]])
def test_fresh_scores_without_spread_give_no_interval(fresh: list[float]) -> None:
    optimism = estimate_optimism(0.92, fresh)
    assert optimism.interval is None
    assert optimism.difference == pytest.approx(0.02)


def test_scores_that_are_none_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        estimate_optimism(0.9, [])
    with pytest.raises(ValueError, match="not finite"):
        estimate_optimism(0.9, [math.inf])


def test_the_winner_of_equals_is_found_out() -> None:
    """Twenty settings that are equally good: the best score is 1.87 std too high, and fresh runs show it."""
    generator = np.random.default_rng(0)
    differences, missed = [], 0
    for scores, fresh in zip(
        generator.normal(0.9, 0.002, (600, 20)), generator.normal(0.9, 0.002, (600, 5)), strict=True
    ):
        optimism = estimate_optimism(scores.max(), fresh.tolist())
        differences.append(optimism.difference)
        assert optimism.interval is not None
        missed += not optimism.interval.low <= scores.max() - 0.9 <= optimism.interval.high
    # the mean of 600 differences has an std of 0.00005
    assert fmean(differences) == pytest.approx(expected_best_of(20, 0.002), abs=0.00015)
    assert missed / 600 == pytest.approx(0.05, abs=0.027)


@pytest.mark.parametrize(
    ("num_trials", "share", "num_images"), [(1, 0.9, 50), (20, 0.9, 200), (87, 0.99, 360)]
)
def test_best_share_of_many_against_draws(num_trials: int, share: float, num_images: int) -> None:
    drawn = np.random.default_rng(0).binomial(num_images, share, (20_000, num_trials)).max(1) / num_images
    found = expected_best_share(num_trials, share, num_images)
    assert found == pytest.approx(float(drawn.mean()) - share, abs=5e-4)
    assert found <= 1 - share


def test_where_shares_are_far_from_their_ends_both_ways_agree() -> None:
    std = math.sqrt(0.25 / 10_000)
    assert expected_best_share(20, 0.5, 10_000) == pytest.approx(expected_best_of(20, std), rel=0.01)
    assert expected_best_share(20, 1.0, 100) == 0
    with pytest.raises(ValueError, match="allowed: 1 or more"):
        expected_best_share(3, 1.2, 10)
