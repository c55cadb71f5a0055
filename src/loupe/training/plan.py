"""The plan of a training: all that decides what its steps compute, in one frozen value."""

from collections.abc import Iterator
from dataclasses import MISSING, dataclass, fields

from loupe.runtime import Precision
from loupe.training.early_stopping import WindowedEarlyStopping
from loupe.training.freezing import LaterFreezing
from loupe.training.lookahead import LookaheadPlan
from loupe.training.measure import ValidationMetrics
from loupe.training.objectives import Objective
from loupe.training.schedules import Schedule


@dataclass(frozen=True)
class TrainingPlan:
    """How a network is trained; what it is trained on stands beside it, in `Training`.

    A field that has a default leaves a training at that default as it would be without the field. So whoever
    carries out plans can name the fields it knows, and leave alone any plan that sets another one.

    Args:
        num_epochs: epochs to train, ≥ 1, those before a resume included.
        schedule: learning-rate factor of each step.
        objective: what is minimised, and what is reported.
        clip_norm: largest global norm of the gradients, > 0.
        average_decay: keep a moving average of the weights with this decay, in (0, 1), and judge that.
        lookahead: pull the weights back to slow ones every few steps.
        keep_hardest: part of each batch that trains the network, in (0, 1]: the hardest images, as a proxy
            network ranks them.
        accumulate: micro-batches that a batch is cut into, ≥ 1: their gradients make one step.
        precision: what the network computes in, in training and in evaluation.
        freezing: layers that train for the first epochs only.
        early_stopping: when to stop before `num_epochs`.
        select_by: validation metric that picks the best epoch: "accuracy", "loss", or one of `metrics`; ties
            go to the lower loss.
        metrics: what is measured on validation beside loss and accuracy.
    """

    num_epochs: int
    schedule: Schedule
    objective: Objective
    clip_norm: float | None = None
    average_decay: float | None = None
    lookahead: LookaheadPlan | None = None
    keep_hardest: float = 1.0
    accumulate: int = 1
    precision: Precision = "float32"
    freezing: LaterFreezing | None = None
    early_stopping: WindowedEarlyStopping | None = None
    select_by: str = "accuracy"
    metrics: ValidationMetrics | None = None

    def find_settings(self) -> Iterator[str]:
        """Yield the names of the fields that are not at their default; those without one always are set."""
        for field in fields(self):
            if field.default is MISSING or getattr(self, field.name) != field.default:
                yield field.name
