import pytest
import torch

from loupe.statistics import compare_crossed, compare_seed_pairs, summarise_seeds
from loupe.statistics.arms import ArmRun, compare_arms, compare_overall
from loupe.statistics.comparison import adjust_for_many


def make_runs(arm: str, values: list[float], place: tuple[str, ...] = ()) -> list[ArmRun]:
    return [ArmRun(arm, place, seed, value) for seed, value in enumerate(values)]


def test_a_cell_sums_up_its_seeds_and_differs_from_the_reference_over_common_ones() -> None:
    runs = [*make_runs("a", [0.90, 0.92, 0.91, 0.80]), *make_runs("b", [0.93, 0.96, 0.95])]
    first, second = compare_arms(runs, "a")
    assert first.summary == summarise_seeds([0.90, 0.92, 0.91, 0.80])
    assert first.difference is None
    assert second.difference == compare_seed_pairs([0.93, 0.96, 0.95], [0.90, 0.92, 0.91])
    assert second.p_value == second.difference.p_value
    assert not second.is_noise


def test_answers_to_the_same_images_count_the_images_as_chance_too() -> None:
    torch.manual_seed(1)
    ours, theirs = torch.rand(3, 400) < 0.9, torch.rand(3, 400) < 0.8

    def answer(arm: str, right: torch.Tensor, images: str) -> list[ArmRun]:
        return [
            ArmRun(arm, (), seed, float(row.float().mean()), row, images) for seed, row in enumerate(right)
        ]

    runs = [*answer("a", theirs, "x"), *answer("b", ours, "x")]
    assert compare_arms(runs, "a")[1].difference == compare_crossed(ours, theirs)
    other_images = [*answer("a", theirs, "x"), *answer("b", ours, "y")]
    difference = compare_arms(other_images, "a")[1].difference
    assert difference is not None
    assert difference.num_images is None


def test_p_values_are_adjusted_over_the_places_of_an_arm_or_over_arms_at_one_place() -> None:
    values = {"p": [0.5, 0.52, 0.51], "q": [0.7, 0.75, 0.71], "r": [0.6, 0.66, 0.58]}
    base = [0.5, 0.51, 0.53]
    raw = [compare_seed_pairs(one, base).p_value for one in values.values()]
    assert all(p_value is not None for p_value in raw)
    expected = adjust_for_many([p_value for p_value in raw if p_value is not None])
    by_place = [
        run
        for place, one in values.items()
        for run in (*make_runs("a", base, (place,)), *make_runs("b", one, (place,)))
    ]
    cells = [cell for cell in compare_arms(by_place, "a") if cell.arm == "b"]
    assert [cell.p_value for cell in cells] == pytest.approx(expected)
    by_arm = [*make_runs("a", base), *(run for arm, one in values.items() for run in make_runs(arm, one))]
    cells = [cell for cell in compare_arms(by_arm, "a") if cell.arm != "a"]
    assert [cell.p_value for cell in cells] == pytest.approx(expected)


def test_one_seed_or_none_in_common_is_noise() -> None:
    alone = compare_arms([*make_runs("a", [0.5]), *make_runs("b", [0.9])], "a")[1]
    assert alone.is_noise
    assert alone.p_value is None
    right, wrong = torch.ones(400, dtype=torch.bool), torch.zeros(400, dtype=torch.bool)
    answers = [ArmRun("a", (), 0, 0.0, wrong, "x"), ArmRun("b", (), 0, 1.0, right, "x")]
    assert compare_arms(answers, "a")[1].is_noise, "it tells two networks apart, not the arms"
    apart = [ArmRun("a", (), 0, 0.5), ArmRun("b", (), 1, 0.9)]
    assert compare_arms(apart, "a")[1].difference is None
    assert compare_arms(make_runs("b", [0.9]), "")[0].difference is None


def test_the_overall_difference_averages_places_within_each_seed() -> None:
    runs = [
        *make_runs("a", [0.5, 0.6], ("p",)),
        *make_runs("a", [0.7, 0.7], ("q",)),
        *make_runs("b", [0.6, 0.8], ("p",)),
        *make_runs("b", [0.8, 0.7], ("q",)),
        *make_runs("b", [0.1, 0.1], ("only b",)),
    ]
    expected = compare_seed_pairs([0.7, 0.75], [0.6, 0.65])
    overall = compare_overall(runs, "b", "a")
    assert overall is not None
    assert overall.mean == pytest.approx(expected.mean)
    assert compare_overall(runs, "c", "a") is None


def test_a_seed_that_lacks_a_place_is_left_out_of_the_overall_difference() -> None:
    """Its average would be one over other places."""
    runs = [
        *make_runs("a", [0.5, 0.6, 0.5], ("p",)),
        *make_runs("a", [0.9, 0.9], ("q",)),
        *make_runs("b", [0.6, 0.7, 0.9], ("p",)),
        *make_runs("b", [0.9, 0.9], ("q",)),
    ]
    overall = compare_overall(runs, "b", "a")
    assert overall is not None
    assert overall.num_seeds == 2
    assert overall.mean == pytest.approx(0.05)
