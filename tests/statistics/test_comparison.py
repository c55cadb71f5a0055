from math import comb

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import hypergeom

from loupe.evaluations import compare_predictions
from loupe.metrics import Predictions
from loupe.statistics import compute_mcnemar
from loupe.statistics.comparison import adjust_for_many, compute_hypergeometric_tail


def predictions(labels: list[int], said: list[int], sure: list[float]) -> Predictions:
    probabilities = torch.full((len(said), 2), 0.0)
    for place, (guess, share) in enumerate(zip(said, sure, strict=True)):
        probabilities[place, guess], probabilities[place, 1 - guess] = share, 1 - share
    return Predictions(torch.tensor(labels), probabilities.log())


def test_flipped_images_are_found_the_surest_mistake_first() -> None:
    labels = [0, 0, 0, 1]
    first = predictions(labels, [0, 0, 1, 1], [0.9, 0.9, 0.8, 0.9])
    second = predictions(labels, [1, 1, 0, 1], [0.6, 0.7, 0.9, 0.9])
    paired = compare_predictions(first, second)
    assert paired.only_first.tolist() == [1, 0]
    assert paired.only_second.tolist() == [2]
    assert paired.difference == 0.25
    assert paired.p_value == 1


@pytest.mark.parametrize(
    ("only_first", "only_second", "p_value"),
    [(0, 0, 1), (5, 5, 1), (1, 0, 1), (5, 0, 2 / 32), (8, 2, 2 * (1 + 10 + 45) / 1024), (2, 8, 112 / 1024)],
)
def test_mcnemar_worked_by_hand(only_first: int, only_second: int, p_value: float) -> None:
    assert compute_mcnemar(only_first, only_second) == pytest.approx(p_value)


@given(st.integers(0, 60), st.integers(0, 60))
def test_mcnemar_is_the_binomial_tail(only_first: int, only_second: int) -> None:
    total, fewer = only_first + only_second, min(only_first, only_second)
    tail = sum(comb(total, k) for k in range(fewer + 1)) / 2**total
    assert compute_mcnemar(only_first, only_second) == pytest.approx(min(1, 2 * tail))


def test_many_images_are_no_trouble() -> None:
    assert 0 < compute_mcnemar(2600, 2400) < 0.01
    assert compute_mcnemar(5000, 0) < 1e-300


def test_p_values_are_adjusted_for_their_number() -> None:
    """Holm, 1979: 0.01 × 3, then 0.03 × 2, and never smaller than the one before."""
    assert adjust_for_many([0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.03, 0.06])
    assert adjust_for_many([0.2]) == [0.2]
    assert adjust_for_many([]) == []


def test_other_images_are_refused() -> None:
    with pytest.raises(ValueError, match="other labels"):
        compare_predictions(predictions([0], [0], [0.9]), predictions([1], [0], [0.9]))


@given(st.data())
def test_the_hypergeometric_tail_is_that_of_scipy(data: st.DataObject) -> None:
    total = data.draw(st.integers(1, 10_000))
    marked, drawn = (data.draw(st.integers(0, total)) for _ in range(2))
    least = data.draw(st.integers(0, drawn))
    expected = hypergeom.sf(least - 1, total, marked, drawn)
    assert compute_hypergeometric_tail(least, total, marked, drawn) == pytest.approx(
        expected, rel=1e-7, abs=1e-300
    )


def test_the_hypergeometric_tail_refuses_what_cannot_be() -> None:
    for wrong in ((1, 5, 6, 2), (1, 5, 2, 6), (1, 5, -1, 2)):
        with pytest.raises(ValueError, match="allowed: 0 to all"):
            compute_hypergeometric_tail(*wrong)
