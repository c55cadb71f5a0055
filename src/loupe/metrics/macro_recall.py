"""Macro recall: the mean over classes of recall."""

from torch import Tensor

from loupe.metrics.balanced_accuracy import balanced_accuracy
from loupe.metrics.registry import Estimate, register_metric


@register_metric("macro_recall", title="macro recall", unit="percent", better="higher", bounds=(0, 1))
def macro_recall(predicted: Tensor, labels: Tensor, num_classes: int, level: float) -> Estimate:
    """Mean over classes of recall: the same number as balanced accuracy, under its other name.

    Classes without images are left out; the interval is that of `balanced_accuracy`.
    """
    return balanced_accuracy(predicted, labels, num_classes, level)
