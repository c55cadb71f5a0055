"""A run between its beginning and its end: what stands ready for training, and what is written afterwards."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import torch

from loupe.data import Dataset
from loupe.errors import TrainingError
from loupe.recipe import Recipe
from loupe.running.breakdowns import explain_end, explain_own_code
from loupe.running.continuing import find_continued
from loupe.running.evaluate import judge
from loupe.running.layout import settle_layout
from loupe.running.look_back import follow_examples
from loupe.running.observing import RunObserver, Tracking, open_observers, open_trackers
from loupe.running.record import open_record, take_kept_weights
from loupe.running.test_picking import TestPicker
from loupe.running.training_setup import TrainingSetup, load_recipe_data, set_up
from loupe.runs import ProgressWriter, Recorder, RunFolder, RunResult
from loupe.runs.result import Status
from loupe.runtime import Streams, choose_device
from loupe.training import Observer, Snapshot


@dataclass(frozen=True)
class RunUnderWay:
    """A run whose parts are built and whose record is open.

    Args:
        recipe: of the run.
        folder: its run folder.
        device: what it computes on.
        streams: its random numbers.
        setup: data, network, optimizer.
        start: where an earlier session stopped, if there was one.
        recorder: writes what is reached.
        picker: looks at the test set after every epoch, if the recipe asks for it.
        observers: all that watch, the recorder and the trackers among them.
        trackers: what hands the training to each tracker of the recipe.
        warnings: what the reader of the figures should know.
    """

    recipe: Recipe
    folder: RunFolder
    device: torch.device
    streams: Streams
    setup: TrainingSetup
    start: Snapshot | None
    recorder: Recorder
    picker: TestPicker | None
    observers: tuple[Observer, ...]
    trackers: tuple[Tracking, ...]
    warnings: tuple[str, ...]


def begin_run(
    recipe: Recipe,
    folder: RunFolder,
    *,
    observers: Sequence[Observer] = (),
    dataset: Dataset | None = None,
) -> RunUnderWay:
    """Return a run with everything built and its record open; the folder is locked by the caller.

    Raises:
        LoupeError: the recipe does not fit the data, or the folder holds another run.
    """
    streams, device = Streams(recipe.run.seed), choose_device(recipe.run.device)
    recipe = take_kept_weights(recipe, folder)
    dataset = dataset or load_recipe_data(recipe)
    recipe = settle_layout(recipe, dataset, device, folder)
    setup = set_up(recipe, device, streams, dataset)
    continued = None
    if not folder.checkpoint_file.exists():  # else it has gone on from there already
        continued = find_continued(recipe, setup.splits, len(setup.train))
    if continued is not None:
        continued.hand_over(folder)  # before the record: a run that has one has what it goes on from
    record = continued.record if continued is not None else None
    warnings = (*setup.warnings, *open_record(recipe, folder, setup, record))
    folder.write_warnings(warnings)
    start = folder.read_snapshot()
    tracker = follow_examples(recipe, folder, setup) if recipe.evaluate.track_examples else None
    recorder = Recorder(folder, setup.describe_network(recipe), start, tracker)
    picker = TestPicker(folder, setup) if recipe.evaluate.show_test_picking else None
    before: list[Observer] = [one for one in (picker, tracker) if one is not None]
    trackers = tuple(open_trackers(recipe, folder, setup))
    named = open_observers(recipe, folder)
    observing = (*before, recorder, ProgressWriter(folder), *trackers, *named, *observers)
    for observer in observing:
        if isinstance(observer, RunObserver):
            observer.on_warnings(warnings)
    return RunUnderWay(
        recipe, folder, device, streams, setup, start, recorder, picker, observing, trackers, warnings
    )


def conclude_run(run: RunUnderWay, ended_by: BaseException | None) -> tuple[RunResult, TrainingError | None]:
    """Judge what a run reached and write it all down; return the result, and the failure if it failed.

    Args:
        run: trained as far as it went.
        ended_by: what broke the training off, None if it came to its end.

    Raises:
        BaseException: `ended_by`, if it is no known way for a training to end.
    """
    status, failure = explain_end(run.recipe, ended_by)
    run.recorder.flush()
    run.folder.clear_progress()
    try:
        result = _judge(run, run.recorder.latest, status, failure)
    except Exception as error:  # a network of a user's own that trains may still fail in evaluation
        failure = error if isinstance(error, TrainingError) else explain_own_code(run.recipe, error)
        if failure is None:
            raise
        result = _judge(run, None, "failed", failure)
    if failure is not None:
        run.folder.log(" ".join(f"failed: {failure}".split()))
    from loupe.reports.run_report import write_run_report  # loads matplotlib, which checking does without

    _tell(run, "the report")
    write_run_report(run.folder, result, run.setup.splits.validation, run.setup.layers)
    run.folder.write_result(result)  # last of all: a run that has a result has everything
    for tracking in run.trackers:
        tracking.conclude(result)
    return result, failure


def _judge(
    run: RunUnderWay, reached: Snapshot | None, status: Status, failure: TrainingError | None
) -> RunResult:
    result = judge(
        run.recipe,
        run.folder,
        run.setup,
        reached,
        status=status,
        reason=failure.message if failure else None,
        picker=run.picker,
        tell=partial(_tell, run),
    )
    return replace(result, warnings=(*run.warnings, *find_tracker_failures(run), *result.warnings))


def _tell(run: RunUnderWay, step: str) -> None:
    """Tell whoever wants to know what is done next, now that the training is over."""
    for observer in run.observers:
        if isinstance(observer, RunObserver):
            observer.on_judging(step)


def find_tracker_failures(run: RunUnderWay) -> list[str]:
    """Return what is to be said of each tracker that failed while the run was trained."""
    return [tracking.failure for tracking in run.trackers if tracking.failure is not None]
