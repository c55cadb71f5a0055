"""Studies under way: arms of which some seeds are done and others are not."""

import math
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from loupe.statistics.arm_runs import ArmRun
from loupe.statistics.arms import compare_arms, compare_ends
from loupe.statistics.conclusions import Difference
from loupe.statistics.many_arms import Family
from loupe.statistics.seed_effects import do_seeds_matter

FAMILY = Family(0.95, 1e-9)
Seeds = Sequence[Sequence[int]]

UNDER_WAY: dict[str, Seeds] = {
    "two arms": [range(5), range(3)],
    "an arm behind": [range(5), range(4), range(2)],
    "the reference behind": [range(2), range(5), range(5)],
    "others missing in each": [range(5), range(1, 5), [0, 2, 3, 4], [0, 1, 4], [0, 1, 2, 3]],
    "one with seeds of its own": [range(3), range(3, 6), range(3)],
    "two beside ten": [range(10), range(2)],
    "eight arms": [*[range(5)] * 4, *[range(4)] * 2, *[range(3)] * 2],
}
"""Seeds that are done, of each arm; the first is the reference."""


def make_runs(arm: str, by_seed: dict[int, float], place: tuple[str, ...] = ()) -> list[ArmRun]:
    return [ArmRun(arm, place, seed, value) for seed, value in by_seed.items()]


UNEQUAL = [
    *make_runs("a", {10: 0.50, 11: 0.60, 12: 0.91}),
    *make_runs("b", {10: 0.52, 11: 0.63}),
    *make_runs("c", {10: 0.55}),
    *make_runs("d", {7: 0.70, 8: 0.72}),
    *make_runs("e", {7: 0.70}),
]


def compare(runs: list[ArmRun]) -> dict[str, Difference]:
    return compare_arms(runs, "a", FAMILY).overall


def test_differences_rest_on_the_seeds_that_both_have() -> None:
    """By hand: b on 10 and 11, (0.02 + 0.03) / 2; c on 10; d and e, with none in common, of all seeds."""
    found = compare(UNEQUAL)
    assert found["b"].mean == pytest.approx(0.025)
    assert found["c"].mean == pytest.approx(0.05)
    assert found["d"].mean == pytest.approx(0.71 - 0.67)
    assert found["e"].mean == pytest.approx(0.70 - 0.67)
    assert [found[arm].num_seeds for arm in "bcde"] == [2, 1, 2, 1]
    assert [found[arm].shares_seeds for arm in "bcde"] == [True, True, False, False]
    assert [found[arm].interval is None for arm in "bcde"] == [False, True, False, True]


def test_the_interval_on_common_seeds_is_by_the_spread_of_all() -> None:
    """By hand: Welch's variance (s²_a + s²_b) / 2; degrees of freedom half way from 1 to at most 2."""
    from scipy import stats

    runs = [*make_runs("a", {0: 0.50, 1: 0.60, 2: 0.70}), *make_runs("b", {0: 0.52, 1: 0.63})]
    one = compare(runs)["b"]
    of_a, of_b = 0.01, 0.11**2 / 2
    known = (of_a + of_b) ** 2 / (of_a**2 / 2 + of_b**2 / 1)
    degrees = 1 + (min(known, 2) - 1) / 2
    reach = float(stats.t.ppf(0.975, degrees)) * math.sqrt((of_a + of_b) / 2)
    assert one.interval is not None
    assert one.interval.low == pytest.approx(0.025 - reach)
    assert one.interval.high == pytest.approx(0.025 + reach)


def test_places_rest_on_common_seeds_too() -> None:
    runs = []
    for place in ("p", "q"):
        runs += make_runs("a", {0: 0.50, 1: 0.51, 2: 0.90}, (place,))
        runs += make_runs("b", {0: 0.60, 1: 0.61}, (place,))
    compared = compare_arms(runs, "a", FAMILY)
    at_places = [cell.difference for cell in compared.cells if cell.arm == "b"]
    assert [one.mean for one in at_places if one is not None] == pytest.approx([0.1, 0.1])
    assert compared.overall["b"].mean == pytest.approx(0.1)


