"""How long runs will take: a few steps of each kind are timed."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from loupe.data import Dataset
from loupe.data.batches import TrainingBatches
from loupe.errors import LoupeError
from loupe.recipe import Recipe
from loupe.running.fitting import lay_out_training
from loupe.running.training_setup import TrainingSetup, load_recipe_data, set_up
from loupe.runtime import Streams, choose_device, computing
from loupe.training.measure import measure
from loupe.training.step import TrainingStep, enter_training_mode

_PATIENCE_SECONDS = 0.4  # of timing for each kind of run
_OVERHEAD_SECONDS = 1.0  # of a run besides its epochs: preparing, judging, the report
_WARM_STEPS = 2


@dataclass(frozen=True)
class Estimate:
    """How long a list of runs will take.

    Args:
        seconds: of work, all runs one after another.
        is_most: whether early stopping may end runs sooner.
        num_unknown: runs whose time could not be measured.
        refused: by its index among the recipes, why a run's images or network will not do. Runs that start
            from others' weights are not among them: those are not there yet.
    """

    seconds: float
    is_most: bool
    num_unknown: int
    refused: dict[int, LoupeError] = field(default_factory=dict)


def estimate_time(recipes: Sequence[Recipe]) -> Estimate:
    """Return how long runs of these recipes would take, one after another, on this machine as it is now.

    Runs of the same network on the same kind of batches are timed once: a few steps and a part of the
    validation images. Starting weights are left out; they change no time.
    """
    datasets: dict[str, Dataset] = {}
    kinds: dict[str, tuple[float, float] | LoupeError] = {}
    seconds, num_unknown = 0.0, 0
    refused: dict[int, LoupeError] = {}
    for index, recipe in enumerate(recipes):
        kind = _name_kind(recipe)
        if kind not in kinds:
            kinds[kind] = _time_kind(recipe, datasets)
        timed = kinds[kind]
        if isinstance(timed, LoupeError):
            num_unknown += 1
            if recipe.transfer is None:
                refused[index] = timed
        else:
            per_epoch, per_share = timed
            epochs = recipe.train.epochs
            seconds += epochs * (per_epoch + per_share * recipe.data.fraction) + _OVERHEAD_SECONDS
    is_most = any(recipe.train.early_stopping is not None for recipe in recipes)
    return Estimate(seconds, is_most, num_unknown, refused)


def _name_kind(recipe: Recipe) -> str:
    """Return what the time of a step depends on."""
    values = recipe.to_dict()
    data = {name: value for name, value in values["data"].items() if name not in ("fraction", "split_seed")}
    optimizer = {"name": recipe.train.optimizer.name}
    train = {**values["train"], "optimizer": optimizer, "epochs": 0, "schedule": ""}
    return json.dumps([data, values["model"], train, values["evaluate"]["batch_size"]], sort_keys=True)


def _time_kind(recipe: Recipe, datasets: dict[str, Dataset]) -> tuple[float, float] | LoupeError:
    """Return the seconds of an epoch, what does not depend on the fraction and what a whole set adds.

    Where the run is refused by its images or network: why.
    """
    recipe = recipe.model_copy(
        update={"transfer": None, "data": recipe.data.model_copy(update={"fraction": 1.0})}
    )
    data = recipe.data
    which = json.dumps([data.name, data.classes, data.sides_of, data.settings], sort_keys=True)
    try:
        with computing(recipe.run.threads):
            if which not in datasets:
                datasets[which] = load_recipe_data(recipe)
            streams, device = Streams(recipe.run.seed), choose_device(recipe.run.device)
            setup = set_up(recipe, device, streams, datasets[which])
            return _time_evaluation(setup), len(setup.train) * _time_step(setup, setup.train)
    except LoupeError as error:
        return error


def _time_step(setup: TrainingSetup, batches: TrainingBatches) -> float:
    """Return the seconds of a training step."""
    enter_training_mode(setup.model)
    step = TrainingStep(setup.plan, lay_out_training(setup, batches.streams).begin())
    started, steps = time.perf_counter(), 0
    for index, batch in enumerate(batches.epoch(1)):
        if index == _WARM_STEPS:
            started = time.perf_counter()
        loss, _ = step.compute_gradients(step.choose(batch, step.begin(index, ())))
        step.update(index + 1)
        loss.detach().item()  # waits for the device
        steps = index + 1
        if index > _WARM_STEPS and time.perf_counter() - started > _PATIENCE_SECONDS:
            break
    return (time.perf_counter() - started) / max(1, steps - _WARM_STEPS if steps > _WARM_STEPS else steps)


def _time_evaluation(setup: TrainingSetup) -> float:
    """Return the seconds that measuring validation and clean training images takes after an epoch."""
    images = setup.validation
    started = time.perf_counter()
    measured = measure(setup.model, images, setup.objective, setup.precision)
    per_image = (time.perf_counter() - started) / max(1, measured.num_images)
    clean = len(setup.clean_train.dataset) if setup.clean_train is not None else 0
    return per_image * (measured.num_images + clean)
