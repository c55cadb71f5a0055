import pytest
import torch

from loupe.data.batches import Batch
from loupe.training import Classification, Reconstruction
from loupe.training.losses.cross_entropy import CrossEntropy
from loupe.training.objectives import Objective


@pytest.mark.parametrize("batch_size", [16, 32, 256])
def test_reconstruction_losses_of_different_batch_sizes_can_be_compared(batch_size: int) -> None:
    """D-004-11: the loss was a sum of batch means over the number of images, and fell with the batch size."""
    images = torch.rand(512, 1, 6, 5, generator=torch.Generator().manual_seed(1))
    guess = torch.full_like(images, 0.5)
    objective: Objective = Reconstruction()
    means = [
        objective.training_loss(outputs, Batch(some, torch.zeros(len(some))))
        for outputs, some in zip(guess.split(batch_size), images.split(batch_size), strict=True)
    ]
    expected = (images - 0.5).square().mean()
    torch.testing.assert_close(torch.stack(means).mean(), expected)
    batch = Batch(images, torch.zeros(512))
    torch.testing.assert_close(objective.losses(guess, batch).mean(), expected)
    assert objective.correct(guess, batch) is None


def test_classification_reports_the_plain_loss_whatever_the_smoothing() -> None:
    """D1, D-003-5."""
    logits, labels = torch.randn(7, 4), torch.arange(7) % 4
    batch = Batch(torch.zeros(7), labels)
    smoothed = Classification(CrossEntropy(0.2))
    assert torch.equal(smoothed.losses(logits, batch), Classification().losses(logits, batch))
    assert smoothed.training_loss(logits, batch) != Classification().training_loss(logits, batch)
    expected = -logits.log_softmax(1)[torch.arange(7), labels]
    torch.testing.assert_close(smoothed.losses(logits, batch), expected)
