"""Observers that a recipe can name: one file each. They watch a training and never change its mathematics.

A user's own is one file with `@register_observer("name")` above an `Observer` that overrides what is of
interest; a recipe names it in `run.observers`. What an observer is handed is the training itself, not a copy:
it reads weights, modes and random generators, and leaves them as they are. It may raise `StopTraining`. Of a
run of several processes only the first one is watched.
"""

from pathlib import Path
from typing import Any

from loupe.registry import Registry
from loupe.training import Observer as Observer

OBSERVERS = Registry(
    "observer",
    "loupe.observers",
    given=(),
    list_command="loupe observers",
    offered=("folder",),
    methods={
        "on_fit_start": "on_fit_start(state, *, num_epochs, steps_per_epoch)",
        "on_step": "on_step(step)",
        "on_epoch_end": "on_epoch_end(state)",
        "on_fit_end": "on_fit_end(state): a class that inherits from loupe.Observer has all four",
    },
)
"""A builder that names `folder` is given the run's folder."""
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
