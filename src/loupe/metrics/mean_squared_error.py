"""Mean squared error of images given back."""

from torch import Tensor

from loupe.metrics.registry import Estimate, register_metric
from loupe.statistics.score_intervals import compute_mean_interval


@register_metric(
    "mean_squared_error",
    unit="mean square",
    better="lower",
    bounds=(0, float("inf")),
    objective="reconstruction",
)
def mean_squared_error(errors: Tensor, level: float) -> Estimate:
    """Mean over images of the squared error per pixel; Student's interval.

    On the scale of the network's input: the loss that a network which gives images back reports.
    """
    return Estimate(float(errors.double().mean()), compute_mean_interval(errors, level, low=0))
