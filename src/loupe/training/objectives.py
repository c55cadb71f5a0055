"""What a network is trained for: what training minimises, and what evaluation reports.

The two differ on purpose. The training loss may be any; the reported loss of a classifier is always
the plain negative log likelihood, so that losses of different recipes can be compared.
"""

from dataclasses import dataclass, field
from typing import Protocol

import torch.nn.functional as F
from torch import Tensor

from loupe.data.batches import Batch
from loupe.training.losses import Loss, average
from loupe.training.losses.cross_entropy import CrossEntropy
from loupe.training.losses.mean_squared_error import MeanSquaredError


class Objective(Protocol):
    """Training loss, reported losses and, where there is such a thing, right answers."""

    def training_loss(self, outputs: Tensor, batch: Batch) -> Tensor:
        """Return the mean training loss of a batch, a scalar."""

    def losses(self, outputs: Tensor, batch: Batch) -> Tensor:
        """Return the reported loss of each image, (batch,)."""

    def correct(self, outputs: Tensor, batch: Batch) -> Tensor | None:
        """Return how right each answer is, (batch,) in [0, 1]; None where nothing is right or wrong."""


@dataclass(frozen=True)
class Classification:
    """Say the class: outputs are logits (batch, classes), the usual loss is the cross-entropy.

    Args:
        loss: what training minimises.
    """

    loss: Loss = field(default_factory=CrossEntropy)

    def training_loss(self, outputs: Tensor, batch: Batch) -> Tensor:
        return average(self.loss(outputs, batch.labels))

    def losses(self, outputs: Tensor, batch: Batch) -> Tensor:
        """Return each image's negative log likelihood in nats, whatever the training loss is."""
        return negative_log_likelihood(outputs, batch.labels)

    def correct(self, outputs: Tensor, batch: Batch) -> Tensor:
        """Return 1 for a right answer and 0 for a wrong one; of mixed labels, the share that was named."""
        answers = outputs.argmax(1)
        if batch.labels.is_floating_point():
            return batch.labels.gather(1, answers[:, None]).squeeze(1)
        return answers == batch.labels


@dataclass(frozen=True)
class Reconstruction:
    """Give the input back: outputs have the shape of the images, the loss reported is the mean squared error.

    The mean is over images, channels and pixels alike, so that losses of different batch sizes and image
    sizes can be compared. The error is on the scale of the network's input.

    Args:
        loss: what training minimises.
    """

    loss: Loss = field(default_factory=MeanSquaredError)

    def training_loss(self, outputs: Tensor, batch: Batch) -> Tensor:
        return average(self.loss(outputs, batch.images))

    def losses(self, outputs: Tensor, batch: Batch) -> Tensor:
        return (outputs - batch.images).square().flatten(1).mean(1)

    def correct(self, outputs: Tensor, batch: Batch) -> None:
        return None


def negative_log_likelihood(logits: Tensor, labels: Tensor) -> Tensor:
    """Return each example's negative log likelihood in nats, (batch,)."""
    return F.cross_entropy(logits, labels, reduction="none")
