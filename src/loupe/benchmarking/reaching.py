"""The time a recipe takes to reach an accuracy on validation, over several runs."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

import torch

from loupe.benchmarking.clock import read_clock
from loupe.benchmarking.conditions import describe_conditions, refuse_several_processes
from loupe.data.batches import EvaluationBatches
from loupe.errors import LoupeError, TrainingError
from loupe.evaluations import predict_views
from loupe.metrics import Metric, Predictions, compute_metrics, headline_of, predict
from loupe.recipe import Recipe
from loupe.running.breakdowns import explain_compiler, explain_memory, is_from_compiler
from loupe.running.evaluate import is_classifier
from loupe.running.fitting import fit_setup
from loupe.running.layout import try_layouts
from loupe.running.training_setup import TrainingSetup, load_recipe_data, set_up
from loupe.runs.looks import name_recipe
from loupe.runtime import Precision, Streams, choose_device, computing
from loupe.statistics import summarise_seeds
from loupe.statistics.intervals import SeedSummary
from loupe.training import EpochRecord, Observer, TrainingState

_REASON = "test accuracy of the weights that reached the accuracy of a benchmark"


@dataclass(frozen=True)
class Reached:
    """One run towards an accuracy.

    Args:
        seed: of the run.
        is_reached: whether validation reached the accuracy.
        reason: why the training broke down; None if it did not.
        epochs: epochs trained.
        validation_accuracy: after the last of them; None if not one was completed.
        training_seconds: training steps alone.
        seconds: with everything: data, set-up, evaluation.
        training_compile_seconds: of the training steps, what the first epoch took longer than the later ones
            (median); None without compiling, or of a single epoch.
        compile_seconds: the same of everything.
        test_accuracy: of these weights, looked at when the clock had stopped; None if not reached.
        test_accuracy_tta: the same with the recipe's test-time augmentation; None without one.
    """

    seed: int
    is_reached: bool
    reason: str | None
    epochs: int
    validation_accuracy: float | None
    training_seconds: float
    seconds: float
    training_compile_seconds: float | None
    compile_seconds: float | None
    test_accuracy: float | None
    test_accuracy_tta: float | None


@dataclass(frozen=True)
class ReachingReport:
    """Several runs towards an accuracy.

    Args:
        recipe: its name.
        accuracy: on validation, in (0, 1).
        confidence: level of the intervals.
        runs: all runs; those that did not reach it are in no mean.
        summaries: mean, standard deviation and interval over the runs that reached it, by metric.
        environment: versions, machine, digests.
    """

    recipe: str
    accuracy: float
    confidence: float
    runs: tuple[Reached, ...]
    summaries: dict[str, SeedSummary]
    environment: dict[str, Any]

    @property
    def num_reached(self) -> int:
        """Runs that reached the accuracy."""
        return sum(run.is_reached for run in self.runs)

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "num_reached": self.num_reached}


def measure_reaching(
    recipe: Recipe, accuracy: float, num_runs: int = 5, *, on_run: Callable[[Reached], None] | None = None
) -> ReachingReport:
    """Return how long a recipe trains until its accuracy on validation is reached, over several runs.

    Each run has a seed of its own, counted up from the recipe's, and ends with the first epoch that reaches
    the accuracy, or when the recipe's epochs are over. The test set is opened after the clock has stopped,
    once a run, and only where the accuracy was reached.

    Args:
        recipe: checked and resolved, of a classifier.
        accuracy: on validation, in (0, 1).
        num_runs: runs, ≥ 1.
        on_run: told of every run.

    Raises:
        LoupeError: an accuracy or number of runs that cannot be, a network that names no class, or as
            `set_up`.
    """
    _refuse_what_cannot_be(recipe, accuracy, num_runs)
    runs = []
    first = recipe.run.seeds[0] if recipe.run.seeds else recipe.run.seed
    environment: dict[str, Any] = {}
    for seed in range(first, first + num_runs):
        run, environment = _reach(recipe.for_seed(seed), accuracy)
        runs.append(run)
        if on_run is not None:
            on_run(run)
    confidence = recipe.evaluate.confidence
    return ReachingReport(
        recipe.name, accuracy, confidence, tuple(runs), _summarise(runs, confidence), environment
    )


def _refuse_what_cannot_be(recipe: Recipe, accuracy: float, num_runs: int) -> None:
    refuse_several_processes(recipe)
    if not 0 < accuracy < 1:
        raise LoupeError(
            "An accuracy to reach lies between none and all.",
            got=f"--to {accuracy:g}",
            allowed="a number in (0, 1); 0.98 is 98 %",
            next_step=f"--to {accuracy / 100:g}" if 1 < accuracy < 100 else "--to 0.9",
        )
    if num_runs < 1:
        raise LoupeError(
            "It takes a run to reach an accuracy.",
            got=f"--runs {num_runs}",
            allowed="a whole number ≥ 1",
            next_step="--runs 5",
        )
    if not is_classifier(recipe):
        raise LoupeError(
            f"The model {recipe.model.name} names no class, so it reaches no accuracy.",
            got=f"recipe {recipe.name}",
            allowed="a recipe that trains a classifier",
            next_step="leave --to out: the speed of its stages is measured",
        )


class _ReachedIt(Exception):  # noqa: N818  # no error: the end of a training that got there
    pass


class _StopAtAccuracy(Observer):
    """Ends a training with the epoch that reaches an accuracy, and stops the clock."""

    def __init__(self, accuracy: float, device: torch.device, started: float) -> None:
        self._accuracy, self._device, self._started = accuracy, device, started
        self.seconds = 0.0
        self.history: list[EpochRecord] = []
        self.evaluated: torch.nn.Module | None = None

    def on_epoch_end(self, state: TrainingState) -> None:
        self.seconds = read_clock(self._device) - self._started
        self.history, self.evaluated = state.history, state.judged
        reached = state.history[-1].validation_accuracy
        if reached is not None and reached >= self._accuracy:
            raise _ReachedIt


def _reach(recipe: Recipe, accuracy: float) -> tuple[Reached, dict[str, Any]]:
    """Return one run, and where it was made."""
    device, streams = choose_device(recipe.run.device), Streams(recipe.run.seed)
    if recipe.train.compile:
        torch.compiler.reset()  # each run compiles for itself; torch's cache of kernels on disk stays
    with computing(recipe.run.threads):
        observer = _StopAtAccuracy(accuracy, device, read_clock(device))
        dataset = load_recipe_data(recipe)
        recipe = try_layouts(recipe, dataset, device)
        setup = set_up(recipe, device, streams, dataset)
        is_reached, reason = False, None
        try:
            fit_setup(recipe, setup, streams, observers=[observer])
        except _ReachedIt:
            is_reached = True
        except TrainingError as error:  # a run that breaks down has not reached it; the others go on
            reason = error.message
        except torch.OutOfMemoryError as error:
            raise explain_memory(error) from None
        except RuntimeError as error:
            if not (recipe.train.compile and is_from_compiler(error)):
                raise
            raise explain_compiler(error) from None
        tested = _open_test(recipe, setup, observer) if is_reached and recipe.evaluate.test else (None, None)
        run = _describe_run(recipe, setup, observer, (is_reached, reason), tested)
        return run, describe_conditions(recipe, setup)


def _open_test(recipe: Recipe, setup: TrainingSetup, observer: _StopAtAccuracy) -> tuple[float, float | None]:
    """Return the test accuracy of what was evaluated, plain and with the recipe's views of each image."""
    assert observer.evaluated is not None
    test = setup.splits.test
    test.continue_record(test.openings, lambda opening: None, recipe=name_recipe(recipe))
    images = test.open(_REASON).to(setup.device)
    batches = EvaluationBatches(images, setup.normalization, recipe.evaluate.batch_size)
    names = setup.splits.train.class_names
    predictions = predict(observer.evaluated, batches, setup.precision)
    seen = _predict_views(recipe, observer.evaluated, batches, setup.precision)
    plain = compute_metrics(predictions, names).accuracy
    return plain, None if seen is None else compute_metrics(seen, names).accuracy


