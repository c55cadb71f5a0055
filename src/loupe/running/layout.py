"""The layout of weights and maps in memory, chosen by trying both."""

import time
from collections.abc import Callable

import torch
from torch import nn

from loupe.data import Dataset
from loupe.errors import LoupeError
from loupe.recipe import Recipe
from loupe.running.network import find_seed_run
from loupe.running.plan import choose_objective, count_classes
from loupe.running.training_setup import (
    choose_normalization,
    fit_network,
    make_training_batches,
    split_recipe_data,
)
from loupe.runs import RunFolder
from loupe.runtime import Streams, choose_precision
from loupe.training.measure import run_model
from loupe.training.step import enter_training_mode

_MOST_IMAGES = 128  # the layouts' order is that of whole batches, and sooner known
_SECONDS = 0.5  # for each layout, once it is warm
_FEWEST_STEPS = 2


def settle_layout(recipe: Recipe, dataset: Dataset, device: torch.device, folder: RunFolder) -> Recipe:
    """Return a recipe that says which layout it takes, `train.channels_last` true or false.

    A run keeps the layout it began with, so that it is resumed to the bit.

    Args:
        recipe: of the run; if it states a layout, it comes back as it is.
        dataset: the recipe's.
        device: to compute on.
        folder: of the run, begun or not.
    """
    if recipe.train.channels_last != "auto":
        return recipe
    is_begun = folder.environment_file.exists()
    if is_begun or recipe.run.continues is not None:
        earlier = folder if is_begun else find_seed_run(recipe, str(recipe.run.continues))
        begun = earlier.read_recipe().train.channels_last
        return _state_layout(recipe, begun is True)
    return try_layouts(recipe, dataset, device)


def try_layouts(recipe: Recipe, dataset: Dataset, device: torch.device) -> Recipe:
    """Return a recipe with the quicker layout stated, if it leaves the layout open.

    A few training steps are timed in both layouts on some training images; nothing is kept of them. Where
    torch.compile chooses layouts itself, and for networks that cannot be run here, the usual one is taken.
    """
    if recipe.train.channels_last != "auto":
        return recipe
    if recipe.train.compile:
        return _state_layout(recipe, False)
    splits = split_recipe_data(recipe, dataset)
    normalization = choose_normalization(recipe, splits)
    network, _ = fit_network(recipe, splits.train, normalization)
    model = network.model.to(device)
    try:
        batches = make_training_batches(recipe, splits.train, normalization, device, Streams(recipe.run.seed))
        batch = next(iter(batches.epoch(1)))
    except LoupeError:  # told when the bench is set up
        return _state_layout(recipe, False)
    objective, precision = (
        choose_objective(recipe, count_classes(splits.train), splits.train.class_names),
        choose_precision(recipe.train.precision, device),
    )
    batch = type(batch)(*(part[:_MOST_IMAGES] for part in batch))

    def step() -> None:
        objective.training_loss(run_model(model, batch.images, precision), batch).backward()

    enter_training_mode(model)
    with Streams(recipe.run.seed).as_global("network", 1, device):
        usual = _time(step, device)
        _lay_channels_last(model)
        last = _time(step, device)
    return _state_layout(recipe, last < usual)


def _lay_channels_last(model: nn.Module) -> None:
    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # not in the stub


def _time(step: Callable[[], None], device: torch.device) -> float:
    """Return the seconds of the quickest of some steps."""
    step()
    times: list[float] = []
    while len(times) < _FEWEST_STEPS or sum(times) < _SECONDS:
        started = time.perf_counter()
        step()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        times.append(time.perf_counter() - started)
    return min(times)


def _state_layout(recipe: Recipe, channels_last: bool) -> Recipe:
    train = recipe.train.model_copy(update={"channels_last": channels_last})
    return recipe.model_copy(update={"train": train})
