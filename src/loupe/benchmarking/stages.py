"""The stages of a training step as tasks to be timed; each figure is seconds for one image."""

from collections.abc import Iterator
from dataclasses import replace

import torch

from loupe.benchmarking.clock import Task, read_clock
from loupe.data import ImageDataset
from loupe.data.batches import Batch, EvaluationBatches, TrainingBatches
from loupe.recipe import Recipe
from loupe.running.fitting import fit_setup, lay_out_training
from loupe.running.training_setup import TrainingSetup
from loupe.runtime import Streams
from loupe.training.measure import measure
from loupe.training.schedules import ScheduleStep
from loupe.training.step import TrainingStep, enter_training_mode

_MARKS = ("prepare", "rank", "forward", "backward", "update")


def hold_weights_still(setup: TrainingSetup) -> None:
    """Set every learning rate to 0: steps cost the same, and no loss can run away while they are timed."""
    for group in setup.optimizer.param_groups:
        group["lr"] = 0.0


def make_loading_task(setup: TrainingSetup) -> Task:
    """Return a task that takes batches without augmentation: the order, the pixels, normalisation."""
    plain = replace(setup.train, augmentations=(), mix=None)
    batches = stream_batches(plain)

    def load(repeats: int) -> dict[str, float]:
        started, num_images = read_clock(setup.device), 0
        for _ in range(repeats):
            num_images += len(next(batches).images)
        return {"load": (read_clock(setup.device) - started) / num_images}

    return load


def make_stepping_task(setup: TrainingSetup) -> Task:
    """Return a task that takes steps as training does and reads the clock between their parts."""
    device, batches, num_steps = setup.device, stream_batches(setup.train), len(setup.train)
    step = TrainingStep(setup.plan, lay_out_training(setup, setup.train.streams).begin())
    num_taken = 0

    def take_steps(repeats: int) -> dict[str, float]:
        nonlocal num_taken
        enter_training_mode(setup.model)
        seconds, num_images = dict.fromkeys(_MARKS, 0.0), 0
        for _ in range(repeats):
            times = [read_clock(device)]
            whole = next(batches)
            times.append(read_clock(device))
            batch = step.choose(whole, ScheduleStep(0.0))  # the proxy's weights stand still, too
            times.append(read_clock(device))
            for part, share in step.split(batch):
                marks = [read_clock(device)]
                _, loss = step.forward(part)
                marks.append(read_clock(device))
                (share * loss).backward()
                marks.append(read_clock(device))
                seconds["forward"] += marks[1] - marks[0]
                seconds["backward"] += marks[2] - marks[1]
            times.append(read_clock(device))
            step.update(num_taken % num_steps + 1)
            times.append(read_clock(device))
            num_taken, num_images = num_taken + 1, num_images + len(whole.images)
            seconds["prepare"] += times[1] - times[0]
            seconds["rank"] += times[2] - times[1]
            seconds["update"] += times[4] - times[3]
        return {name: total / num_images for name, total in seconds.items()}

    return take_steps


def make_whole_step_task(recipe: Recipe, setup: TrainingSetup, streams: Streams) -> Task:
    """Return a task that trains with `fit` itself, so many steps; validation is left out of its figure."""
    one_epoch = replace(setup.plan, num_epochs=1)
    few = replace(setup.validation, dataset=_take_first(setup.validation.dataset, 2))

    def train(repeats: int) -> dict[str, float]:
        images = _take_first(setup.train.dataset, repeats * setup.train.batch_size)
        batches = replace(setup.train, dataset=images)
        trimmed = replace(setup, train=batches, validation=few, clean_train=None, plan=one_epoch)
        state = fit_setup(recipe, trimmed, streams)
        hold_weights_still(setup)  # the schedule has set them, to 0 times its factor
        return {"step": 1 / state.history[-1].images_per_second}

    return train


def make_evaluation_task(setup: TrainingSetup, batch_size: int) -> Task:
    """Return a task that measures validation images as after an epoch, so many batches."""

    def evaluate(repeats: int) -> dict[str, float]:
        images = _take_first(setup.validation.dataset, repeats * batch_size)
        batches = EvaluationBatches(images, setup.normalization, batch_size)
        rounds = max(1, repeats // len(batches))  # few validation images are measured several times over
        started = read_clock(setup.device)
        for _ in range(rounds):
            measure(setup.model, batches, setup.objective, setup.precision)
        return {"evaluate": (read_clock(setup.device) - started) / (rounds * len(images))}

    return evaluate


def stream_batches(batches: TrainingBatches) -> Iterator[Batch]:
    """Yield training batches without end, epoch after epoch."""
    epoch = 0
    while True:
        epoch += 1
        yield from batches.epoch(epoch)


def _take_first(images: ImageDataset, count: int) -> ImageDataset:
    if count >= len(images):
        return images
    return images.select(torch.arange(count, device=images.images.device))
