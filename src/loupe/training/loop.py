"""The training loop: `fit` is a list of epochs, an epoch is a list of steps."""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from loupe.data.batches import WHOLE, EvaluationBatches, Shard, TrainingBatches
from loupe.errors import RunError, TrainingError
from loupe.runtime import Streams, release_freed_memory
from loupe.training.averaging import WeightAverage
from loupe.training.epoch_record import EpochRecord
from loupe.training.hard_examples import HardExamples
from loupe.training.lookahead import Lookahead
from loupe.training.measure import Measured, RunningMean, ValidationMetrics, measure
from loupe.training.observers import Observer
from loupe.training.plan import TrainingPlan
from loupe.training.process_group import ProcessGroup, broadcast_weights, name_network_stream, reduce_step
from loupe.training.state import Best, Snapshot, TrainingState, copy_weights, restore_snapshot
from loupe.training.step import TrainingStep, enter_training_mode


@dataclass(frozen=True, eq=False)
class Training:
    """What is trained, on what, and how.

    Args:
        model: a network on the device of the batches.
        train: training batches, with their augmentations.
        validation: what picks the best epoch and stops early.
        plan: how it is trained: whatever changes the mathematics of a step or an epoch.
        optimizer: over the model's parameters; its learning rate is the largest the schedule uses.
        streams: randomness inside the network (dropout), stream "network".
        hard_examples: what finds the hardest images of a batch, where the plan asks for them.
        clean_train: training images to measure as validation is measured, after each epoch.
        observers: told of steps and epochs.
    """

    model: nn.Module
    train: TrainingBatches
    validation: EvaluationBatches
    plan: TrainingPlan
    optimizer: torch.optim.Optimizer
    streams: Streams
    hard_examples: HardExamples | None = None
    clean_train: EvaluationBatches | None = None
    observers: Sequence[Observer] = ()

    def __post_init__(self) -> None:
        if (self.plan.keep_hardest < 1) != (self.hard_examples is not None):
            raise ValueError("a plan that keeps the hardest images goes with what finds them, and no other")

    def begin(self) -> TrainingState:
        """Return the state before the first epoch."""
        model, plan = self.model, self.plan
        average = WeightAverage(model, plan.average_decay) if plan.average_decay is not None else None
        num_steps = plan.num_epochs * len(self.train)
        slow = Lookahead(model, plan.lookahead, num_steps) if plan.lookahead is not None else None
        return TrainingState(model, self.optimizer, average, slow, self.hard_examples)


def fit(
    training: Training, *, start: Snapshot | None = None, group: ProcessGroup | None = None
) -> TrainingState:
    """Train a network and return what was reached; the best epoch's weights are in `state.best`.

    Nothing here knows a test set: selection and stopping see validation only. Layers whose parameters are
    all frozen stay in evaluation mode: nothing in them moves, running statistics included.

    Args:
        training: what is trained, on what, and how.
        start: where an earlier training of the same recipe stopped.
        group: processes that call this together, each for its shard of every batch and of what is measured.

    Raises:
        TrainingError: the loss is no longer a finite number.
        RunError: `start` does not belong to this network and optimizer.
    """
    plan, train, observers = training.plan, training.train, training.observers
    if group is not None:
        broadcast_weights(group, training.model)
    state = training.begin()
    step = TrainingStep(plan, state, train.depth)  # knows the rates as they were before a checkpoint's
    if start is not None:
        _restore(start, state)
    validation, clean_train = training.validation, training.clean_train
    if group is not None:
        shard = Shard(group.rank, group.size)
        validation = validation.take_shard(shard)
        clean_train = clean_train.take_shard(shard) if clean_train else None
    for observer in observers:
        observer.on_fit_start(state, num_epochs=plan.num_epochs, steps_per_epoch=len(train))
    while state.epoch < plan.num_epochs and not state.stopped_early:
        epoch, started = state.epoch + 1, time.perf_counter()
        if plan.freezing is not None:
            plan.freezing.apply(training.model, epoch)
        with training.streams.as_global(name_network_stream(group), epoch, train.dataset.images.device):
            running = train_one_epoch(step, train, observers, group)
        trained_seconds = time.perf_counter() - started
        clean = _measure(plan, state, clean_train, group) if clean_train else None
        judged = _measure(plan, state, validation, group, plan.metrics)
        seconds = (trained_seconds, time.perf_counter() - started)
        end_epoch(plan, state, (running, clean, judged), seconds, len(train))
        release_freed_memory()
        for observer in observers:
            observer.on_epoch_end(state)
    for observer in observers:
        observer.on_fit_end(state)
    return state


def _restore(start: Snapshot, state: TrainingState) -> None:
    try:
        restore_snapshot(start, state)
    except (RuntimeError, KeyError, TypeError, ValueError) as error:
        raise RunError(
            "The checkpoint does not belong to this recipe.",
            got=str(error).partition("\n")[0],
            allowed="a checkpoint of the same network and optimizer",
            next_step="delete it to start from the first epoch",
        ) from None


def _measure(
    plan: TrainingPlan,
    state: TrainingState,
    batches: EvaluationBatches,
    group: ProcessGroup | None,
    metrics: ValidationMetrics | None = None,
) -> Measured:
    return measure(state.judged, batches, plan.objective, plan.precision, group, metrics)