def test_an_axis_is_measured_on_the_seeds_of_both_ends() -> None:
    runs = []
    for arm in ("x", "y"):
        runs += make_runs("1", {0: 0.50, 1: 0.51, 2: 0.90}, (arm,))
        runs += make_runs("4", {0: 0.60, 1: 0.61}, (arm,))
    found = compare_ends(runs, "1", "4")
    assert found is not None
    assert (found.mean, found.num_seeds) == (pytest.approx(0.1), 2)


def test_an_arm_with_one_seed_so_far_changes_nothing_of_what_is_said_of_others() -> None:
    runs = [run for place in ("p", "q") for run in make_places(place)]
    more = [ArmRun("late", ("p",), 0, 0.5), ArmRun("late", ("q",), 0, 0.5)]
    alone, crowded = compare(runs)["b"], compare([*runs, *more])["b"]
    assert alone == crowded


def make_places(place: str) -> list[ArmRun]:
    generator = np.random.default_rng(ord(place))
    return [
        ArmRun(arm, (place,), seed, 0.5 + 0.01 * generator.standard_normal())
        for arm in "ab"
        for seed in range(3)
    ]


def test_seeds_that_matter_are_seen_where_runs_are_missing_and_nowhere_else() -> None:
    generator = np.random.default_rng(0)
    noise: NDArray[np.float64] = generator.standard_normal((4, 5))
    noise[1, 4] = noise[2, 0] = math.nan
    assert do_seeds_matter(noise + 100 * generator.standard_normal(5))
    found = [do_seeds_matter(noise + 0 * one + generator.standard_normal((4, 5))) for one in range(400)]
    assert np.mean(found) < 0.03
    complete = noise[:, 1:4]
    alone = np.full((1, 3), math.nan)
    alone[0, 0] = 1.0
    assert do_seeds_matter(complete) == do_seeds_matter(np.vstack([complete, alone])), "one run tells nothing"


def draw_runs(generator: np.random.Generator, seeds: Seeds, shift: float, stds: list[float]) -> list[ArmRun]:
    """Return runs of arms that do not differ; a seed shifts all arms alike."""
    of_seeds = shift * generator.standard_normal(10)
    return [
        ArmRun("abcdefgh"[arm], (), seed, float(of_seeds[seed] + stds[arm] * generator.standard_normal()))
        for arm, own in enumerate(seeds)
        for seed in own
    ]


def count_misses(name: str, shift: float, spreads: str, num_draws: int) -> float:
    """Return how often one of a table's intervals misses the difference of 0."""
    seeds = UNDER_WAY[name]
    stds = [1.0] * len(seeds)
    if spreads != "equal":
        stds[0 if spreads == "loud reference" else -1] = 3.0
    generator, missed = np.random.default_rng(1), 0
    for _ in range(num_draws):
        found = compare(draw_runs(generator, seeds, shift, stds)).values()
        missed += any(one.interval is not None and abs(one.at_least) > 0 for one in found)
    return missed / num_draws


def slack(num_draws: int) -> float:
    return 3 * math.sqrt(0.05 * 0.95 / num_draws)


@pytest.mark.parametrize("shift", [0.0, 10.0])
@pytest.mark.parametrize("name", ["an arm behind", "one with seeds of its own"])
def test_intervals_of_a_study_under_way_hold(name: str, shift: float) -> None:
    assert count_misses(name, shift, "equal", 60) <= 0.05 + slack(60)


@pytest.mark.slow
@pytest.mark.parametrize("spreads", ["equal", "loud reference", "loud arm"])
@pytest.mark.parametrize("shift", [0.0, 1.0, 10.0])
@pytest.mark.parametrize("name", UNDER_WAY)
def test_intervals_of_any_study_under_way_hold(name: str, shift: float, spreads: str) -> None:
    assert count_misses(name, shift, spreads, 2000) <= 0.05 + slack(2000)


def test_strong_seeds_that_one_arm_lacks_do_not_pass_for_a_difference() -> None:
    """The means of all seeds would be 3 apart; on the seeds that both have the arms are equal."""
    generator = np.random.default_rng(0)
    of_seeds = [0.0, 0.0, 0.0, 0.0, 15.0]
    runs = [
        ArmRun(arm, (), seed, of_seeds[seed] + 0.1 * generator.standard_normal())
        for arm, count in (("a", 5), ("b", 4), ("c", 4))
        for seed in range(count)
    ]
    found = compare(runs)
    assert all(abs(one.mean) < 0.3 for one in found.values())
