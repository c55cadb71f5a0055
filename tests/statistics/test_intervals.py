import math
import random
from statistics import fmean

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loupe.statistics.intervals import (
    Interval,
    compute_median_interval,
    compute_t_p_value,
    compute_t_quantile,
    compute_wilson_interval,
    has_spread,
    summarise_seeds,
)


@pytest.mark.parametrize(
    ("correct", "total", "low", "high"),
    # Newcombe (1998), Statistics in Medicine 17, table I, method 3
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_against_published_values(correct: int, total: int, low: float, high: float) -> None:
    interval = compute_wilson_interval(correct, total)
    assert (interval.low, interval.high) == pytest.approx((low, high), abs=5e-5)


@given(total=st.integers(1, 10**6), share=st.floats(0, 1), confidence=st.floats(0.5, 0.999))
def test_wilson_holds_what_was_seen_and_stays_inside_0_to_1(
    total: int, share: float, confidence: float
) -> None:
    correct = round(share * total)
    interval = compute_wilson_interval(correct, total, confidence)
    assert 0 <= interval.low <= correct / total <= interval.high <= 1


def test_wilson_covers_at_its_nominal_rate() -> None:
    """95 of 100 intervals hold the truth, here for an accuracy of 98.5 % on 5,000 images (D-X-3)."""
    draw = random.Random(0)
    covered = 0
    for _ in range(1000):
        # a normal draw of the count is exact enough at this size, and quick
        correct = round(draw.gauss(4925, math.sqrt(5000 * 0.985 * 0.015)))
        interval = compute_wilson_interval(correct, 5000)
        covered += interval.low <= 0.985 <= interval.high
    assert 0.93 <= covered / 1000 <= 0.97
    width = compute_wilson_interval(4925, 5000)
    assert (width.high - width.low) / 2 == pytest.approx(0.0034, abs=1e-4)


@pytest.mark.parametrize("counts", [(-1, 10), (11, 10), (0, 0)])
def test_impossible_counts_are_refused(counts: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="allowed: 0 <= correct <= total, total >= 1"):
        compute_wilson_interval(*counts)


@pytest.mark.parametrize(
    ("probability", "degrees", "expected"),
    [(0.975, 1, 12.7062), (0.975, 2, 4.30265), (0.975, 9, 2.26216), (0.995, 4, 4.60409), (0.95, 30, 1.69726)],
)
def test_t_quantiles_against_tables(probability: float, degrees: int, expected: float) -> None:
    assert compute_t_quantile(probability, degrees) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize(
    ("t", "degrees", "expected"),
    # closed forms: arctangent for one degree of freedom, a root for two; the last is nearly normal
    [
        (1, 1, 0.5),
        (math.tan(0.3 * math.pi), 1, 0.4),
        (2, 2, 1 - 2 / math.sqrt(6)),
        (-2, 2, 1 - 2 / math.sqrt(6)),
        (2, 1e7, math.erfc(math.sqrt(2))),
        (0, 3.5, 1),
        (math.inf, 3.5, 0),
        (math.inf, 350, 0),
    ],
)
def test_t_p_values_against_closed_forms(t: float, degrees: float, expected: float) -> None:
    assert compute_t_p_value(t, degrees) == pytest.approx(expected, rel=1e-6)


@given(probability=st.floats(0.5001, 1 - 1e-9), degrees=st.floats(0.5, 5000))
def test_t_quantiles_and_p_values_are_inverse(probability: float, degrees: float) -> None:
    quantile = compute_t_quantile(probability, degrees)
    assert compute_t_p_value(quantile, degrees) == pytest.approx(2 * (1 - probability), rel=1e-9)


def test_t_p_values_meet_where_the_way_of_computing_changes() -> None:
    for t in (0.5, 2.0, 6.0):
        below, above = compute_t_p_value(t, 50 - 1e-9), compute_t_p_value(t, 50 + 1e-9)
        assert below == pytest.approx(above, rel=1e-7)


def test_the_median_of_t_is_0_and_no_degrees_are_refused() -> None:
    assert compute_t_quantile(0.5, 3) == 0
    with pytest.raises(ValueError, match="allowed: more than 0"):
        compute_t_p_value(1, 0)


def test_rounding_is_no_spread() -> None:
    assert not has_spread([0.91 - 0.90, 0.92 - 0.91, 0.01], scale=0.92)
    assert has_spread([0.01, 0.010001], scale=1)
    assert not has_spread([3.0], scale=3)
    assert not has_spread([0.0, 0.0], scale=0)


def test_the_interval_over_seeds_covers_at_its_nominal_rate() -> None:
    draw = random.Random(1)
    covered = 0
    for _ in range(400):
        interval = summarise_seeds([draw.gauss(0.98, 0.002) for _ in range(3)]).interval
        assert interval is not None
        covered += interval.low <= 0.98 <= interval.high
    assert 0.92 <= covered / 400 <= 0.98


def test_one_seed_has_no_spread_and_none_no_mean() -> None:
    alone = summarise_seeds([0.5])
    assert (alone.mean, alone.std, alone.interval, alone.num_seeds) == (0.5, None, None, 1)
    with pytest.raises(ValueError, match="at least one"):
        summarise_seeds([])


def test_the_interval_of_an_accuracy_stays_between_0_and_1() -> None:
    interval = summarise_seeds([0.99, 1.0], low=0, high=1).interval
    assert interval is not None
    assert interval.high == 1
    assert 0 < interval.low < 0.99


def test_the_mean_and_sd_are_the_usual_ones() -> None:
    summary = summarise_seeds([0.1, 0.2, 0.6])
    assert summary.mean == pytest.approx(fmean([0.1, 0.2, 0.6]))
    assert summary.std == pytest.approx(0.2645751)


def test_the_interval_of_a_median_holds_it_as_often_as_it_says() -> None:
    generator = np.random.default_rng(0)
    for count in (6, 11, 40):
        held = 0
        for values in generator.exponential(size=(2_000, count)):
            interval = compute_median_interval(values.tolist(), 0.95)
            held += interval.low <= np.log(2) <= interval.high
        assert 0.94 <= held / 2_000 <= 0.995, count


def test_the_interval_of_a_median_is_the_published_one() -> None:
    # Conover's table: of 10 values the 2nd and the 9th hold the median in 97.9 of 100 cases
    assert compute_median_interval(list(range(1, 11)), 0.95) == Interval(2, 9)
    assert compute_median_interval([3.0], 0.95) == Interval(3.0, 3.0)
