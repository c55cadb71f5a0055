"""Negative log likelihood: what the probability of the true class says."""

from torch import Tensor

from loupe.metrics.predictions import Predictions
from loupe.metrics.registry import Estimate, register_metric
from loupe.statistics.score_intervals import compute_mean_interval


@register_metric("negative_log_likelihood", unit="nats", better="lower", bounds=(0, float("inf")))
def negative_log_likelihood(logits: Tensor, labels: Tensor, level: float) -> Estimate:
    """Mean of -ln(probability of the true class), never smoothed; Student's interval over images.

    The same number as the loss that a classifier reports, with its interval.
    """
    losses = Predictions(labels, logits).losses
    return Estimate(float(losses.mean()), compute_mean_interval(losses, level, low=0))
