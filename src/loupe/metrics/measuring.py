"""The metrics a recipe names, epoch by epoch while a network trains."""

from dataclasses import dataclass, field

import torch
from torch import Tensor

from loupe.data.batches import Batch
from loupe.metrics.predictions import Predictions
from loupe.metrics.reconstruction import GivenBack
from loupe.metrics.registry import ChosenMetric, compute_values
from loupe.models import ObjectiveName
from loupe.training.process_group import ProcessGroup, gather_rows


@dataclass(frozen=True)
class EpochMetrics:
    """The metrics that are measured on validation after every epoch.

    Args:
        chosen: the metrics, all for one objective.
        objective: of the network.
    """

    chosen: tuple[ChosenMetric, ...]
    objective: ObjectiveName

    def start(self) -> "Answers":
        """Return what collects the answers of one epoch."""
        return Answers(self)

    def is_better(self, name: str, now: float | None, before: float | None) -> bool | None:
        """Return whether a value of one of the metrics is better; None if neither is, or for another name.

        What is not defined is worse than what is.
        """
        found = next((one.metric for one in self.chosen if one.metric.name == name), None)
        if found is None or now == before:
            return None
        if now is None or before is None:
            return before is None
        return found.is_better(now, before)


@dataclass
class Answers:
    """A network's answers to the images of a set, batch by batch; on its device until the end."""

    metrics: EpochMetrics
    _kept: dict[str, list[Tensor]] = field(default_factory=dict)

    def add(self, outputs: Tensor, losses: Tensor, batch: Batch) -> None:
        """Keep what the metrics ask for of one batch: its outputs, each image's loss, images and labels."""
        if self.metrics.objective == "classification":
            kept = {"logits": outputs, "labels": batch.labels}
        else:
            needs = {name for one in self.metrics.chosen for name in one.needs}
            kept = {"errors": losses}
            kept |= {
                name: one for name, one in (("outputs", outputs), ("images", batch.images)) if name in needs
            }
        for name, tensor in kept.items():
            self._kept.setdefault(name, []).append(tensor.detach())

    def result(self, group: ProcessGroup | None = None) -> dict[str, float | None]:
        """Return the metrics of all images, here or in all processes, by name; None where not defined."""
        kept = {name: torch.cat(parts) for name, parts in self._kept.items()}
        if group is not None:
            kept = {name: gather_rows(group, tensor) for name, tensor in kept.items()}
        kept = {name: tensor.cpu() for name, tensor in kept.items()}
        is_classifier = self.metrics.objective == "classification"
        answers = Predictions(**kept) if is_classifier else GivenBack(**kept)
        values = compute_values(self.metrics.chosen, answers)
        return {name: one.value for name, one in values.items()}
