"""What a network predicts for a set of images."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor, nn

from loupe.data.batches import EvaluationBatches
from loupe.runtime import Precision
from loupe.training.measure import compute_outputs
from loupe.training.objectives import negative_log_likelihood

_PART_CELLS = 4_000_000  # images x classes computed on at a time


@dataclass(frozen=True, eq=False)
class Predictions:
    """Labels and logits of a set of images, in the order of the set.

    Args:
        labels: (images,) int64, the true classes.
        logits: (images, classes) float32.
    """

    labels: Tensor
    logits: Tensor

    @property
    def num_classes(self) -> int:
        return self.logits.shape[1]

    @property
    def probabilities(self) -> Tensor:
        """Softmax of the logits, (images, classes) in [0, 1]."""
        return self.logits.softmax(1)

    @cached_property
    def predicted(self) -> Tensor:
        """The most probable class of each image, (images,) int64."""
        return self.logits.argmax(1)

    @cached_property
    def confidence(self) -> Tensor:
        """Probability of the predicted class, (images,) in [0, 1]."""
        return torch.cat([part.probabilities.max(1).values for part in self.parts()])

    @cached_property
    def is_right(self) -> Tensor:
        """Whether the predicted class is the true one, (images,) bool."""
        return self.predicted == self.labels

    @cached_property
    def losses(self) -> Tensor:
        """Negative log likelihood of each image's class in nats, (images,) float64."""
        return torch.cat(
            [negative_log_likelihood(part.logits.double(), part.labels) for part in self.parts()]
        )

    @cached_property
    def squared_errors(self) -> Tensor:
        """Squared distance of the probabilities from the truth, over all classes, (images,) float64."""
        return torch.cat([part._measure_squared_errors() for part in self.parts()])

    def _measure_squared_errors(self) -> Tensor:
        truth = nn.functional.one_hot(self.labels, self.num_classes)
        return (self.logits.double().softmax(1) - truth).square().sum(1)

    def parts(self) -> Iterator["Predictions"]:
        """Yield the answers a part at a time, so that what is computed for all classes of a part is small."""
        rows = max(1, _PART_CELLS // self.num_classes)
        for labels, logits in zip(self.labels.split(rows), self.logits.split(rows), strict=True):
            yield Predictions(labels, logits)


def predict(model: nn.Module, batches: EvaluationBatches, precision: Precision = "float32") -> Predictions:
    """Return the network's predictions for every image, without augmentation."""
    return Predictions(batches.dataset.labels.cpu(), compute_outputs(model, batches, precision))
