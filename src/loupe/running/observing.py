"""What watches a run because its recipe says so: observers by name, and trackers."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from loupe.errors import LoupeError, TrainingError
from loupe.metrics import Metrics
from loupe.observers import OBSERVERS, build_observer
from loupe.recipe import Recipe
from loupe.recipe.sections import Choice
from loupe.running.training_setup import TrainingSetup
from loupe.runs import RunFolder, RunResult, name_run
from loupe.trackers import TRACKERS, TrackedRun, Tracker, build_tracker
from loupe.training import EpochRecord, Observer, TrainingState

_SHOWN_IMAGES = 32


def list_trackers(recipe: Recipe) -> tuple[Choice, ...]:
    """Return the trackers of a recipe; `run.tensorboard = true` names TensorBoard."""
    named = recipe.run.trackers
    if recipe.run.tensorboard and "tensorboard" not in [choice.name for choice in named]:
        return (Choice(name="tensorboard"), *named)
    return named


def refuse_missing_trackers(recipe: Recipe) -> None:
    """Check that every tracker of a recipe can be had.

    Raises:
        LoupeError: the package of one is not installed.
    """
    for choice in list_trackers(recipe):
        build_tracker(choice.name, **choice.settings)


def open_observers(recipe: Recipe, folder: RunFolder) -> list[Observer]:
    """Return the observers that a recipe names, each kept from disturbing.

    Raises:
        LoupeError: one cannot be built.
    """
    opened: list[Observer] = []
    for choice in recipe.run.observers:
        with _Undisturbed(choice.name, "was built"):
            observer = build_observer(choice.name, folder=folder.path, **choice.settings)
        opened.append(NamedObserver(choice.name, observer))
    return opened


def open_trackers(recipe: Recipe, folder: RunFolder, setup: TrainingSetup) -> list["Tracking"]:
    """Return what hands a training to each tracker of its recipe.

    Raises:
        LoupeError: the package of one is not installed.
    """

    def take_images() -> tuple[Tensor, Tensor]:
        inputs = next(iter(setup.train.epoch(1))).images[:_SHOWN_IMAGES]
        return inputs, setup.normalization.invert(inputs)

    opened = []
    for choice in list_trackers(recipe):
        run = TrackedRun(
            name=name_run(folder.path),
            folder=folder.path,
            own_folder=folder.path / "trackers" / choice.name,
            recipe=recipe.to_dict(),
            num_epochs=recipe.train.epochs,
            model=setup.model,
            take_images=take_images,
            say=folder.log,
        )
        opened.append(Tracking(choice.name, build_tracker(choice.name, **choice.settings), run, folder.log))
    return opened


class RunObserver(Observer):
    """Base of what watches a whole run: what is said of it beforehand, the training, and how it is judged."""

    def on_warnings(self, warnings: Sequence[str]) -> None:
        """Called once all is built, before the first step: what the reader of the figures should know."""

    def on_judging(self, step: str) -> None:
        """Called before each step after the training: "the best weights", "look 3 of 17: …", "the report"."""


class Tracking(Observer):
    """Hands a training to a tracker, and keeps the tracker's failures from the training.

    Args:
        name: of the tracker.
        tracker: what is told of every epoch.
        run: what it is told first.
        say: called once, with what is to be said of a failure.

    `failure` says why the tracker was left out, None while it was not.
    """

    def __init__(self, name: str, tracker: Tracker, run: TrackedRun, say: Callable[[str], None]) -> None:
        self.failure: str | None = None
        self._name = name
        self._tracker = tracker
        self._run = run
        self._say = say

    def on_fit_start(self, state: TrainingState, *, num_epochs: int, steps_per_epoch: int) -> None:
        with torch.random.fork_rng(devices=[]):  # what a tracker draws must not reach dropout
            self._tell("before the first epoch", self._tracker.start, self._run)
        for record in state.history:
            self._log(record)

    def on_epoch_end(self, state: TrainingState) -> None:
        self._log(state.history[-1])

    def conclude(self, result: RunResult) -> None:
        """Tell the tracker how the run ended."""
        self._tell("at the end", self._tracker.finish, result.status, summarise_run(result))

    def _log(self, record: EpochRecord) -> None:
        where = f"at epoch {record.epoch}"
        self._tell(where, self._tracker.log_epoch, record.epoch, flatten_record(record))

    def _tell(self, where: str, method: Callable[..., None], *arguments: Any) -> None:
        if self.failure is not None:
            return
        try:
            method(*arguments)
        except Exception as error:  # no disk, no server, a fault in a plugin: never the training's end
            told = error.message if isinstance(error, LoupeError) else f"{type(error).__name__}: {error}"
            lines = [line.strip() for line in told.splitlines() if line.strip()]
            self.failure = (
                f"The tracker {self._name} failed {where} and was left out from there on; the training was "
                f"not affected: {lines[0][:200]}{TRACKERS.tell_place(self._name, error)}"
            )
            self._say(self.failure)


class NamedObserver(Observer):
    """An observer that a recipe names: its faults are said to be its own, and its draws reach nothing.

    Args:
        name: of the observer.
        observer: what is told of steps and epochs.
    """

    def __init__(self, name: str, observer: Observer) -> None:
        self._name = name
        self._observer = observer
        self._sees_steps = type(observer).on_step is not Observer.on_step

    def on_fit_start(self, state: TrainingState, *, num_epochs: int, steps_per_epoch: int) -> None:
        with _Undisturbed(self._name, "was told of the start"):
            self._observer.on_fit_start(state, num_epochs=num_epochs, steps_per_epoch=steps_per_epoch)

    def on_step(self, step: int) -> None:
        if self._sees_steps:
            with _Undisturbed(self._name, f"was told of step {step}"):
                self._observer.on_step(step)

    def on_epoch_end(self, state: TrainingState) -> None:
        with _Undisturbed(self._name, f"was told of epoch {state.epoch}"):
            self._observer.on_epoch_end(state)

    def on_fit_end(self, state: TrainingState) -> None:
        with _Undisturbed(self._name, "was told of the end"):
            self._observer.on_fit_end(state)


class _Undisturbed:  # a class, not a generator: it is entered at every step
    """Keep the global generator as it is, and say of which observer an error is.

    Raises:
        TrainingError: the observer raised anything but what ends a training on purpose.
    """

    def __init__(self, name: str, when: str) -> None:
        self._name, self._when = name, when

    def __enter__(self) -> None:
        self._state = torch.get_rng_state()

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        torch.set_rng_state(self._state)
        if isinstance(error, Exception) and not isinstance(error, LoupeError):
            raise TrainingError(
                f"The observer {self._name} failed when it {self._when}.",
                got=f"{type(error).__name__}: {error}{OBSERVERS.tell_place(self._name, error)}",
                allowed="an observer that watches",
                next_step="mend it and `loupe trust` its file, or take it out of run.observers in "
                "recipe.toml; then `loupe resume`",
            ) from error


def flatten_record(record: EpochRecord) -> dict[str, float]:
    """Return the columns of an epoch that have a value, without `epoch`: what a tracker is told."""
    return {name: value for name, value in record.to_row().items() if value is not None and name != "epoch"}


def summarise_run(result: RunResult) -> dict[str, float]:
    """Return a run's figures by name: `best_epoch`, `best_validation_loss`, `last_test_accuracy` …"""
    summary: dict[str, float] = {}
    for which, outcome in (("best", result.best), ("last", result.last)):
        if outcome is None:
            continue
        summary[f"{which}_epoch"] = outcome.epoch
        for split, score in (("validation", outcome.validation), ("test", outcome.test)):
            if score is not None:
                summary[f"{which}_{split}_loss"] = score.loss
            if isinstance(score, Metrics):
                summary[f"{which}_{split}_accuracy"] = score.accuracy
    return summary
