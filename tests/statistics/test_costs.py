"""Decisions by cost, beside Bayes' rule worked out by hand."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from loupe.statistics.costs import decide_cheapest, expect_costs, spend


def test_the_cheapest_answer_of_two_classes_is_at_the_known_threshold() -> None:
    """A miss of the second class costs 9, a false alarm 1: it is named from a probability of 0.1 on."""
    costs = torch.tensor([[0.0, 1.0], [9.0, 0.0]], dtype=torch.float64)
    share = torch.tensor([0.05, 0.09, 0.11, 0.5])
    probabilities = torch.stack([1 - share, share], 1)
    assert decide_cheapest(probabilities, costs).tolist() == [0, 0, 1, 1]
    assert expect_costs(probabilities, costs)[0].tolist() == pytest.approx([0.45, 0.95])


def test_no_answer_is_given_where_that_is_cheapest() -> None:
    costs = torch.tensor([[0.0, 1.0, 0.2], [1.0, 0.0, 0.2]], dtype=torch.float64)
    probabilities = torch.tensor([[0.9, 0.1], [0.7, 0.3], [0.1, 0.9]])
    assert decide_cheapest(probabilities, costs).tolist() == [0, 2, 1]
    spent = spend(torch.tensor([0, 2, 0]), torch.tensor([0, 1, 1]), costs)
    assert spent.tolist() == pytest.approx([0, 0.2, 1])


@given(st.integers(0, 1000), st.integers(2, 6))
def test_equal_costs_give_the_most_probable_class(seed: int, num_classes: int) -> None:
    probabilities = torch.randn(20, num_classes, generator=torch.Generator().manual_seed(seed)).softmax(1)
    costs = 1 - torch.eye(num_classes, dtype=torch.float64)
    assert torch.equal(decide_cheapest(probabilities, costs), probabilities.argmax(1))
