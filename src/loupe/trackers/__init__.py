"""Trackers write a training for other programs: one file each.

A tracker is a class whose parameters are its settings. A user's own is one file with
`@register_tracker("name")` above such a class; a recipe names it in `run.trackers`. It sees figures and,
before the first epoch, the network; it never influences numbers, and one that fails (a full disk, a server
that does not answer) is left out for the rest of the run, which says so.
"""

import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field
from torch import Tensor, nn

from loupe.errors import LoupeError
from loupe.plugins import expand_path
from loupe.registry import Registry

Location = Annotated[
    str, Field(validate_default=True), AfterValidator(lambda location: str(expand_path(location)))
]
"""A setting that names a file or folder: made absolute, because a resume may be called from elsewhere."""


@dataclass(frozen=True)
class TrackedRun:
    """What a tracker is told of a run before its first epoch.

    Args:
        name: what `loupe resume` calls it: its folder's name; of one of several seeds "series/seed-0".
        folder: the run's folder.
        own_folder: a folder in it for what this tracker keeps, not made yet; it goes when the run goes.
        recipe: the resolved recipe, as nested plain values.
        num_epochs: epochs of the whole training.
        model: the network, to be looked at and left as it is.
        take_images: returns some training images as (inputs, pictures), each (some, channels, height, width)
            float32: what the network is given, and the same as pixels in [0, 1].
        say: puts a sentence into the run's log.
    """

    name: str
    folder: Path
    own_folder: Path
    recipe: Mapping[str, Any]
    num_epochs: int
    model: nn.Module
    take_images: Callable[[], tuple[Tensor, Tensor]]
    say: Callable[[str], None] = field(default=lambda said: None)


class Tracker:
    """Base of all trackers. Override what is of interest; every method does nothing.

    The constructor touches no file and no server: it says what is missing. Several runs may be tracked at
    once in one process, and the same run in several sessions one after another.
    """

    def start(self, run: TrackedRun) -> None:
        """Called before the first epoch of a session."""

    def log_epoch(self, epoch: int, values: Mapping[str, float]) -> None:
        """Called for every epoch in order, 1, 2, …

        A resumed run starts with the epochs it has on record, so that nothing is missing. An epoch that was
        told before stands once.

        Args:
            epoch: 1, 2, …
            values: the columns of `history.csv` that have a value, without `epoch`.
        """

    def finish(self, status: str, summary: Mapping[str, float]) -> None:
        """Called when the run is evaluated and written down.

        Args:
            status: "finished", "interrupted" or "failed".
            summary: the run's figures: `best_epoch`, `best_validation_loss`, `best_test_accuracy` …
        """


TRACKERS = Registry(
    "tracker",
    "loupe.trackers",
    given=(),
    list_command="loupe trackers",
    methods={
        "start": "start(run)",
        "log_epoch": "log_epoch(epoch, values)",
        "finish": "finish(status, summary): a class that inherits from loupe.Tracker has all three",
    },
)
register_tracker = TRACKERS.register


def build_tracker(name: str, **settings: Any) -> Tracker:
    """Return the tracker called `name`.

    Raises:
        UnknownNameError: there is no such tracker.
        LoupeError: a setting is unknown or out of range, or its package is not installed.
    """
    tracker: Tracker = TRACKERS.build(name, settings)
    return tracker


def refuse_missing_package(tracker: str, package: str) -> None:
    """Check that the package of a tracker is there; the extra has the tracker's name.

    Raises:
        LoupeError: it is not.
    """
    if importlib.util.find_spec(package) is None:
        raise LoupeError(
            f"The tracker {tracker} needs the package {package}.",
            got="no such package",
            allowed=f"the extra `{tracker}`",
            next_step=f"pip install 'loupe-bench[{tracker}]', or take it out of the recipe "
            "(run.trackers, run.tensorboard)",
        )
