"""Accuracy: the share of images whose class is named rightly."""

from torch import Tensor

from loupe.metrics.registry import Estimate, register_metric
from loupe.statistics.intervals import compute_wilson_interval


@register_metric("accuracy", unit="percent", better="higher", bounds=(0, 1))
def accuracy(predicted: Tensor, labels: Tensor, level: float) -> Estimate:
    """Share of images whose most probable class is the true one; Wilson's interval."""
    correct, total = int((predicted == labels).sum()), len(labels)
    return Estimate(correct / total, compute_wilson_interval(correct, total, level))
