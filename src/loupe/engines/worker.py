"""Carrying out one job, wherever that is: in this process, in another one, on another machine."""

import json
import shutil
from collections import OrderedDict
from collections.abc import Callable

from loupe.data import Dataset
from loupe.engines.engine import Ended, Job
from loupe.errors import HeldError, LoupeError, RunError
from loupe.plugins import load_plugin
from loupe.recipe import Recipe
from loupe.running.recipe_digest import is_recorded_in
from loupe.running.run import run_recipe
from loupe.running.training_setup import load_recipe_data
from loupe.runs import RunFolder
from loupe.runs.locking import LOCK_NAME
from loupe.training import EpochRecord, Observer, StopTraining, TrainingState

OnEpoch = Callable[[EpochRecord], bool]


class Worker:
    """Carries out jobs one after another, and keeps the datasets of the last few in memory.

    Args:
        num_datasets: how many to keep.
    """

    def __init__(self, num_datasets: int = 3) -> None:
        self._num_datasets = num_datasets
        self._datasets: OrderedDict[str, Dataset] = OrderedDict()

    def carry_out(self, job: Job, on_epoch: OnEpoch) -> Ended:
        """Carry out a job and return how it ended; a finished run is left as it is.

        Args:
            on_epoch: told of every epoch; says whether to go on.
        """
        folder = RunFolder(job.folder)
        try:
            for plugin in job.recipe.run.plugins:
                load_plugin(plugin)
            clear_other_recipe(folder, job.recipe)
            if folder.is_finished():
                return Ended("finished")
            folder.path.mkdir(parents=True, exist_ok=True)
            reporter = Reporter(on_epoch)
            result = run_recipe(job.recipe, folder, observers=[reporter], dataset=self.load(job.recipe))
        except Exception as error:
            return describe_fault(error)
        if result.status == "finished":
            return Ended("finished")
        return Ended("stopped" if reporter.has_stopped else "interrupted")

    def load(self, recipe: Recipe) -> Dataset:
        """Return a dataset with its test set locked anew: looks are counted for each run."""
        data = recipe.data
        which = json.dumps([data.name, data.classes, data.sides_of, data.settings], sort_keys=True)
        if which not in self._datasets:
            self._datasets[which] = load_recipe_data(recipe)
            _ = self._datasets[which].train.table  # once for all runs
            while len(self._datasets) > self._num_datasets:
                self._datasets.popitem(last=False)
        self._datasets.move_to_end(which)
        return self._datasets[which]


class Reporter(Observer):
    """Tells of every epoch, and ends the training where that is wished."""

    def __init__(self, on_epoch: OnEpoch) -> None:
        self._on_epoch = on_epoch
        self.has_stopped = False

    def on_epoch_end(self, state: TrainingState) -> None:
        if not self._on_epoch(state.history[-1]):
            self.has_stopped = True
            raise StopTraining  # the run keeps what it reached and can be resumed


def clear_other_recipe(folder: RunFolder, recipe: Recipe) -> None:
    """Remove an unfinished run of another recipe: its folder is named for what this one computes.

    It differs in something that its key leaves out and a resume does not; it cannot be resumed.

    Raises:
        HeldError: another process trains there.
    """
    if not folder.environment_file.exists() or folder.is_finished():
        return
    with folder.locked():  # and still in nobody's hands
        if _holds_other_recipe(folder, recipe):
            for entry in folder.path.iterdir():
                if entry.is_dir():
                    shutil.rmtree(entry)
                elif entry.name != LOCK_NAME:  # held, and waited for
                    entry.unlink()


def _holds_other_recipe(folder: RunFolder, recipe: Recipe) -> bool:
    if not folder.environment_file.exists() or folder.is_finished():
        return False
    try:
        return not is_recorded_in(folder, recipe)
    except RunError:
        return True


def describe_fault(error: Exception) -> Ended:
    """Return how a job ended that an error ended; a fault of ours, or of a plugin, costs no other run."""
    if isinstance(error, HeldError):
        return Ended("held", error.message)
    if isinstance(error, LoupeError):
        return Ended("failed", describe_failure(error))
    return Ended("failed", f"{type(error).__name__}: {error}")


def describe_failure(error: LoupeError) -> str:
    """Return a failure on one line: what is wrong, what was got and is allowed, and what to do."""
    details = [("got", error.got), ("allowed:", error.allowed), ("did you mean", error.nearest)]
    words = "; ".join(f"{label} {text}" for label, text in details if text is not None)
    told = f"{error.message} ({words})" if words else error.message
    return told if error.next_step is None else f"{told} Next: {error.next_step}"
