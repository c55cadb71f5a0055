"""How hard each training image was to learn, read from its loss and correctness after every epoch."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class ExampleRecord:
    """What became of some training images, epoch by epoch, measured in evaluation mode, unaugmented.

    Args:
        indices: (images,) int64, which images of the training split.
        losses: (epochs, images) float32, negative log likelihoods in nats.
        correct: (epochs, images) bool, whether the predicted class was the true one.
    """

    indices: Tensor
    losses: Tensor
    correct: Tensor

    @property
    def num_epochs(self) -> int:
        """Epochs on record."""
        return len(self.losses)

    def first_epochs(self, num_epochs: int) -> "ExampleRecord":
        """Return the record of the first `num_epochs` epochs."""
        return ExampleRecord(self.indices, self.losses[:num_epochs], self.correct[:num_epochs])


@dataclass(frozen=True, eq=False)
class Difficulty:
    """How hard each recorded image was.

    Args:
        indices: (images,) int64, which images of the training split.
        mean_loss: (images,) float64, mean over epochs of the loss, in nats.
        epoch_learnt: (images,) int64, the first epoch from which on the image stays right; 0 where it is
            wrong at the end.
        forgetting_events: (images,) int64, how often the image went from right to wrong from one epoch
            to the next (Toneva et al., 2019). An image that was never right is never forgotten.
        ever_right: (images,) bool, whether the image was right after any epoch.
    """

    indices: Tensor
    mean_loss: Tensor
    epoch_learnt: Tensor
    forgetting_events: Tensor
    ever_right: Tensor

    def rank(self, most: int | None = None) -> Tensor:
        """Return positions in these arrays, hardest first: by mean loss, then by index."""
        return self.mean_loss.argsort(descending=True, stable=True)[:most]


def measure_difficulty(record: ExampleRecord) -> Difficulty:
    """Return how hard each image was to learn.

    Raises:
        ValueError: no epoch is on record.
    """
    if not record.num_epochs:
        raise ValueError("got a record of 0 epochs; allowed: at least one")
    correct = record.correct
    was_forgotten = correct[:-1] & ~correct[1:]
    # counted from the end: how many epochs in a row the image has been right
    right_to_the_end = correct.flip(0).long().cumprod(0).sum(0)
    epoch_learnt = record.num_epochs - right_to_the_end + 1
    return Difficulty(
        record.indices,
        mean_loss=record.losses.double().mean(0),
        epoch_learnt=torch.where(right_to_the_end > 0, epoch_learnt, torch.zeros_like(epoch_learnt)),
        forgetting_events=was_forgotten.sum(0),
        ever_right=correct.any(0),
    )
