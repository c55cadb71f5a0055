"""The training loop: `fit` is a list of epochs, an epoch is a list of steps."""

import math
import time
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from loupe.data.batches import WHOLE, EvaluationBatches, Shard, TrainingBatches
from loupe.errors import RunError, TrainingError
from loupe.runtime import Precision, Streams, release_freed_memory
from loupe.training.averaging import WeightAverage
from loupe.training.early_stopping import WindowedEarlyStopping
from loupe.training.freezing import LaterFreezing
from loupe.training.hard_examples import HardExamples
from loupe.training.learning_rates import apply_schedule_step, read_rates
from loupe.training.lookahead import Lookahead, LookaheadPlan
from loupe.training.measure import Measured, RunningMean, ValidationMetrics, measure, run_model
from loupe.training.objectives import Objective
from loupe.training.observers import Observer
from loupe.training.process_group import ProcessGroup, broadcast_weights, name_network_stream, reduce_step
from loupe.training.schedules import Schedule
from loupe.training.state import Best, EpochRecord, Snapshot, TrainingState, copy_weights, restore_snapshot


def fit(
    model: nn.Module,
    train: TrainingBatches,
    validation: EvaluationBatches,
    *,
    num_epochs: int,
    optimizer: torch.optim.Optimizer,
    schedule: Schedule,
    objective: Objective,
    streams: Streams,
    clip_norm: float | None = None,
    average_decay: float | None = None,
    lookahead: LookaheadPlan | None = None,
    hard_examples: HardExamples | None = None,
    precision: Precision = "float32",
    freezing: LaterFreezing | None = None,
    early_stopping: WindowedEarlyStopping | None = None,
    select_by: str = "accuracy",
    metrics: ValidationMetrics | None = None,
    clean_train: EvaluationBatches | None = None,
    observers: Sequence[Observer] = (),
    start: Snapshot | None = None,
    group: ProcessGroup | None = None,
) -> TrainingState:
    """Train a network and return what was reached; the best epoch's weights are in `state.best`.

    Nothing here knows a test set: selection and stopping see validation only. Layers whose parameters are
    all frozen stay in evaluation mode: nothing in them moves, running statistics included.

    Args:
        model: a network on the device of the batches.
        train: training batches, with their augmentations.
        validation: what picks the best epoch and stops early.
        num_epochs: epochs to train, ≥ 1, those before `start` included.
        optimizer: over the model's parameters; its learning rate is the largest the schedule uses.
        schedule: pace of each step.
        objective: what is minimised, and what is reported.
        streams: randomness inside the network (dropout), stream "network".
        clip_norm: largest global norm of the gradients, > 0.
        average_decay: keep a moving average of the weights with this decay, in (0, 1), and judge that.
        lookahead: pull the weights back to slow ones every few steps.
        hard_examples: train on the hardest part of each batch only, as a proxy network ranks it.
        precision: what the network computes in, in training and in evaluation.
        freezing: layers that train for the first epochs only.
        early_stopping: when to stop before `num_epochs`.
        select_by: validation metric that picks the best epoch: "accuracy", "loss", or one of `metrics`; ties
            go to the lower loss.
        metrics: what is measured on validation beside loss and accuracy.
        clean_train: training images to measure as validation is measured, after each epoch.
        observers: told of steps and epochs.
        start: where an earlier training of the same recipe stopped.
        team: processes that call this together, each for its share of every batch and of what is measured.

    Raises:
        TrainingError: the loss is no longer a finite number.
        RunError: `start` does not belong to this network and optimizer.
    """
    if group is not None:
        broadcast_weights(group, model)
    average = WeightAverage(model, average_decay) if average_decay is not None else None
    slow = Lookahead(model, lookahead, num_epochs * len(train)) if lookahead is not None else None
    state = TrainingState(model, optimizer, average, slow, hard_examples)
    base_rates = read_rates(optimizer)
    if start is not None:
        try:
            restore_snapshot(start, state)
        except (RuntimeError, KeyError, TypeError, ValueError) as error:
            raise RunError(
                "The checkpoint does not belong to this recipe.",
                got=str(error).partition("\n")[0],
                allowed="a checkpoint of the same network and optimizer",
                next_step="delete it to start from the first epoch",
            ) from None
    if group is not None:
        shard = Shard(group.rank, group.size)
        validation = validation.take_shard(shard)
        clean_train = clean_train.take_shard(shard) if clean_train else None
    for observer in observers:
        observer.on_fit_start(state, num_epochs=num_epochs, steps_per_epoch=len(train))
    while state.epoch < num_epochs and not state.stopped_early:
        epoch, started = state.epoch + 1, time.perf_counter()
        if freezing is not None:
            freezing.apply(model, epoch)
        with streams.as_global(name_network_stream(group), epoch, train.dataset.images.device):
            running = train_one_epoch(
                state,
                train,
                schedule=schedule,
                objective=objective,
                base_rates=base_rates,
                clip_norm=clip_norm,
                precision=precision,
                observers=observers,
                group=group,
            )
        trained_seconds = time.perf_counter() - started
        clean = measure(state.judged, clean_train, objective, precision, group) if clean_train else None
        judged = measure(state.judged, validation, objective, precision, group, metrics)
        refuse_infinite(judged.loss, epoch, len(train), optimizer, "validation loss")
        seconds = (trained_seconds, time.perf_counter() - started)
        state.history.append(make_record(epoch, optimizer, running, clean, judged, *seconds))
        end_epoch(state, judged, select_by, early_stopping, metrics)
        release_freed_memory()
        for observer in observers:
            observer.on_epoch_end(state)
    for observer in observers:
        observer.on_fit_end(state)
    return state


