"""How long runs will take: a few steps of each kind are timed."""

import json
import time
from collections.abc import Container, Sequence
from dataclasses import dataclass, field

from loupe.data import Dataset
from loupe.data.batches import TrainingBatches
from loupe.engines.starting import time_start
from loupe.errors import LoupeError
from loupe.recipe import Recipe
from loupe.running.fitting import lay_out_training
from loupe.running.training_setup import TrainingSetup, load_recipe_data, set_up
from loupe.runtime import Streams, choose_device, computing
from loupe.training.measure import measure
from loupe.training.step import TrainingStep, enter_training_mode

CHECK_SECONDS = 10.0
"""How long the runs of a study that begins are set up to see whether they will do."""

_PATIENCE_SECONDS = 0.4  # of timing for each kind of run
_OVERHEAD_SECONDS = 1.0  # of a run besides its epochs: preparing, judging, the report
_WARM_STEPS = 2


@dataclass(frozen=True)
class Estimate:
    """How long a list of runs will take, and which of them will not do.

    Args:
        seconds: of work, all runs one after another.
        is_most: whether early stopping may end runs sooner.
        num_unknown: runs whose time could not be measured, refused ones aside.
        refused: by its index among the recipes, why a run's images or network will not do.
        start_seconds: until the processes that carry the runs out have started; 0 where there are none. It
            comes on top, once, however many they are.
    """

    seconds: float
    is_most: bool
    num_unknown: int
    refused: dict[int, LoupeError] = field(default_factory=dict)
    start_seconds: float = 0.0

    def spread(self, num_workers: int) -> float:
        """Return the seconds until all runs are done, so many at once."""
        return self.seconds / num_workers + self.start_seconds


def estimate_time(
    recipes: Sequence[Recipe],
    later: Container[int] = (),
    check_seconds: float = CHECK_SECONDS,
    *,
    starts_processes: bool = False,
) -> Estimate:
    """Return how long runs of these recipes would take, one after another, on this machine as it is now.

    Runs of the same network on the same kind of batches are timed once: a few steps and a part of the
    validation images. Starting weights are left out; they change no time. Each recipe is set up as its run
    will be, seeds aside, to find what its images or network refuse.

    Args:
        recipes: of the runs.
        later: indices of those that start from weights which are not there yet: they are not set up.
        check_seconds: after so long no further recipe is set up, ≥ 0; what it refuses its run will say.
        starts_processes: whether processes of their own carry the runs out: the start of one is timed. So it
            is where a run trains in several of its own, each time.
    """
    datasets: dict[str, Dataset] = {}
    refused = _find_refusals(recipes, later, datasets, check_seconds)
    kinds: dict[str, tuple[float, float] | None] = {}
    has_own = any(recipe.run.processes > 1 for recipe in recipes)
    start = time_start() if recipes and (starts_processes or has_own) else 0.0
    seconds, num_unknown = 0.0, 0
    for index, recipe in enumerate(recipes):
        if index in refused:
            continue
        kind = _name_kind(recipe)
        if kind not in kinds:
            kinds[kind] = _time_kind(recipe, datasets)
        timed = kinds[kind]
        if timed is None:
            num_unknown += 1
        else:
            per_epoch, per_share = timed
            epochs = recipe.train.epochs
            seconds += epochs * (per_epoch + per_share * recipe.data.fraction) + _OVERHEAD_SECONDS
            seconds += start if recipe.run.processes > 1 else 0.0
    is_most = any(recipe.train.early_stopping is not None for recipe in recipes)
    return Estimate(seconds, is_most, num_unknown, refused, start if starts_processes else 0.0)


def _find_refusals(
    recipes: Sequence[Recipe], later: Container[int], datasets: dict[str, Dataset], check_seconds: float
) -> dict[int, LoupeError]:
    """Return by index what will not do; recipes that differ in their seeds alone are set up once."""
    found: dict[str, LoupeError | None] = {}
    refused: dict[int, LoupeError] = {}
    ends = time.monotonic() + check_seconds
    for index, recipe in enumerate(recipes):
        name = _name_without_seeds(recipe)
        if index in later or (name not in found and time.monotonic() > ends):
            continue
        if name not in found:
            found[name] = None
            try:
                with computing(recipe.run.threads):
                    _set_up(recipe, datasets)
            except LoupeError as error:
                found[name] = error
        if (why := found[name]) is not None:
            refused[index] = why
    return refused


def _name_without_seeds(recipe: Recipe) -> str:
    values = recipe.to_dict()
    for part, name in ((values, "name"), (values["data"], "split_seed"), (values["run"], "seed")):
        part.pop(name, None)
    return json.dumps(values, sort_keys=True, default=str)


def _name_kind(recipe: Recipe) -> str:
    """Return what the time of a step depends on."""
    values = recipe.to_dict()
    data = {name: value for name, value in values["data"].items() if name not in ("fraction", "split_seed")}
    optimizer = {"name": recipe.train.optimizer.name}
    train = {**values["train"], "optimizer": optimizer, "epochs": 0, "schedule": ""}
    return json.dumps([data, values["model"], train, values["evaluate"]["batch_size"]], sort_keys=True)


def _time_kind(recipe: Recipe, datasets: dict[str, Dataset]) -> tuple[float, float] | None:
    """Return the seconds of an epoch: what does not depend on the fraction, and what a whole set adds."""
    recipe = recipe.model_copy(
        update={"transfer": None, "data": recipe.data.model_copy(update={"fraction": 1.0})}
    )
    try:
        with computing(recipe.run.threads):
            setup = _set_up(recipe, datasets)
            return _time_evaluation(setup), len(setup.train) * _time_step(setup, setup.train)
    except LoupeError:  # of all images, or of random weights: not what the run will be
        return None


def _set_up(recipe: Recipe, datasets: dict[str, Dataset]) -> TrainingSetup:
    """Return what a run begins with; datasets are loaded once."""
    data = recipe.data
    which = json.dumps([data.name, data.classes, data.sides_of, data.settings], sort_keys=True)
    if which not in datasets:
        datasets[which] = load_recipe_data(recipe)
    streams, device = Streams(recipe.run.seed), choose_device(recipe.run.device)
    return set_up(recipe, device, streams, datasets[which])


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
