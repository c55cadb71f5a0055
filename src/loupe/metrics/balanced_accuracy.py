"""Balanced accuracy: every class weighs the same, however many images it has."""

from torch import Tensor

from loupe.metrics.classification import compute_confusion
from loupe.metrics.registry import Estimate, register_metric
from loupe.statistics.score_intervals import compute_mean_share_interval


@register_metric("balanced_accuracy", unit="percent", better="higher", bounds=(0, 1))
def balanced_accuracy(predicted: Tensor, labels: Tensor, num_classes: int, level: float) -> Estimate:
    """Mean over classes of the share of their images that is named rightly (Brodersen et al., 2010).

    Classes without images are left out. The interval takes the number of images of each class as fixed; it
    is Wilson's for as many images as one share would need to be known as well.
    """
    confusion = compute_confusion(labels, predicted, num_classes)
    totals = confusion.sum(1)
    has_images = totals > 0
    correct, counts = confusion.diagonal()[has_images].tolist(), totals[has_images].tolist()
    value = sum(one / count for one, count in zip(correct, counts, strict=True)) / len(counts)
    return Estimate(value, compute_mean_share_interval(correct, counts, level))