def end_epoch(
    state: TrainingState,
    judged: Measured,
    select_by: str,
    early_stopping: WindowedEarlyStopping | None,
    metrics: ValidationMetrics | None = None,
) -> None:
    """Keep the weights if the epoch is the best so far, and see whether to stop; its record is written."""
    if is_better(judged, state.best, select_by, metrics):
        weights = copy_weights(state.judged)
        state.best = Best(state.epoch, judged.loss, judged.accuracy, weights, judged.metrics)
    if early_stopping is not None:
        losses = [record.validation_loss for record in state.history]
        state.stopped_early = early_stopping.should_stop(losses)


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
    state: TrainingState,
    batches: TrainingBatches,
    *,
    schedule: Schedule,
    objective: Objective,
    base_rates: Sequence[float],
    clip_norm: float | None = None,
    precision: Precision = "float32",
    observers: Sequence[Observer] = (),
    group: ProcessGroup | None = None,
) -> Measured:
    """Train on every image once, from where the state stands, and return the running loss and accuracy.

    Raises:
        TrainingError: the loss is no longer a finite number.
    """
    model, optimizer, epoch = state.model, state.optimizer, state.epoch + 1
    enter_training_mode(model)
    device = batches.dataset.images.device
    running_mean = RunningMean(device)
    losses = [record.validation_loss for record in state.history]
    first_step = (epoch - 1) * len(batches)
    sizes, shard = batches.sizes, WHOLE if group is None else Shard(group.rank, group.size)
    for step, whole_batch in enumerate(batches.epoch(epoch, shard)):
        batch = whole_batch
        step_settings = schedule(first_step + step, losses)
        apply_schedule_step(optimizer, step_settings, base_rates)
        if state.hard_examples is not None:
            batch = state.hard_examples.choose(batch, step_settings, objective, precision, clip_norm)
        outputs = run_model(model, batch.images, precision, batches.depth)
        step_loss = objective.training_loss(outputs, batch)
        step_loss.backward()
        correct, num_images = objective.correct(outputs, batch), len(batch.images)
        if group is not None:
            num_images = sizes[step]
            step_loss, correct = reduce_step(group, model, step_loss, correct, len(batch.images) / num_images)
        if clip_norm is not None:
            nn.utils.clip_grad_norm_(model.parameters(), clip_norm)
        if device.type == "cpu":  # elsewhere, asking after each step would make the device wait
            refuse_infinite(step_loss.item(), epoch, step + 1, optimizer, "training loss")
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        if state.lookahead is not None:
            state.lookahead.update(model, first_step + step + 1)
        if state.average is not None:
            state.average.update(model)
        running_mean.add(step_loss, correct, num_images)
        for observer in observers:
            observer.on_step(step + 1)
    if device.type != "cpu":
        refuse_first_infinite(running_mean.losses, epoch, optimizer)
    return running_mean.result()


def enter_training_mode(model: nn.Module) -> None:
    """Put a network into training mode, but for the layers whose parameters are all frozen."""
    model.train()
    for module in model.modules():
        own = list(module.parameters(recurse=False))
        if own and not any(parameter.requires_grad for parameter in own):
            module.eval()


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
