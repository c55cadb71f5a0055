"""What a network predicts for a set of images."""

from dataclasses import dataclass
from functools import cached_property

from torch import Tensor, nn

from loupe.data.batches import EvaluationBatches
from loupe.runtime import Precision
from loupe.training.measure import compute_outputs


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
        return self.probabilities.max(1).values

    @cached_property
    def is_right(self) -> Tensor:
        """Whether the predicted class is the true one, (images,) bool."""
        return self.predicted == self.labels


def predict(model: nn.Module, batches: EvaluationBatches, precision: Precision = "float32") -> Predictions:
    """Return the network's predictions for every image, without augmentation."""
    return Predictions(batches.dataset.labels.cpu(), compute_outputs(model, batches, precision))
