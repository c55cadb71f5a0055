"""Observers watch a training: one file each. They never change its mathematics.

A user's own is one file with `@register_observer("name")` above a class that overrides what is of interest;
a recipe names it in `run.observers`. What an observer is handed is the training itself, not a copy: it reads
weights, modes and random generators, and leaves them as they are. Of a run of several processes only the
first one is watched.
"""

from pathlib import Path
from typing import Any

from loupe.registry import Registry
from loupe.training.state import TrainingState


class StopTraining(KeyboardInterrupt):  # what Ctrl-C raises, for one training alone
    """Raised by an observer to break off the training it watches; what was reached is kept."""


class Observer:
    """Base of everything that watches. Override what is of interest; every method does nothing."""

    def on_fit_start(self, state: TrainingState, *, num_epochs: int, steps_per_epoch: int) -> None:
        """Called once, before the first epoch; after a resume `state.epoch` is above 0."""

    def on_step(self, step: int) -> None:
        """Called after each step; `step` counts 1, 2, … within the epoch."""

    def on_epoch_end(self, state: TrainingState) -> None:
        """Called when an epoch is measured and `state.history` holds its record."""

    def on_fit_end(self, state: TrainingState) -> None:
        """Called once, after the last epoch."""


OBSERVERS = Registry(
    "observer",
    "loupe.training.observers",
    given=(),
    list_command="loupe observers",
    offered=("folder",),
)
"""What watches a training from a recipe. A builder that names `folder` is given the run's folder."""
register_observer = OBSERVERS.register


def build_observer(name: str, *, folder: Path, **settings: Any) -> Observer:
    """Return the observer called `name`.

    Args:
        name: registered name; `loupe observers` lists them.
        folder: the run's folder, for an observer that writes.
        settings: the observer's own settings.

    Raises:
        UnknownNameError: there is no such observer.
        LoupeError: a setting is unknown or out of range.
    """
    observer: Observer = OBSERVERS.build(name, settings, folder=folder)
    return observer
