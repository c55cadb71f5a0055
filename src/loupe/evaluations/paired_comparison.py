"""Two networks on the same images: where they differ, and whether that is more than chance."""

from dataclasses import dataclass

from torch import Tensor

from loupe.metrics.predictions import Predictions
from loupe.statistics.comparison import compute_mcnemar


@dataclass(frozen=True, eq=False)
class PairedComparison:
    """Right and wrong answers of two networks to the same images.

    Args:
        only_first: (images,) int64, right in the first and wrong in the second, the second's most
            confident mistake first.
        only_second: (images,) int64, the other way round.
        num_images: images compared.
        p_value: of McNemar's exact test: how often two equally good networks would differ as much.
    """

    only_first: Tensor
    only_second: Tensor
    num_images: int
    p_value: float

    @property
    def difference(self) -> float:
        """Accuracy of the first minus accuracy of the second, in [-1, 1]."""
        return (len(self.only_first) - len(self.only_second)) / self.num_images


def compare_predictions(first: Predictions, second: Predictions) -> PairedComparison:
    """Return how two networks differ on the same images.

    Raises:
        ValueError: the images are not the same: their labels differ.
    """
    if first.labels.shape != second.labels.shape or bool((first.labels != second.labels).any()):
        raise ValueError("got predictions with other labels; allowed: two networks on the same images")
    only_first = (first.is_right & ~second.is_right).nonzero().flatten()
    only_second = (second.is_right & ~first.is_right).nonzero().flatten()
    return PairedComparison(
        only_first[second.confidence[only_first].argsort(descending=True, stable=True)],
        only_second[first.confidence[only_second].argsort(descending=True, stable=True)],
        num_images=len(first.labels),
        p_value=compute_mcnemar(len(only_first), len(only_second)),
    )
