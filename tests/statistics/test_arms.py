"""Tables of arms: what is compared with what, over which seeds, places and images."""

import math

import numpy as np
import pytest
import torch

from loupe.statistics import summarise_seeds
from loupe.statistics.arm_runs import ArmRun
from loupe.statistics.arms import ComparedArms, compare_arms, compare_ends
from loupe.statistics.many_arms import Family

FAMILY = Family(0.95, 0.005)


def make_runs(arm: str, values: list[float], place: tuple[str, ...] = ()) -> list[ArmRun]:
    return [ArmRun(arm, place, seed, value) for seed, value in enumerate(values)]


def compare(runs: list[ArmRun], reference: str = "a", family: Family = FAMILY, **more: bool) -> ComparedArms:
    return compare_arms(runs, reference, family, **more)


def test_a_cell_sums_up_its_seeds_and_differs_from_the_reference() -> None:
    runs = [*make_runs("a", [0.90, 0.91, 0.905, 0.902]), *make_runs("b", [0.94, 0.96, 0.95])]
    first, second = compare(runs).cells
    assert first.summary == summarise_seeds([0.90, 0.91, 0.905, 0.902])
    assert first.difference is None
    assert second.difference is not None
    assert second.difference.mean == pytest.approx(0.95 - 0.905), "on the seeds that both have"
    assert second.difference.conclusion == "shown"
    assert 0 < second.difference.at_least < 0.0458
    assert second.difference.num_seeds == 3


def test_answers_to_the_same_images_count_the_images_as_chance_too() -> None:
    torch.manual_seed(1)
    ours, theirs = torch.rand(3, 400) < 0.9, torch.rand(3, 400) < 0.8

    def answer(arm: str, right: torch.Tensor, images: str) -> list[ArmRun]:
        return [
            ArmRun(arm, (), seed, float(row.float().mean()), row, images) for seed, row in enumerate(right)
        ]

    difference = compare([*answer("a", theirs, "x"), *answer("b", ours, "x")]).cells[1].difference
    assert difference is not None
    assert difference.num_images == 400
    assert difference.statement == "new seeds and new test images"
    other = compare([*answer("a", theirs, "x"), *answer("b", ours, "y")]).cells[1].difference
    assert other is not None
    assert other.num_images is None
    assert other.statement == "new seeds on these test images"


def test_flips_of_single_answers_tell_the_spread_where_seeds_cannot() -> None:
    """Three seeds that happen to agree: what their answers disagree in still says how much runs vary."""
    generator = np.random.default_rng(0)

    def make(arm: str, share: float) -> list[ArmRun]:
        runs = []
        for seed in range(3):
            right = torch.zeros(1000, dtype=torch.bool)
            right[generator.permutation(1000)[: round(1000 * share)]] = True
            runs.append(ArmRun(arm, (), seed, share, right, "x"))
        return runs

    (_, cell) = compare([*make("a", 0.900), *make("b", 0.901)]).cells
    assert cell.difference is not None
    assert cell.difference.interval is None or cell.difference.interval.high > 0.02
    varied = [*make("a", 0.9), ArmRun("a", (), 3, 0.902, make("c", 0.902)[0].right, "x"), *make("b", 0.91)]
    one = compare(varied).cells[1].difference
    assert one is not None
    assert one.interval is not None
    assert one.interval.high - one.interval.low > 0.02, "0.95 points is the std of one run"
    assert one.conclusion == "cannot tell"


def test_one_seed_or_none_in_common_cannot_tell() -> None:
    alone = compare([*make_runs("a", [0.5]), *make_runs("b", [0.9])]).cells[1]
    assert alone.is_open
    assert alone.difference is not None
    assert (alone.difference.p_value, alone.difference.interval) == (None, None)
    assert compare(make_runs("b", [0.9]), "").cells[0].difference is None
    equal = compare([*make_runs("a", [0.5, 0.5]), *make_runs("b", [0.9, 0.9])]).cells[1].difference
    assert equal is not None
    assert equal.interval is None, "two equal figures do not show that there is no chance in them"


def test_places_are_judged_only_below_an_arm_that_is_shown_to_differ() -> None:
    generator, runs = np.random.default_rng(3), []
    for place in range(8):
        for arm, gain in (("a", 0.0), ("worse", -0.06), ("alike", 0.0)):
            values = 0.9 + gain + generator.normal(0, 0.003, 3)
            runs += make_runs(arm, values.tolist(), (str(place),))
    compared = compare(runs)
    assert compared.overall["worse"].conclusion == "shown"
    assert compared.overall["alike"].conclusion != "shown"
    of_arm = {arm: [one.difference for one in compared.cells if one.arm == arm] for arm in ("worse", "alike")}
    assert all(one is not None and one.conclusion == "shown" for one in of_arm["worse"])
    assert all(one is not None and one.conclusion == "not looked at" for one in of_arm["alike"])
    assert not any(one.is_open for one in of_arm["alike"] if one is not None)


def test_seeds_that_surely_shift_all_arms_alike_are_paired() -> None:
    shifts = [0.0, 0.05, -0.04, 0.03, -0.02]
    noise = np.random.default_rng(0).normal(0, 0.001, (3, 5))
    runs = [
        run
        for row, (arm, gain) in enumerate((("a", 0.0), ("b", 0.01), ("c", 0.0)))
        for run in make_runs(
            arm, [0.8 + gain + shift + one for shift, one in zip(shifts, noise[row], strict=True)]
        )
    ]
    overall = compare(runs).overall
    assert overall["b"].is_paired
    assert overall["b"].conclusion == "shown"
    assert overall["c"].conclusion == "practically none"


def test_the_overall_difference_averages_the_places_both_have_within_each_seed() -> None:
    runs = [
        *make_runs("a", [0.5, 0.6, 0.5], ("p",)),
        *make_runs("a", [0.9, 0.92], ("q",)),
        *make_runs("b", [0.6, 0.7, 0.9], ("p",)),
        *make_runs("b", [0.9, 0.92], ("q",)),
        *make_runs("b", [0.1, 0.1], ("only b",)),
    ]
    overall = compare(runs).overall["b"]
    assert overall.num_seeds in (2, 3)
    whole = [run for run in runs if run.seed < 2]
    assert compare(whole).overall["b"].mean == pytest.approx(0.05)
    assert "c" not in compare(runs).overall


def test_errors_are_compared_as_multiples() -> None:
    """Ten times the error is told apart, however small errors are beside their spread in plain units."""
    runs = [*make_runs("a", [0.010, 0.011, 0.0095]), *make_runs("b", [0.10, 0.13, 0.11])]
    (one,) = compare(runs, is_ratio=True).overall.values()
    assert one.conclusion == "shown"
    expected = sum(map(math.log, [0.10, 0.13, 0.11])) / 3 - sum(map(math.log, [0.010, 0.011, 0.0095])) / 3
    assert one.mean == pytest.approx(expected)


def test_the_ends_of_an_axis_are_compared_over_all_else() -> None:
    runs = [
        run
        for value, gain in (("1", 0.0), ("2", 0.02), ("4", 0.1))
        for arm in ("x", "y")
        for run in make_runs(value, [0.5 + gain, 0.51 + gain, 0.505 + gain], (arm,))
    ]
    found = compare_ends(runs, "1", "4")
    assert found is not None
    assert found.mean == pytest.approx(0.1)
    assert compare_ends(runs, "1", "9") is None
