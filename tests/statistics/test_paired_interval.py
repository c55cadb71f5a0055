"""The interval of a difference of two shares of the same images."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from loupe.statistics.comparison import compute_paired_interval


@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 500))
def test_it_holds_the_difference_and_turns_with_the_order(first: int, second: int, agreed: int) -> None:
    total = first + second + agreed + 1
    ends, turned = (compute_paired_interval(*one, total) for one in ((first, second), (second, first)))
    assert -1 <= ends.low <= (first - second) / total <= ends.high <= 1
    assert (ends.low, ends.high) == pytest.approx((-turned.high, -turned.low))
    assert ends.low < ends.high


def test_it_covers_the_true_difference_as_often_as_it_says() -> None:
    generator = torch.Generator().manual_seed(0)
    cells = torch.tensor([0.06, 0.02, 0.92], dtype=torch.float64)
    drawn = torch.multinomial(cells, 200 * 2000, replacement=True, generator=generator).view(2000, 200)
    covered = 0
    for row in drawn:
        ends = compute_paired_interval(int((row == 0).sum()), int((row == 1).sum()), 200)
        covered += ends.low <= 0.04 <= ends.high
    assert 0.935 <= covered / 2000 <= 0.975


@pytest.mark.parametrize("counts", [(-1, 0, 5), (3, 3, 5), (0, 0, 0)])
def test_counts_that_cannot_be_are_refused(counts: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="allowed: parts of them"):
        compute_paired_interval(*counts)
