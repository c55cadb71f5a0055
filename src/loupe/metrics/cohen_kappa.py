"""Cohen's kappa: agreement with the labels beyond what chance would bring."""

from torch import Tensor

from loupe.metrics.classification import compute_confusion
from loupe.metrics.registry import Estimate, register_metric
from loupe.statistics.score_intervals import compute_count_interval


@register_metric("cohen_kappa", title="Cohen's kappa", unit="", better="higher", bounds=(-1, 1))
def cohen_kappa(predicted: Tensor, labels: Tensor, num_classes: int, level: float) -> Estimate | None:
    """(Agreement - chance agreement) / (1 - chance agreement) (Cohen, 1960); interval by the delta method.

    Not defined where chance alone would agree on every image: labels and predictions are all one class. No
    interval where the delta method (Fleiss, Cohen and Everitt, 1969) sees no spread.
    """
    confusion = compute_confusion(labels, predicted, num_classes)

    def compute(shares: Tensor) -> Tensor:
        chance = (shares.sum(0) * shares.sum(1)).sum()
        return (shares.diagonal().sum() - chance) / (1 - chance)

    rows, columns = (confusion.sum(axis).double() / len(labels) for axis in (0, 1))
    if float((rows * columns).sum()) >= 1:
        return None
    value = float(compute(confusion.double() / len(labels)))
    return Estimate(value, compute_count_interval(confusion, compute, level, low=-1, high=1))
