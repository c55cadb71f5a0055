import math
from statistics import NormalDist

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from loupe.statistics import compare_crossed, compare_seed_pairs, compute_mcnemar

Z = NormalDist().inv_cdf(0.975)


def right(*rows: str) -> torch.Tensor:
    """Answers, one text a seed, "1" where right."""
    return torch.tensor([[letter == "1" for letter in row] for row in rows])


def test_pairs_over_seeds_worked_by_hand() -> None:
    """Differences 1, 2, 3: mean 2, standard error 1 / sqrt 3, t = 3.4641 with 2 degrees of freedom."""
    paired = compare_seed_pairs([2, 4, 6], [1, 2, 3])
    assert paired.mean == 2
    assert paired.interval is not None
    assert paired.interval.high - 2 == pytest.approx(4.30265 / math.sqrt(3), abs=1e-5)
    assert paired.interval.low == pytest.approx(4 - paired.interval.high)
    assert paired.p_value == pytest.approx(0.0741799, abs=1e-7)
    assert (paired.num_seeds, paired.num_images, paired.is_noise) == (3, None, True)
    assert not compare_seed_pairs([2, 4, 6], [1, 2, 3], confidence=0.9).is_noise


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=6))
def test_pairs_swapped_give_the_opposite(pairs: list[tuple[float, float]]) -> None:
    first, second = [one for one, _ in pairs], [other for _, other in pairs]
    forth, back = compare_seed_pairs(first, second), compare_seed_pairs(second, first)
    assert forth.mean == -back.mean
    assert forth.p_value == back.p_value
    assert forth.is_noise == back.is_noise
    if forth.interval and back.interval:
        assert (forth.interval.low, forth.interval.high) == (-back.interval.high, -back.interval.low)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ([0.9], [0.8]),  # one seed
        ([0.91, 0.92, 0.95], [0.90, 0.91, 0.94]),  # one image of a hundred, three times
        ([0.9, 0.9], [0.9, 0.9]),
        ([0.0, 0.0], [0.0, 0.0]),
    ],
)
def test_differences_without_spread_are_no_certainty(first: list[float], second: list[float]) -> None:
    paired = compare_seed_pairs(first, second)
    assert (paired.interval, paired.p_value, paired.is_noise) == (None, None, True)
    assert paired.mean == pytest.approx(first[0] - second[0])


