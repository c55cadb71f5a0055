"""Several trainings in lockstep: what `fit` does to one network, done to a stack of them at once."""

import time
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

import torch

from loupe.data.batches import Batch, EvaluationBatches
from loupe.errors import TrainingError
from loupe.runtime import release_freed_memory
from loupe.training.loop import Training, end_epoch, refuse_first_infinite
from loupe.training.measure import Measured, RunningMean, ValidationMetrics, measure
from loupe.training.observers import StopTraining
from loupe.training.state import TrainingState
from loupe.training.step import TrainingStep, enter_training_mode
from loupe.training.together.network import Stack, find_network_obstacle
from loupe.training.together.objectives import compute_correct, compute_training_losses
from loupe.training.together.optimizers import OptimizerStack, clip_gradients, find_optimizer_obstacle
from loupe.training.together.plans import find_plan_obstacle


@dataclass
class Fitted:
    """What one of several trainings has reached, and how it ended.

    Args:
        training: what was trained.
        ended_by: what interrupted it; None if it came to its end.

    `state` is what it has reached.
    """

    training: Training
    ended_by: TrainingError | KeyboardInterrupt | None = None
    state: TrainingState = field(init=False)
    step: TrainingStep = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.state = self.training.begin()
        self.step = TrainingStep(self.training.plan, self.state)

    @property
    def is_over(self) -> bool:
        """Whether there is no epoch left to train."""
        state = self.state
        return (
            self.ended_by is not None or state.stopped_early or state.epoch >= self.training.plan.num_epochs
        )

    def tell_start(self) -> None:
        """Tell the observers that training begins."""
        steps, epochs = len(self.training.train), self.training.plan.num_epochs
        for observer in self.training.observers:
            observer.on_fit_start(self.state, num_epochs=epochs, steps_per_epoch=steps)

    def tell_end(self) -> None:
        """Tell the observers that training came to its end."""
        for observer in self.training.observers:
            observer.on_fit_end(self.state)


def find_obstacle(training: Training) -> str | None:
    """Return why a training cannot be one of several; None if it can."""
    if training.train.dataset.images.device.type != "cpu":
        return "it does not run on a CPU"
    return (
        find_plan_obstacle(training.plan)
        or find_network_obstacle(training.model)
        or find_optimizer_obstacle(training.optimizer)
    )


def find_form(training: Training) -> Hashable:
    """Return what trainings must have in common to be trained together: equal forms can be stacked."""
    shapes = [(name, tuple(tensor.shape)) for name, tensor in training.model.state_dict().items()]
    batches = training.train
    sizes = tuple(batches.dataset.images.shape[1:]), batches.resizing
    return str(training.model), tuple(shapes), type(training.optimizer), batches.batch_size, *sizes


def fit_together(trainings: Sequence[Training]) -> list[Fitted]:
    """Train several networks at once, each as `fit` would train it alone, up to rounding.

    Each has its own weights, data, order, augmentation, plan and stopping. One that breaks down or is
    interrupted says so in `ended_by`, and the others go on. The time of an epoch is shared out by the number
    of training images.

    Args:
        trainings: fresh, of one form, none with an obstacle.
    """
    fitted = [Fitted(training) for training in trainings]
    for one in fitted:
        one.tell_start()
    group: _Group | None = None
    try:
        while under_way := [one for one in fitted if not one.is_over]:
            if group is None or len(group.fitted) != len(under_way):
                group = _Group(under_way)
            group.train_one_epoch()
            release_freed_memory()
    except KeyboardInterrupt as interrupt:  # by hand: it ends all of them
        for one in fitted:
            if not one.is_over:
                one.ended_by = interrupt
    for one in fitted:
        if one.ended_by is None:
            one.tell_end()
    return fitted