def _predict_views(
    recipe: Recipe, model: torch.nn.Module, batches: EvaluationBatches, precision: Precision
) -> Predictions | None:
    """Return predictions with the recipe's test-time augmentation; None where it asks for none."""
    views = recipe.evaluate.tta
    return None if views == "none" else predict_views(model, batches, views, precision)


def _describe_run(
    recipe: Recipe,
    setup: TrainingSetup,
    observer: _StopAtAccuracy,
    ended: tuple[bool, str | None],
    tested: tuple[float | None, float | None],
) -> Reached:
    history, num_images = observer.history, len(setup.train.dataset)
    training = [num_images / record.images_per_second for record in history]
    is_compiled = recipe.train.compile
    return Reached(
        seed=recipe.run.seed,
        is_reached=ended[0],
        reason=ended[1],
        epochs=len(history),
        validation_accuracy=history[-1].validation_accuracy if history else None,
        training_seconds=sum(training),
        seconds=observer.seconds,
        training_compile_seconds=_find_excess(training) if is_compiled else None,
        compile_seconds=_find_excess([record.seconds for record in history]) if is_compiled else None,
        test_accuracy=tested[0],
        test_accuracy_tta=tested[1],
    )


def _find_excess(seconds: list[float]) -> float | None:
    """Return what the first epoch took longer than the median of the others; None if there are no others."""
    return max(0.0, seconds[0] - median(seconds[1:])) if len(seconds) > 1 else None


def _summarise(runs: list[Reached], confidence: float) -> dict[str, SeedSummary]:
    """Return mean, standard deviation and interval of each metric over the runs that reached the accuracy."""
    collected: dict[str, list[float | None]] = {name: [] for name in SUMMARISED}
    for run in runs:
        if not run.is_reached:
            continue
        collected["training seconds"].append(run.training_seconds)
        collected["seconds"].append(run.seconds)
        collected["training seconds without compiling"].append(
            _subtract(run.training_seconds, run.training_compile_seconds)
        )
        collected["seconds without compiling"].append(_subtract(run.seconds, run.compile_seconds))
        collected["epochs"].append(run.epochs)
        collected["test accuracy"].append(run.test_accuracy)
        collected["test accuracy with test-time augmentation"].append(run.test_accuracy_tta)
    return {
        name: summarise_seeds(
            [value for value in values if value is not None],
            confidence,
            **SUMMARISED[name].bounds,
        )
        for name, values in collected.items()
        if values and None not in values  # a mean over some of the runs would be another one
    }


def _subtract(seconds: float, compiling: float | None) -> float | None:
    return None if compiling is None else seconds - compiling


_SECONDS = Metric("seconds", "seconds", "s", "lower", 0.0, None, "classification")
SUMMARISED = {
    "training seconds": _SECONDS,
    "training seconds without compiling": _SECONDS,
    "seconds": _SECONDS,
    "seconds without compiling": _SECONDS,
    "epochs": Metric("epochs", "epochs", "", "lower", 0.0, None, "classification"),
    "test accuracy": headline_of("classification"),
    "test accuracy with test-time augmentation": headline_of("classification"),
}
"""What is summed up over the runs, by name, and what it is."""
