"""What is measured of an epoch: a row of the history."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any


@dataclass(frozen=True)
class EpochRecord:
    """One row of the history.

    Accuracies are None where nothing is right or wrong (reconstruction); the losses then are mean squared
    errors per pixel, else negative log likelihoods in nats.

    Args:
        epoch: 1, 2, …
        learning_rate: rate of the epoch's last step.
        train_loss: running mean of the training loss while weights move (with label smoothing).
        train_accuracy: running accuracy on the augmented batches while weights move; of mixed images the
            share of the label that was named.
        clean_train_loss: loss on unaugmented training images after the epoch.
        clean_train_accuracy: accuracy on the same images; comparable with validation.
        validation_loss: loss on validation.
        validation_accuracy: accuracy on validation.
        seconds: the whole epoch.
        images_per_second: training images a second, evaluation left out.
        validation_metrics: what the metrics that the recipe names say of validation, by name; None where one
            is not defined.
    """

    epoch: int
    learning_rate: float
    train_loss: float
    train_accuracy: float | None
    clean_train_loss: float | None
    clean_train_accuracy: float | None
    validation_loss: float
    validation_accuracy: float | None
    seconds: float
    images_per_second: float
    validation_metrics: Mapping[str, float | None] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    def to_row(self) -> dict[str, float | None]:
        """Return the record as one flat row: `validation_NAME` for each metric that the recipe names."""
        values = self.to_dict()
        metrics = values.pop("validation_metrics")
        return {**values, **{f"{METRIC_PREFIX}{name}": value for name, value in metrics.items()}}

    def validation_of(self, name: str) -> float | None:
        """Return what a metric says of validation: "loss", "accuracy", or one that the recipe names."""
        if name in self.validation_metrics:
            return self.validation_metrics[name]
        return {"loss": self.validation_loss, "accuracy": self.validation_accuracy}.get(name)


METRIC_PREFIX = "validation_"
EPOCH_COLUMNS = tuple(column.name for column in fields(EpochRecord) if column.name != "validation_metrics")
