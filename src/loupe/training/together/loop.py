"""Several trainings in lockstep: what `fit` does to one network, done to a stack of them at once."""

import time
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

import torch
from torch import nn

from loupe.data.batches import Batch, EvaluationBatches, TrainingBatches
from loupe.errors import TrainingError
from loupe.runtime import Streams, release_freed_memory
from loupe.training.averaging import WeightAverage
from loupe.training.early_stopping import WindowedEarlyStopping
from loupe.training.learning_rates import apply_schedule_step, read_rates
from loupe.training.loop import (
    end_epoch,
    enter_training_mode,
    make_record,
    refuse_first_infinite,
    refuse_infinite,
)
from loupe.training.measure import RunningMean, ValidationMetrics, measure
from loupe.training.objectives import Objective
from loupe.training.observers import Observer, StopTraining
from loupe.training.schedules import Schedule
from loupe.training.state import TrainingState
from loupe.training.together.network import Stack, find_network_obstacle
from loupe.training.together.objectives import compute_correct, compute_training_losses
from loupe.training.together.optimizers import OptimizerStack, clip_gradients, find_optimizer_obstacle


@dataclass
class Training:
    """One of the trainings: the arguments of `fit`, without those that all have to share.

    `state` is what it has reached; `ended_by` what broke it off, None while nothing did.
    """

    model: nn.Module
    train: TrainingBatches
    validation: EvaluationBatches
    num_epochs: int
    optimizer: torch.optim.Optimizer
    schedule: Schedule
    objective: Objective
    streams: Streams
    clip_norm: float | None = None
    average_decay: float | None = None
    early_stopping: WindowedEarlyStopping | None = None
    select_by: str = "accuracy"
    metrics: ValidationMetrics | None = None
    clean_train: EvaluationBatches | None = None
    observers: Sequence[Observer] = ()
    ended_by: Exception | KeyboardInterrupt | None = None
    state: TrainingState = field(init=False)
    base_rates: list[float] = field(init=False)

    def __post_init__(self) -> None:
        average = WeightAverage(self.model, self.average_decay) if self.average_decay is not None else None
        self.state = TrainingState(self.model, self.optimizer, average)
        self.base_rates = read_rates(self.optimizer)

    @property
    def is_over(self) -> bool:
        """Whether there is no epoch left to train."""
        state = self.state
        return self.ended_by is not None or state.stopped_early or state.epoch >= self.num_epochs


def find_obstacle(training: Training) -> str | None:
    """Return why a training cannot be one of several; None if it can."""
    if training.train.dataset.images.device.type != "cpu":
        return "it does not run on a CPU"
    return find_network_obstacle(training.model) or find_optimizer_obstacle(training.optimizer)


def find_form(training: Training) -> Hashable:
    """Return what trainings must have in common to be trained together: equal forms can be stacked."""
    shapes = [(name, tuple(tensor.shape)) for name, tensor in training.model.state_dict().items()]
    batches = training.train
    sizes = tuple(batches.dataset.images.shape[1:]), batches.small
    return str(training.model), tuple(shapes), type(training.optimizer), batches.batch_size, *sizes


def fit_together(trainings: Sequence[Training]) -> None:
    """Train several networks at once, each as `fit` would train it alone, up to rounding.

    Each has its own weights, data, order, augmentation, pace, clipping and stopping. What they reached is in
    their `state`; one that breaks down or is broken off says so in `ended_by`, and the others go on. The time
    of an epoch is shared out by the number of training images.

    Args:
        trainings: fresh, of one form, none with an obstacle.
    """
    for one in trainings:
        for observer in one.observers:
            observer.on_fit_start(one.state, num_epochs=one.num_epochs, steps_per_epoch=len(one.train))
    group: _Group | None = None
    try:
        while under_way := [one for one in trainings if not one.is_over]:
            if group is None or len(group.trainings) != len(under_way):
                group = _Group(under_way)
            group.train_one_epoch()
            release_freed_memory()
    except KeyboardInterrupt as interrupt:  # by hand: it breaks off all of them
        for one in trainings:
            if not one.is_over:
                one.ended_by = interrupt
    for one in trainings:
        if one.ended_by is None:
            for observer in one.observers:
                observer.on_fit_end(one.state)


