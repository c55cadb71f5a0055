"""One run on one screen: data, split, model, fit, judge, open the test set once, write it all down."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from loupe.data import Dataset
from loupe.errors import TrainingError
from loupe.experiments.bench import Bench, load_recipe_data, set_up
from loupe.experiments.judge import judge
from loupe.experiments.look_back import follow_examples
from loupe.experiments.record import open_record
from loupe.experiments.test_picking import TestPicker
from loupe.recipe import Recipe
from loupe.reports.run_report import write_run_report
from loupe.runs import Recorder, RunFolder, RunResult, TensorBoard
from loupe.runs.result import Status
from loupe.runtime import Streams, choose_device, computing
from loupe.training import Observer, Snapshot, WindowedEarlyStopping, fit

_SHOWN_IMAGES = 32  # for TensorBoard


@dataclass(frozen=True)
class OpenRun:
    """A run whose parts are built and whose record is open, ready for `fit`.

    Args:
        recipe: of the run.
        folder: its run folder.
        streams: its random numbers.
        bench: data, network, optimizer.
        start: where an earlier sitting stopped, if there was one.
        recorder: writes what is reached.
        picker: looks at the test set after every epoch, if the recipe asks for it.
        observers: all that watch, the recorder among them.
        warnings: what the reader of the figures should know.
    """

    recipe: Recipe
    folder: RunFolder
    streams: Streams
    bench: Bench
    start: Snapshot | None
    recorder: Recorder
    picker: TestPicker | None
    observers: tuple[Observer, ...]
    warnings: tuple[str, ...]

    def arguments(self) -> dict[str, Any]:
        """Return what `fit` takes, but for `precision` and `start`."""
        recipe, bench, stopping = self.recipe, self.bench, self.recipe.train.early_stopping
        return {
            "model": bench.model,
            "train": bench.train,
            "validation": bench.validation,
            "num_epochs": recipe.train.epochs,
            "optimizer": bench.optimizer,
            "schedule": bench.schedule,
            "objective": bench.objective,
            "streams": self.streams,
            "clip_norm": recipe.train.clip_norm,
            "average_decay": recipe.train.average_decay,
            "early_stopping": WindowedEarlyStopping(stopping.window, stopping.min_improvement)
            if stopping
            else None,
            "select_by": recipe.evaluate.select_by,
            "clean_train": bench.clean_train,
            "observers": self.observers,
        }


def run_recipe(
    recipe: Recipe,
    folder: RunFolder,
    *,
    observers: Sequence[Observer] = (),
    dataset: Dataset | None = None,
) -> RunResult:
    """Carry out a recipe with its one seed in a run folder, from the folder's checkpoint if it has one.

    Args:
        recipe: checked and resolved, from `load_recipe`.
        folder: a new run folder, or one that a broken-off run left.
        observers: told of steps and epochs.
        dataset: the recipe's dataset, if it is loaded already.

    Raises:
        LoupeError: the recipe does not fit the data, or training broke down; what was reached is kept.
    """
    with folder.locked(), computing(recipe.run.threads):
        run = open_run(recipe, folder, observers=observers, dataset=dataset)
        ended_by: BaseException | None = None
        try:
            fit(**run.arguments(), precision=run.bench.precision, start=run.start)
        except (KeyboardInterrupt, TrainingError, RuntimeError) as error:
            ended_by = error
        result, failure = conclude_run(run, ended_by)
    if failure is not None:
        raise failure
    return result


def open_run(
    recipe: Recipe,
    folder: RunFolder,
    *,
    observers: Sequence[Observer] = (),
    dataset: Dataset | None = None,
) -> OpenRun:
    """Return a run with everything built and its record open; the folder is locked by the caller.

    Raises:
        LoupeError: the recipe does not fit the data, or the folder holds another run.
    """
    streams, device = Streams(recipe.run.seed), choose_device(recipe.run.device)
    bench = set_up(recipe, device, streams, dataset or load_recipe_data(recipe))
    warnings = (*bench.warnings, *open_record(recipe, folder, bench))
    start = folder.read_snapshot()
    tracker = follow_examples(recipe, folder, bench) if recipe.evaluate.track_examples else None
    recorder = Recorder(folder, bench.describe_network(recipe), start, tracker)
    picker = TestPicker(folder, bench) if recipe.evaluate.show_test_picking else None
    before: list[Observer] = [one for one in (picker, tracker) if one is not None]
    watchers = [open_tensorboard(folder, bench)] if recipe.run.tensorboard else []
    all_observers = (*before, recorder, *watchers, *observers)
    return OpenRun(recipe, folder, streams, bench, start, recorder, picker, all_observers, warnings)


def conclude_run(run: OpenRun, ended_by: BaseException | None) -> tuple[RunResult, TrainingError | None]:
    """Judge what a run reached and write it all down; return the result, and the failure if it failed.

    Args:
        run: trained as far as it went.
        ended_by: what broke the training off, None if it came to its end.

    Raises:
        BaseException: `ended_by`, if it is no known way for a training to end.
    """
    status, failure = explain_end(run.recipe, ended_by)
    run.recorder.flush()
    result = judge(
        run.recipe,
        run.folder,
        run.bench,
        run.recorder.latest,
        status=status,
        reason=failure.message if failure else None,
        picker=run.picker,
        warnings=run.warnings,
    )
    write_run_report(run.folder, result, run.bench.splits.validation, run.bench.layers)
    run.folder.write_result(result)  # last of all: a run that has a result has everything
    run.folder.log(status if failure is None else f"{status}: {failure.message}")
    return result, failure


def explain_end(recipe: Recipe, ended_by: BaseException | None) -> tuple[Status, TrainingError | None]:
    """Return how a training ended, and what went wrong if it failed.

    Raises:
        BaseException: `ended_by`, if it is no known way for a training to end.
    """
    if ended_by is None:
        return "finished", None
    if isinstance(ended_by, KeyboardInterrupt):
        return "interrupted", None
    if isinstance(ended_by, TrainingError):
        return "failed", ended_by
    if isinstance(ended_by, torch.OutOfMemoryError):
        return "failed", explain_memory(ended_by)
    if isinstance(ended_by, RuntimeError) and recipe.train.compile and is_from_compiler(ended_by):
        return "failed", explain_compiler(ended_by)
    raise ended_by


def open_tensorboard(folder: RunFolder, bench: Bench) -> TensorBoard:
    """Return the observer that writes for TensorBoard, with some images as training sees them."""
    inputs = next(iter(bench.train.epoch(1))).images[:_SHOWN_IMAGES]
    return TensorBoard(folder, inputs, bench.normalization.invert(inputs))


def is_from_compiler(error: Exception) -> bool:
    """Return whether torch.compile raised an error, not the network it compiles."""
    return type(error).__module__.startswith(("torch._dynamo", "torch._inductor"))


def explain_compiler(error: Exception) -> TrainingError:
    """Return what to do where torch.compile does not work."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return TrainingError(
        "torch.compile could not compile this network here.",
        got=f"{type(error).__name__}: {lines[0][:160]}" if lines else type(error).__name__,
        allowed="a machine with a C++ compiler, and a network torch.compile understands",
        next_step="set train.compile=false",
    )


def explain_memory(error: torch.OutOfMemoryError) -> TrainingError:
    """Return what to do about a device whose memory does not suffice."""
    return TrainingError(
        "The device has not enough memory for this training.",
        got=str(error).partition("\n")[0][:160],
        allowed="batches that fit beside the network",
        next_step="make train.batch_size or evaluate.batch_size smaller",
    )
