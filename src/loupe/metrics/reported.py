"""The metrics that every result has, whether or not a recipe names any: known without computing them."""

from loupe.metrics.metric import Metric
from loupe.models import ObjectiveName

REGISTERED_HEADLINES: dict[ObjectiveName, str] = {
    "classification": "accuracy",
    "reconstruction": "mean_squared_error",
}
"""The metric that stands for a network where there is room for one number, as it is registered."""
LOSS = "loss"
"""In a recipe: the loss that the objective reports, whatever network it is of."""
MEASURED = ("accuracy", LOSS)
"""Measured in every run of a classifier; of what gives images back the loss is."""

_ACCURACY = Metric("accuracy", "accuracy", "percent", "higher", 0.0, 1.0, "classification")
_REPORTED_LOSSES: dict[ObjectiveName | None, Metric] = {
    None: Metric(LOSS, "loss", "", "lower", 0.0, None, None),
    "classification": Metric(LOSS, "loss", "nats", "lower", 0.0, None, "classification"),
    "reconstruction": Metric(LOSS, "error", "mean square", "lower", 0.0, None, "reconstruction"),
}


def headline_of(objective: ObjectiveName) -> Metric:
    """Return the metric that stands for a network: accuracy, or the error of what it gives back."""
    return _ACCURACY if objective == "classification" else reported_loss_of(objective)


def reported_loss_of(objective: ObjectiveName | None) -> Metric:
    """Return the loss that an objective reports; without a unit if the objective is not known."""
    return _REPORTED_LOSSES[objective]
