"""Macro F1: the mean over classes of the harmonic mean of precision and recall."""

from torch import Tensor

from loupe.metrics.classification import compute_confusion
from loupe.metrics.registry import Estimate, register_metric
from loupe.statistics.score_intervals import compute_count_interval


@register_metric("macro_f1", title="macro F1", unit="percent", better="higher", bounds=(0, 1))
def macro_f1(predicted: Tensor, labels: Tensor, num_classes: int, level: float) -> Estimate:
    """Mean of F1 over the classes that have images; interval by the delta method.

    Classes without images are left out, as macro recall leaves them out: it is scikit-learn's `f1_score` with
    `labels=` those that have images. The F1 of a class is 2 · right / (its images + images named so).
    Takahashi et al. (2022) give the interval. There is none where every image is named rightly: the method
    sees no spread then.
    """
    confusion = compute_confusion(labels, predicted, num_classes)
    has_images = confusion.sum(1) > 0

    def compute(shares: Tensor) -> Tensor:
        both = shares.sum(0) + shares.sum(1)  # chosen before they are divided by: 0 / 0 has no gradient
        return (2 * shares.diagonal()[has_images] / both[has_images]).mean()

    value = float(compute(confusion.double()))
    return Estimate(value, compute_count_interval(confusion, compute, level, low=0, high=1))