class _Group:
    """Trainings that are under way, stacked; those with the most steps an epoch first.

    So those that still have a batch are always the first ones, and neighbours in the stack.
    """

    def __init__(self, trainings: Sequence[Training]) -> None:
        self.trainings = sorted(trainings, key=lambda one: -len(one.train.dataset))
        self._stack = Stack([one.model for one in self.trainings])
        self._optimizers = OptimizerStack([one.optimizer for one in self.trainings], self._stack)
        self._parts: dict[tuple[int, int], dict[str, torch.Tensor]] = {}

    def train_one_epoch(self) -> None:
        """Train every network on its images once, measure it and tell its observers."""
        started = time.perf_counter()
        epoch = self.trainings[0].state.epoch + 1
        tallies = self._train_on_every_image(epoch)
        trained_seconds = time.perf_counter() - started
        # one by one: evaluation batches are large, and the maps of several networks would leave the cache
        clean = [
            measure(one.state.judged, one.clean_train, one.objective) if one.clean_train else None
            for one in self.trainings
        ]
        judged = [
            measure(one.state.judged, one.validation, one.objective, metrics=one.metrics)
            for one in self.trainings
        ]
        seconds = time.perf_counter() - started
        num_images = sum(len(one.train.dataset) for one in self.trainings)
        for index, one in enumerate(self.trainings):
            share = len(one.train.dataset) / num_images
            times = (share * trained_seconds, share * seconds)
            now = judged[index]
            try:
                refuse_first_infinite(tallies[index].losses, epoch, one.optimizer)
                refuse_infinite(now.loss, epoch, len(one.train), one.optimizer, "validation loss")
                running = tallies[index].result()
                record = make_record(epoch, one.optimizer, running, clean[index], now, *times)
                one.state.history.append(record)
                end_epoch(one.state, now, one.select_by, one.early_stopping, one.metrics)
                for observer in one.observers:
                    observer.on_epoch_end(one.state)
            except (TrainingError, StopTraining) as error:  # of this one alone
                one.ended_by = error

    def _train_on_every_image(self, epoch: int) -> list[RunningMean]:
        for one in self.trainings:
            enter_training_mode(one.model)
        losses = [[record.validation_loss for record in one.state.history] for one in self.trainings]
        tallies = [RunningMean(torch.device("cpu")) for _ in self.trainings]
        generators = [one.streams.generator("network", epoch) for one in self.trainings]
        for step, batches in enumerate(_zip_batches([one.train.epoch(epoch) for one in self.trainings])):
            for one, losses_so_far in zip(self.trainings[: len(batches)], losses, strict=False):
                step_settings = one.schedule((epoch - 1) * len(one.train) + step, losses_so_far)
                apply_schedule_step(one.optimizer, step_settings, one.base_rates)
            for which in _find_neighbours([len(batch.labels) for batch in batches]):
                self._step(which, batches[which], generators[which], tallies[which])
            for one in self.trainings[: len(batches)]:
                if one.state.average is not None:
                    one.state.average.update(one.model)
                for observer in one.observers:
                    observer.on_step(step + 1)
        return tallies

    def _step(
        self,
        which: slice,
        batches: Sequence[Batch],
        generators: Sequence[torch.Generator],
        tallies: Sequence[RunningMean],
    ) -> None:
        """Step neighbouring networks, each on its own batch; the batches have one size."""
        trainings = self.trainings[which]
        parameters = self._take(which)
        images = torch.stack([batch.images for batch in batches])
        objectives = [one.objective for one in trainings]
        outputs = self._stack.run(images, parameters, generators)
        losses = compute_training_losses(objectives, outputs, batches)
        losses.sum().backward()
        gradients = {name: tensor.grad for name, tensor in parameters.items() if tensor.grad is not None}
        clip_gradients(gradients, [one.clip_norm for one in trainings])
        self._optimizers.step(which, gradients)
        for tensor in parameters.values():
            tensor.grad = None
        correct = compute_correct(objectives, outputs, batches)
        for running_mean, loss, right, batch in zip(tallies, losses, correct, batches, strict=True):
            running_mean.add(loss, right, len(batch.labels))

    def _take(self, which: slice) -> dict[str, torch.Tensor]:
        place = (which.start, which.stop)
        if place not in self._parts:
            self._parts[place] = self._stack.take(which)
        return self._parts[place]


def _zip_batches(epochs: Sequence[Iterator[Batch]]) -> Iterator[list[Batch]]:
    """Yield the batches of each step, of those that still have one: the first ones."""
    while batches := [batch for epoch in epochs if (batch := next(epoch, None)) is not None]:
        yield batches


def _find_neighbours(values: Sequence[Hashable]) -> Iterator[slice]:
    """Yield where neighbours have equal values."""
    start = 0
    for _, equal in groupby(values):
        stop = start + len(list(equal))
        yield slice(start, stop)
        start = stop
