"""Comparisons that are looked at together, held against scipy's and statsmodels'."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, special, stats
from statsmodels.stats.multicomp import pairwise_tukeyhsd

from loupe.statistics.families import Together
from loupe.statistics.many_arms import Family, RawDifference, judge_family
from loupe.statistics.planning import compute_power, count_seeds, find_smallest_difference
from loupe.statistics.variances import invert_trigamma, moderate_variances


@pytest.mark.parametrize(("num_arms", "num_seeds"), [(3, 5), (5, 3), (9, 5)])
def test_dunnett_is_scipys(num_arms: int, num_seeds: int) -> None:
    generator = np.random.default_rng(num_arms)
    values = generator.normal(0, 1, (num_arms, num_seeds)) + np.linspace(0, 2, num_arms)[:, None]
    expected = stats.dunnett(*values[1:], control=values[0], rng=np.random.default_rng(0)).pvalue
    degrees = num_arms * (num_seeds - 1)
    error = np.sqrt(2 * values.var(1, ddof=1).mean() / num_seeds)
    together = Together("one reference", [0.5] * (num_arms - 1), degrees, num_arms)
    for arm in range(1, num_arms):
        raw = 2 * special.stdtr(degrees, -abs(values[arm].mean() - values[0].mean()) / error)
        assert together.adjust(raw) == pytest.approx(expected[arm - 1], abs=2e-3), "theirs is drawn by chance"


def test_dunnett_is_the_multivariate_t_to_six_digits() -> None:
    """Two comparisons: a double integral that can be computed otherwise."""
    reach, degrees = 2.5, 7
    together = Together("one reference", [0.5, 0.5], degrees, 3)
    raw = 2 * float(special.stdtr(degrees, -reach))

    def weigh(z: float, scale: float) -> float:
        ends = np.array([reach, -reach]) * scale
        above, below = special.ndtr((ends - z * math.sqrt(0.5)) / math.sqrt(0.5))
        density = stats.chi.pdf(scale * math.sqrt(degrees), degrees) * math.sqrt(degrees)
        return float((above - below) ** 2 * math.exp(-z * z / 2) / math.sqrt(2 * math.pi) * density)

    expected = 1 - integrate.dblquad(weigh, 0, 4, -9, 9, epsabs=1e-8)[0]
    assert together.adjust(raw) == pytest.approx(expected, abs=1e-6)


def test_all_pairs_are_statsmodels_tukey() -> None:
    generator = np.random.default_rng(2)
    values = generator.normal(0, 1, (6, 4)) + np.linspace(0, 2, 6)[:, None]
    found = pairwise_tukeyhsd(values.ravel(), np.repeat(np.arange(6), 4))
    error = np.sqrt(2 * values.var(1, ddof=1).mean() / 4)
    together = Together("all pairs", [0.5] * 5, 18, 6)
    pairs = [(one, other) for one in range(6) for other in range(one + 1, 6)]
    for (one, other), expected in zip(pairs, found.pvalues, strict=True):
        raw = 2 * float(special.stdtr(18, -abs(values[one].mean() - values[other].mean()) / error))
        assert together.adjust(raw) == pytest.approx(float(expected), abs=1e-6)


@pytest.mark.thorough
@given(
    st.lists(st.floats(-3, 3), min_size=1, max_size=6),
    st.floats(2, 40),
    st.sampled_from(["one reference", "all pairs", "any"]),
    st.integers(0, 3),
)
@settings(max_examples=30, deadline=None)
def test_interval_p_value_and_conclusion_never_contradict(
    means: list[float], degrees: float, kind: str, num_others: int
) -> None:
    raw = [RawDifference(mean, 1.0, degrees, 0.5, 3) for mean in means]
    family = Family(0.95, 0.5, num_others, kind)  # type: ignore[arg-type]  # drawn from its values
    for one in judge_family(raw, family):
        assert one.interval is not None
        assert one.p_value is not None
        leaves_out_zero = not one.interval.low <= 0 <= one.interval.high
        assert leaves_out_zero == (one.p_value <= 0.05)
        if one.conclusion == "shown":
            assert leaves_out_zero
            assert 0 < abs(one.at_least) <= abs(one.mean)
        if one.conclusion == "practically none":
            assert max(abs(one.interval.low), abs(one.interval.high)) < 0.5
        assert (one.num_seeds_needed is not None) == (one.conclusion == "cannot tell")


def test_trigamma_is_turned_round() -> None:
    values = np.geomspace(1e-4, 1e4, 50)
    assert special.polygamma(1, invert_trigamma(values)) == pytest.approx(values, rel=1e-6)


def test_variances_that_agree_are_drawn_together_and_one_that_stands_out_is_not() -> None:
    degrees = np.full(8, 4.0)
    alike = moderate_variances(np.array([1.0, 1.1, 0.9, 1.05, 0.95, 1.2, 0.8, 1.0]), degrees)
    assert alike.values == pytest.approx(np.ones(8), abs=0.1)
    assert (alike.degrees_of_freedom > 8).all()
    apart = moderate_variances(np.array([0.01, 0.3, 1.0, 30.0, 3.0, 0.1, 10.0, 0.03]), degrees)
    assert (apart.degrees_of_freedom < 8).all()
    guarded = moderate_variances(np.array([20.0, *[1.0] * 7]), degrees, guarded=0)
    assert guarded.values[0] == 20
    assert guarded.degrees_of_freedom[0] == 4
    few = moderate_variances(np.array([1.0, 4.0, 9.0]), degrees[:3])
    assert few.values.tolist() == [1, 4, 9]
    with pytest.raises(ValueError, match="no variance above 0"):
        moderate_variances(np.zeros(3), degrees[:3])


def test_planning_says_what_more_seeds_bring() -> None:
    smallest = [find_smallest_difference(0.5, num_seeds, 9, 8) for num_seeds in (2, 3, 5, 10, 100)]
    assert smallest == sorted(smallest, reverse=True)
    for num_seeds in (3, 5, 20):
        size = find_smallest_difference(0.5, num_seeds, 9, 8)
        assert compute_power(size, 0.5, num_seeds, 9, 8) == pytest.approx(0.8, abs=1e-3)
    needed = count_seeds(variance=0.5, target=0.5, num_arms=9, num_comparisons=8)
    assert (
        find_smallest_difference(0.5, needed, 9, 8) <= 0.5 < find_smallest_difference(0.5, needed - 1, 9, 8)
    )
    assert count_seeds(variance=0.5, target=0.5, num_arms=9, num_comparisons=8, of_images=1.0) == 0
    assert count_seeds(variance=500.0, target=0.5, num_arms=9, num_comparisons=8) == 1001
    with pytest.raises(ValueError, match="2 or more"):
        find_smallest_difference(1.0, 1, 3, 2)
