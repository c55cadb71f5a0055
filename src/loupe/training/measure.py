"""Loss and accuracy of a network as it stands: evaluation mode, no augmentation, exact averages."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Protocol

import torch
from torch import Tensor, nn

from loupe.data.batches import Batch, EvaluationBatches
from loupe.models.rows import run_layers
from loupe.runtime import Precision, casting
from loupe.training.objectives import Classification, Objective
from loupe.training.process_group import ProcessGroup


class AnswerCollector(Protocol):
    """What collects a network's answers, and says at the end what metrics make of them."""

    def add(self, outputs: Tensor, losses: Tensor, batch: Batch) -> None:
        """Keep what is needed of a batch: the network's outputs, each image's loss, images and labels."""

    def result(self, group: ProcessGroup | None = None) -> dict[str, float | None]:
        """Return the metrics of all images by name; None where one is not defined."""


class ValidationMetrics(Protocol):
    """Metrics that are measured beside loss and accuracy after every epoch."""

    def start(self) -> AnswerCollector:
        """Return what collects the answers of an epoch."""

    def is_better(self, name: str, now: float | None, before: float | None) -> bool | None:
        """Return whether a value of the metric is better than another; None if neither is."""


@dataclass(frozen=True)
class Measured:
    """Mean loss and accuracy over `num_images`.

    Args:
        loss: as the objective reports it: of a classifier the negative log likelihood in nats.
        accuracy: in [0, 1]; None where nothing is right or wrong.
        num_images: images counted.
        metrics: what further metrics say, by name; None where one is not defined.
    """

    loss: float
    accuracy: float | None
    num_images: int
    metrics: Mapping[str, float | None] = field(default_factory=dict)


class RunningMean:
    """Loss and right answers, batch by batch, left on the device until the end.

    In the averages a smaller last batch weighs no more than its images.
    """

    def __init__(self, device: torch.device) -> None:
        # MPS has no float64
        dtype = torch.float32 if device.type == "mps" else torch.float64
        self._dtype = dtype
        self._losses: list[Tensor] = []
        self._sizes: list[int] = []
        self._correct: list[Tensor] = []

    def add(self, mean_loss: Tensor, correct: Tensor | None, num_images: int) -> None:
        """Count a batch: its mean loss (scalar), how right each answer is (batch,), and its size."""
        self._losses.append(mean_loss.detach())
        if correct is not None:
            self._correct.append(correct.detach())
        self._sizes.append(num_images)

    @property
    def losses(self) -> Tensor:
        """The mean loss of each batch so far, (batches,), on the device."""
        return torch.stack(self._losses)

    def result(self, group: ProcessGroup | None = None) -> Measured:
        """Return the averages over all images counted, here or by all processes of a group."""
        num_images = sum(self._sizes)
        sizes = torch.tensor(self._sizes, dtype=self._dtype, device=self._losses[0].device)
        loss = (self.losses.to(self._dtype) * sizes).sum()
        correct = torch.cat(self._correct).sum(dtype=self._dtype) if self._correct else None
        if group is not None:
            sums = group.all_reduce(
                torch.stack([loss, loss.new_zeros(()) if correct is None else correct, sizes.sum()])
            )
            loss, num_images = sums[0], int(sums[2])
            correct = sums[1] if correct is not None else None
        accuracy = float(correct) / num_images if correct is not None else None
        return Measured(float(loss / num_images), accuracy, num_images)


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Put the model into evaluation mode without gradients, and back as it was afterwards."""
    was_training = model.training
    model.eval()
    try:
        with torch.inference_mode():
            yield
    finally:
        model.train(was_training)


def measure(
    model: nn.Module,
    batches: Iterable[Batch],
    objective: Objective | None = None,
    precision: Precision = "float32",
    group: ProcessGroup | None = None,
    metrics: ValidationMetrics | None = None,
) -> Measured:
    """Return loss, accuracy and the metrics over all batches, of a classifier if no objective is given.

    Of a group each process brings its own batches, and gets what holds for those of all.
    """
    objective = objective or Classification()
    answers = metrics.start() if metrics is not None else None
    running_mean: RunningMean | None = None
    depth = batches.depth if isinstance(batches, EvaluationBatches) else 0
    with evaluating(model):
        for batch in batches:
            running_mean = running_mean or RunningMean(batch.images.device)
            outputs = run_model(model, batch.images, precision, depth)
            losses = objective.losses(outputs, batch)
            running_mean.add(losses.mean(), objective.correct(outputs, batch), len(losses))
            if answers is not None:
                answers.add(outputs, losses, batch)
    assert running_mean is not None, "there is nothing to measure: no batches"
    measured = running_mean.result(group)
    return measured if answers is None else replace(measured, metrics=answers.result(group))


def run_model(model: nn.Module, images: Tensor, precision: Precision = "float32", depth: int = 0) -> Tensor:
    """Return the network's outputs as float32, whatever it computes in.

    Args:
        model: the network.
        images: (batch, channels, height, width); or what the first layers make of them.
        precision: what layers compute in.
        depth: how many layers the images have passed already; only a row of layers can go on from there.
    """
    with casting(images.device, precision):
        outputs: Tensor = run_layers(model, images, depth) if depth else model(images)
    return outputs.float()


def compute_outputs(model: nn.Module, batches: Iterable[Batch], precision: Precision = "float32") -> Tensor:
    """Return the outputs for every image in order, float32 on the CPU."""
    with evaluating(model):
        return torch.cat([run_model(model, batch.images, precision).cpu() for batch in batches])
