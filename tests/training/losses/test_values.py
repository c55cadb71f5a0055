"""What single losses promise, beside the contract: against torch, against each other, by hand."""

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from loupe.training.losses.binary_cross_entropy import BinaryCrossEntropy
from loupe.training.losses.cross_entropy import CrossEntropy
from loupe.training.losses.focal import Focal
from loupe.training.losses.logit_adjusted import LogitAdjusted
from loupe.training.losses.mean_absolute_error import MeanAbsoluteError
from loupe.training.losses.mean_squared_error import MeanSquaredError


def make() -> tuple[torch.Tensor, torch.Tensor]:
    return 2 * torch.randn(20, 4), torch.randint(4, (20,))


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_cross_entropy_is_torchs_to_the_bit(smoothing: float) -> None:
    outputs, targets = make()
    expected = F.cross_entropy(outputs, targets, label_smoothing=smoothing)
    assert torch.equal(CrossEntropy(smoothing)(outputs, targets), expected)


@given(gamma=st.floats(0, 5))
def test_focal_weights_each_image_by_how_unsure_it_is(gamma: float) -> None:
    outputs, targets = make()
    right = outputs.softmax(1).gather(1, targets[:, None])[:, 0]
    expected = -((1 - right) ** gamma) * right.log()
    torch.testing.assert_close(Focal(gamma)(outputs, targets), expected, atol=1e-5, rtol=1e-4)


def test_focal_without_focus_is_cross_entropy() -> None:
    outputs, targets = make()
    expected = F.cross_entropy(outputs, targets, reduction="none")
    torch.testing.assert_close(Focal(0.0)(outputs, targets), expected)


def test_the_adjustment_is_that_of_the_paper() -> None:
    """Logits plus tau times the log of each class's share: a rare class has to lead by more."""
    outputs, targets = make()
    shares = torch.tensor([70, 20, 5, 5]) / 100
    expected = F.cross_entropy(outputs + 1.5 * shares.log(), targets)
    loss = LogitAdjusted((70, 20, 5, 5), tau=1.5)
    torch.testing.assert_close(loss(outputs, targets), expected)
    flat, rare, common = torch.zeros(1, 4), torch.tensor([3]), torch.tensor([0])
    assert loss(flat, rare) > loss(flat, common)


def test_classes_of_equal_size_or_no_strength_make_it_cross_entropy() -> None:
    outputs, targets = make()
    expected = F.cross_entropy(outputs, targets, label_smoothing=0.1)
    for loss in (LogitAdjusted((9, 9, 9, 9), 0.1), LogitAdjusted((1, 50, 2, 8), 0.1, tau=0.0)):
        torch.testing.assert_close(loss(outputs, targets), expected)


def test_a_class_without_training_images_is_adjusted_for_as_one_image() -> None:
    outputs, targets = make()
    assert LogitAdjusted((10, 10, 0, 10))(outputs, targets).isfinite()


def test_binary_cross_entropy_asks_each_class_by_itself() -> None:
    outputs, targets = torch.tensor([[0.0, 2.0]]), torch.tensor([0])
    expected = math.log(2) + math.log(1 + math.exp(2))
    assert BinaryCrossEntropy()(outputs, targets).tolist() == pytest.approx([expected])


def test_errors_of_images_are_torchs() -> None:
    ours, theirs = torch.rand(3, 1, 4, 4), torch.rand(3, 1, 4, 4)
    assert torch.equal(MeanSquaredError()(ours, theirs), F.mse_loss(ours, theirs))
    assert torch.equal(MeanAbsoluteError()(ours, theirs), F.l1_loss(ours, theirs))
