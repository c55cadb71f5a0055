"""Matthews correlation: how labels and predictions go together, all classes at once."""

from torch import Tensor

from loupe.metrics.classification import compute_confusion
from loupe.metrics.registry import Estimate, register_metric
from loupe.statistics.score_intervals import compute_count_interval


@register_metric(
    "matthews_correlation", title="Matthews correlation", unit="", better="higher", bounds=(-1, 1)
)
def matthews_correlation(predicted: Tensor, labels: Tensor, num_classes: int, level: float) -> Estimate:
    """Correlation of labels and predictions over all classes (Gorodkin, 2004); interval by the delta method.

    0 where the labels or the predictions are all one class, as is usual; there is no interval then, and none
    where the method sees no spread.
    """
    confusion = compute_confusion(labels, predicted, num_classes)

    def compute(shares: Tensor) -> Tensor:
        true, said = shares.sum(1), shares.sum(0)
        covariance = shares.diagonal().sum() - (true * said).sum()
        return covariance / ((1 - true.square().sum()) * (1 - said.square().sum())).sqrt()

    if int((confusion.sum(1) > 0).sum()) < 2 or int((confusion.sum(0) > 0).sum()) < 2:
        return Estimate(0.0)
    value = float(compute(confusion.double() / len(labels)))
    return Estimate(value, compute_count_interval(confusion, compute, level, low=-1, high=1))