class _Group:
    """Trainings that are under way, stacked; those with the most steps an epoch first.

    So those that still have a batch are always the first ones, and neighbours in the stack.
    """

    def __init__(self, fitted: Sequence[Fitted]) -> None:
        self.fitted = sorted(fitted, key=lambda one: -len(one.training.train.dataset))
        self._stack = Stack([one.state.model for one in self.fitted])
        self._optimizers = OptimizerStack([one.state.optimizer for one in self.fitted], self._stack)
        self._parts: dict[tuple[int, int], dict[str, torch.Tensor]] = {}

    def train_one_epoch(self) -> None:
        """Train every network on its images once, measure it and tell its observers."""
        started = time.perf_counter()
        epoch = self.fitted[0].state.epoch + 1
        running_means = self._train_on_every_image(epoch)
        trained_seconds = time.perf_counter() - started
        # one by one: evaluation batches are large, and the maps of several networks would leave the cache
        clean = [_measure(one, one.training.clean_train) for one in self.fitted]
        judged = [_measure(one, one.training.validation, one.training.plan.metrics) for one in self.fitted]
        seconds = time.perf_counter() - started
        num_images = sum(len(one.training.train.dataset) for one in self.fitted)
        for index, one in enumerate(self.fitted):
            share = len(one.training.train.dataset) / num_images
            times = (share * trained_seconds, share * seconds)
            try:
                self._end_epoch(one, running_means[index], (clean[index], judged[index]), times)
            except (TrainingError, StopTraining) as error:  # of this one alone
                one.ended_by = error

    @staticmethod
    def _end_epoch(
        one: Fitted,
        running_mean: RunningMean,
        measured: tuple[Measured | None, Measured | None],
        seconds: tuple[float, float],
    ) -> None:
        training, state, (clean, judged) = one.training, one.state, measured
        assert judged is not None
        refuse_first_infinite(running_mean.losses, state.epoch + 1, state.optimizer)
        all_measured = (running_mean.result(), clean, judged)
        end_epoch(training.plan, state, all_measured, seconds, len(training.train))
        for observer in training.observers:
            observer.on_epoch_end(state)

    def _train_on_every_image(self, epoch: int) -> list[RunningMean]:
        for one in self.fitted:
            enter_training_mode(one.state.model)
        losses = [[record.validation_loss for record in one.state.history] for one in self.fitted]
        running_means = [RunningMean(torch.device("cpu")) for _ in self.fitted]
        generators = [one.training.streams.generator("network", epoch) for one in self.fitted]
        epochs = [one.training.train.epoch(epoch) for one in self.fitted]
        first_steps = [(epoch - 1) * len(one.training.train) for one in self.fitted]
        for index, batches in enumerate(_zip_batches(epochs)):
            stepping = self.fitted[: len(batches)]
            for one, first, losses_so_far in zip(stepping, first_steps, losses, strict=False):
                one.step.begin(first + index, losses_so_far)
            for which in _find_neighbours([len(batch.labels) for batch in batches]):
                self._step(which, batches[which], generators[which], running_means[which])
            for one, first in zip(stepping, first_steps, strict=False):
                one.step.follow(first + index + 1)
                for observer in one.training.observers:
                    observer.on_step(index + 1)
        return running_means

    def _step(
        self,
        which: slice,
        batches: Sequence[Batch],
        generators: Sequence[torch.Generator],
        running_means: Sequence[RunningMean],
    ) -> None:
        """Step neighbouring networks, each on its own batch; the batches have one size."""
        plans = [one.training.plan for one in self.fitted[which]]
        parameters = self._take(which)
        images = torch.stack([batch.images for batch in batches])
        objectives = [plan.objective for plan in plans]
        outputs = self._stack.run(images, parameters, generators)
        losses = compute_training_losses(objectives, outputs, batches)
        losses.sum().backward()
        gradients = {name: tensor.grad for name, tensor in parameters.items() if tensor.grad is not None}
        clip_gradients(gradients, [plan.clip_norm for plan in plans])
        self._optimizers.step(which, gradients)
        for tensor in parameters.values():
            tensor.grad = None
        correct = compute_correct(objectives, outputs, batches)
        for running_mean, loss, right, batch in zip(running_means, losses, correct, batches, strict=True):
            running_mean.add(loss, right, len(batch.labels))

    def _take(self, which: slice) -> dict[str, torch.Tensor]:
        place = (which.start, which.stop)
        if place not in self._parts:
            self._parts[place] = self._stack.take(which)
        return self._parts[place]


def _measure(
    one: Fitted, batches: EvaluationBatches | None, metrics: ValidationMetrics | None = None
) -> Measured | None:
    """Return loss and accuracy of a network as it stands; None where there is nothing to measure."""
    objective = one.training.plan.objective
    return measure(one.state.judged, batches, objective, metrics=metrics) if batches else None


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