def end_epoch(
    plan: TrainingPlan,
    state: TrainingState,
    measured: tuple[Measured, Measured | None, Measured],
    seconds: tuple[float, float],
    num_steps: int,
) -> None:
    """Write an epoch's record, keep the weights if it is the best so far, and see whether to stop.

    Args:
        plan: of the training.
        state: after the epoch's last step.
        measured: running, on clean training images if that is wanted, and on validation.
        seconds: of the training alone, and of the whole epoch.
        num_steps: steps of the epoch.

    Raises:
        TrainingError: the validation loss is no finite number.
    """
    running, clean, judged = measured
    epoch = state.epoch + 1
    refuse_infinite(judged.loss, epoch, num_steps, state.optimizer, "validation loss")
    state.history.append(make_record(epoch, state.optimizer, running, clean, judged, *seconds))
    if is_better(judged, state.best, plan.select_by, plan.metrics):
        weights = copy_weights(state.judged)
        state.best = Best(state.epoch, judged.loss, judged.accuracy, weights, judged.metrics)
    if plan.early_stopping is not None:
        losses = [record.validation_loss for record in state.history]
        state.stopped_early = plan.early_stopping.should_stop(losses)


def make_record(
    epoch: int,
    optimizer: torch.optim.Optimizer,
    running: Measured,
    clean: Measured | None,
    judged: Measured,
    trained_seconds: float,
    seconds: float,
) -> EpochRecord:
    """Return the row of the history for an epoch just measured."""
    return EpochRecord(
        epoch=epoch,
        learning_rate=optimizer.param_groups[0]["lr"],
        train_loss=running.loss,
        train_accuracy=running.accuracy,
        clean_train_loss=clean.loss if clean else None,
        clean_train_accuracy=clean.accuracy if clean else None,
        validation_loss=judged.loss,
        validation_accuracy=judged.accuracy,
        seconds=seconds,
        images_per_second=running.num_images / trained_seconds,
        validation_metrics=judged.metrics,
    )


def train_one_epoch(
    step: TrainingStep,
    batches: TrainingBatches,
    observers: Sequence[Observer] = (),
    group: ProcessGroup | None = None,
) -> Measured:
    """Train on every image once, from where the state stands, and return the running loss and accuracy.

    Raises:
        TrainingError: the loss is no longer a finite number.
    """
    state = step.state
    model, optimizer, epoch = state.model, state.optimizer, state.epoch + 1
    enter_training_mode(model)
    device = batches.dataset.images.device
    running_mean = RunningMean(device)
    losses = [record.validation_loss for record in state.history]
    first_step = (epoch - 1) * len(batches)
    sizes, shard = batches.sizes, WHOLE if group is None else Shard(group.rank, group.size)
    for index, whole_batch in enumerate(batches.epoch(epoch, shard)):
        batch = step.choose(whole_batch, step.begin(first_step + index, losses))
        loss, correct = step.compute_gradients(batch)
        num_images = len(batch.images)
        if group is not None:
            num_images = sizes[index]
            loss, correct = reduce_step(group, model, loss, correct, len(batch.images) / num_images)
        if device.type == "cpu":  # elsewhere, asking after each step would make the device wait
            refuse_infinite(loss.item(), epoch, index + 1, optimizer, "training loss")
        step.update(first_step + index + 1)
        running_mean.add(loss, correct, num_images)
        for observer in observers:
            observer.on_step(index + 1)
    if device.type != "cpu":
        refuse_first_infinite(running_mean.losses, epoch, optimizer)
    return running_mean.result()


def is_better(
    judged: Measured, best: Best | None, select_by: str, metrics: ValidationMetrics | None = None
) -> bool:
    """Return whether an epoch beats the best so far on validation; equal values need a lower loss."""
    if best is None:
        return True
    if metrics is not None:
        values = judged.metrics.get(select_by), best.validation_metrics.get(select_by)
        beats = metrics.is_better(select_by, *values)
        if beats is not None:
            return beats
    now, before = judged.accuracy, best.validation_accuracy
    if select_by == "accuracy" and now is not None and before is not None and now != before:
        return now > before
    return judged.loss < best.validation_loss


def refuse_first_infinite(losses: Tensor, epoch: int, optimizer: torch.optim.Optimizer) -> None:
    """Check the training loss of each step of an epoch.

    Raises:
        TrainingError: one is not a finite number; it names the step.
    """
    broken = (~losses.isfinite()).nonzero()
    if len(broken):
        step = int(broken[0])
        refuse_infinite(float(losses[step]), epoch, step + 1, optimizer, "training loss")


def refuse_infinite(value: float, epoch: int, step: int, optimizer: torch.optim.Optimizer, what: str) -> None:
    """Check a loss.

    Raises:
        TrainingError: it is not a finite number.
    """
    if not math.isfinite(value):
        rate = optimizer.param_groups[0]["lr"]
        raise TrainingError(
            f"The {what} is no longer a number at epoch {epoch}, step {step}.",
            got=f"{what} {value} at learning rate {rate:g}",
            allowed="a finite loss",
            next_step=f"lower train.optimizer.learning_rate (try {min(rate / 10, 0.1):g}), "
            "or set train.clip_norm=1",
        )
