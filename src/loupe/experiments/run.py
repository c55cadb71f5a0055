"""One run on one screen: data, split, model, fit, judge, open the test set once, write it all down."""

from collections.abc import Sequence

import torch

from loupe.data import Dataset
from loupe.errors import TrainingError
from loupe.experiments.bench import Bench, load_recipe_data, set_up
from loupe.experiments.fitting import fit_bench
from loupe.experiments.judge import judge
from loupe.experiments.look_back import follow_examples
from loupe.experiments.record import open_record
from loupe.experiments.team import choose_threads, gather_team
from loupe.experiments.test_picking import TestPicker
from loupe.recipe import Recipe
from loupe.reports.run_report import write_run_report
from loupe.runs import ProgressWriter, Recorder, RunFolder, RunResult, TensorBoard
from loupe.runs.result import Status
from loupe.runtime import Streams, choose_device, computing
from loupe.training import Observer

_SHOWN_IMAGES = 32  # for TensorBoard


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
    streams, device = Streams(recipe.run.seed), choose_device(recipe.run.device)
    with folder.locked(), computing(choose_threads(recipe)):
        bench = set_up(recipe, device, streams, dataset or load_recipe_data(recipe))
        warnings = (*bench.warnings, *open_record(recipe, folder, bench))
        start = folder.read_snapshot()
        tracker = follow_examples(recipe, folder, bench) if recipe.evaluate.track_examples else None
        recorder = Recorder(folder, bench.describe_network(recipe), start, tracker)
        picker = TestPicker(folder, bench) if recipe.evaluate.show_test_picking else None
        before: list[Observer] = [one for one in (picker, tracker) if one is not None]
        watchers = [open_tensorboard(folder, bench)] if recipe.run.tensorboard else []
        status: Status = "finished"
        failure: TrainingError | None = None
        try:
            observing = [*before, recorder, ProgressWriter(folder), *watchers, *observers]
            with gather_team(recipe, folder, device) as team:
                fit_bench(recipe, bench, streams, observers=observing, start=start, team=team)
        except KeyboardInterrupt:
            status = "interrupted"
        except TrainingError as error:
            status, failure = "failed", error
        except torch.OutOfMemoryError as error:
            status, failure = "failed", explain_memory(error)
        except RuntimeError as error:
            if not (recipe.train.compile and is_from_compiler(error)):
                raise
            status, failure = "failed", explain_compiler(error)
        recorder.flush()
        folder.clear_progress()
        result = judge(
            recipe,
            folder,
            bench,
            recorder.latest,
            status=status,
            reason=failure.message if failure else None,
            picker=picker,
            warnings=warnings,
        )
        write_run_report(folder, result, bench.splits.validation, bench.layers)
        folder.write_result(result)  # last of all: a run that has a result has everything
        folder.log(status if failure is None else f"{status}: {failure.message}")
    if failure is not None:
        raise failure
    return result


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
