"""Brier score: the squared error of the probabilities."""

import torch.nn.functional as F
from torch import Tensor

from loupe.metrics.registry import Estimate, register_metric
from loupe.statistics.score_intervals import compute_mean_interval


@register_metric("brier_score", title="Brier score", unit="", better="lower", bounds=(0, 2))
def brier_score(logits: Tensor, labels: Tensor, num_classes: int, level: float) -> Estimate:
    """Mean over images of the squared distance of the probabilities from the truth; Student's interval.

    Summed over all classes, as Brier (1950) has it: 0 is best, 2 is sure and wrong. With two classes it is
    twice what is often given for the one class alone.
    """
    truth = F.one_hot(labels, num_classes).double()
    errors = (logits.double().softmax(1) - truth).square().sum(1)
    return Estimate(float(errors.mean()), compute_mean_interval(errors, level, low=0, high=2))