def test_one_image_of_a_million_is_spread() -> None:
    assert compare_seed_pairs([0.900001, 0.9], [0.8, 0.8]).interval is not None


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [([], [], "0 and 0 figures"), ([1.0, 2.0], [1.0], "2 and 1 figures"), ([math.nan], [1.0], "not finite")],
)
def test_figures_that_make_no_pairs_are_refused(first: list[float], second: list[float], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        compare_seed_pairs(first, second)


def test_crossed_worked_by_hand() -> None:
    """Differences of seeds 1/2 and 1/4 on four images; of images 1, 1/2, 0, 0. Mean squares over 8 answers.

    Sums of squares: all 3, mean 9/8, seeds 4 (1/4 + 1/16) = 5/4, images 2 (1 + 1/4) = 5/2. So A = 1/8,
    C = (3 − 5/4 − 5/2 + 9/8) / 3 = 1/8, and with two images more, as strong as the two that differ,
    B = (5/2 − 9/8 + 5/2) / 3 = 31/24.
    """
    crossed = compare_crossed(right("1110", "1010"), right("0010", "0010"))
    assert crossed.mean == 3 / 8
    assert (crossed.num_seeds, crossed.num_images) == (2, 4)
    assert crossed.interval is not None
    assert (crossed.interval.low, crossed.interval.high) == (-1, 1)
    # at 50 % t is 1 with one degree of freedom, and the interval inside the range of a difference
    half = compare_crossed(right("1110", "1010"), right("0010", "0010"), confidence=0.5)
    reach = math.sqrt((1 / 8 + NormalDist().inv_cdf(0.75) ** 2 * (31 / 24 - 1 / 8)) / 8)
    assert half.interval is not None
    assert half.interval.high - 3 / 8 == pytest.approx(reach)


@given(st.integers(1, 4), st.integers(2, 30), st.integers(0, 2**32), st.floats(0.1, 0.99))
def test_p_value_is_where_the_interval_ends_at_0(seeds: int, images: int, draw: int, share: float) -> None:
    answers = torch.rand(2, seeds, images, generator=torch.Generator().manual_seed(draw)) < share
    crossed = compare_crossed(answers[0], answers[1])
    back = compare_crossed(answers[1], answers[0])
    assert crossed.p_value is not None
    assert crossed.p_value == back.p_value
    assert crossed.mean == -back.mean
    assert 0 < crossed.p_value <= 1
    if 1e-6 < crossed.p_value < 1 - 1e-6 and crossed.mean > 0:
        edge = compare_crossed(answers[0], answers[1], confidence=1 - crossed.p_value)
        assert edge.interval is not None
        assert edge.interval.low == pytest.approx(0, abs=1e-6)


def test_order_of_seeds_and_images_says_nothing() -> None:
    answers = torch.rand(2, 5, 200, generator=torch.Generator().manual_seed(0)) < 0.9
    turned = answers[:, torch.tensor([3, 0, 4, 1, 2])].flip(2)
    assert compare_crossed(answers[0], answers[1]) == compare_crossed(turned[0], turned[1])


@pytest.mark.parametrize(("only_first", "only_second"), [(9, 1), (30, 15), (12, 11), (5, 0), (60, 20)])
def test_one_seed_agrees_with_mcnemar(only_first: int, only_second: int) -> None:
    first, second = torch.zeros(2, 1, 2000, dtype=torch.bool)
    first[:, :only_first], second[:, only_first : only_first + only_second] = True, True
    alone = compare_crossed(first, second)
    assert (alone.num_seeds, alone.mean) == (1, (only_first - only_second) / 2000)
    exact = compute_mcnemar(only_first, only_second)
    assert alone.p_value == pytest.approx(exact, rel=0.35)
    assert alone.is_noise == (exact > 0.05)


@pytest.mark.parametrize("num_seeds", [1, 2, 5])
def test_arms_that_never_differ_are_not_known_to_be_equal(num_seeds: int) -> None:
    answers = torch.ones(num_seeds, 1000, dtype=torch.bool)
    crossed = compare_crossed(answers, answers)
    assert (crossed.mean, crossed.p_value, crossed.is_noise) == (0, 1, True)
    assert crossed.interval is not None
    # three in a thousand is what none of a thousand leaves open
    assert crossed.interval.high == pytest.approx(0.0028, abs=1e-4)


def test_seeds_that_happen_to_agree_do_not_narrow_the_interval() -> None:
    """Both seeds differ by four images of a thousand, each on its own images."""
    first, second = torch.zeros(2, 2, 1000, dtype=torch.bool)
    first[0, :10], first[1, 10:20], second[0, 20:26], second[1, 26:32] = True, True, True, True
    crossed = compare_crossed(first, second)
    assert compare_seed_pairs([0.010, 0.010], [0.006, 0.006]).interval is None
    assert crossed.interval is not None
    assert crossed.interval.high - crossed.mean >= Z * math.sqrt(32) / 2000
    assert crossed.is_noise


def test_seeds_that_undo_each_other_are_no_trouble() -> None:
    crossed = compare_crossed(right("11", "00"), right("00", "11"))
    assert (crossed.mean, crossed.p_value) == (0, 1)


def test_a_clear_difference_has_a_small_p_value() -> None:
    first, second = torch.ones(60, 400, dtype=torch.bool), torch.zeros(60, 400, dtype=torch.bool)
    first[:, 0] = torch.arange(60) % 2 == 0
    crossed = compare_crossed(first, second)
    assert crossed.p_value is not None
    assert crossed.p_value < 1e-30
    assert not crossed.is_noise


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        (right("11"), right("111"), r"shape \(1, 2\) and \(1, 3\)"),
        (right("11")[0], right("11")[0], r"shape \(2,\) and \(2,\)"),
        (right("11"), right("11").float(), "torch.bool and torch.float32"),
        (right("1"), right("1"), "1 seeds and 1 images"),
        (right("11")[:0], right("11")[:0], "0 seeds and 2 images"),
    ],
)
def test_answers_that_cannot_be_crossed_are_refused(
    first: torch.Tensor, second: torch.Tensor, said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        compare_crossed(first, second)
