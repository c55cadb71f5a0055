"""Brier score: the squared error of the probabilities."""

from torch import Tensor

from loupe.metrics.predictions import Predictions
from loupe.metrics.registry import Estimate, register_metric
from loupe.statistics.score_intervals import compute_mean_interval


@register_metric("brier_score", title="Brier score", unit="", better="lower", bounds=(0, 2))
def brier_score(logits: Tensor, labels: Tensor, level: float) -> Estimate:
    """Mean over images of the squared distance of the probabilities from the truth; Student's interval.

    Summed over all classes, as Brier (1950) has it: 0 is best, 2 is sure and wrong. With two classes it is
    twice what is often given for the one class alone.
    """
    errors = Predictions(labels, logits).squared_errors
    return Estimate(float(errors.mean()), compute_mean_interval(errors, level, low=0, high=2))
