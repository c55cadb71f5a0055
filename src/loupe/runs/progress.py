"""How far a training has come, for whoever watches from another process."""

import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from loupe.training.observers import Observer

if TYPE_CHECKING:
    from loupe.training.state import TrainingState

_SECONDS_BETWEEN_WRITES = 0.5


@dataclass(frozen=True)
class Progress:
    """How far a training is.

    Args:
        epoch: the epoch in progress, 1, 2, …
        num_epochs: epochs wanted.
        step: steps taken within that epoch.
        steps_per_epoch: steps of an epoch.
        seconds: since training began, or went on after a break.
        first_epoch: the epoch it began or went on with.
    """

    epoch: int
    num_epochs: int
    step: int
    steps_per_epoch: int
    seconds: float
    first_epoch: int = 1

    @property
    def share(self) -> float:
        """The part that is done, in [0, 1]."""
        wanted = self.num_epochs * self.steps_per_epoch
        return min(1.0, ((self.epoch - 1) * self.steps_per_epoch + self.step) / max(1, wanted))

    @property
    def seconds_left(self) -> float | None:
        """The time left if it goes on as it went; None before the first step. Early stopping may end it."""
        done = (self.epoch - self.first_epoch) * self.steps_per_epoch + self.step
        left = (self.num_epochs - self.epoch + 1) * self.steps_per_epoch - self.step
        return self.seconds * left / done if done > 0 else None

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


class ProgressWriter(Observer):
    """Write how far a training is into its run folder, twice a second at most.

    Args:
        folder: a run folder, with `write_progress` and `clear_progress`.
    """

    def __init__(self, folder: Any) -> None:
        self._folder = folder
        self._epoch = self._first_epoch = 1
        self._num_epochs = self._steps_per_epoch = 0
        self._started = self._written = time.monotonic()

    def on_fit_start(self, state: "TrainingState", *, num_epochs: int, steps_per_epoch: int) -> None:
        self._num_epochs, self._steps_per_epoch = num_epochs, steps_per_epoch
        self._epoch = self._first_epoch = state.epoch + 1
        self._started = time.monotonic()
        self._write(0)

    def on_step(self, step: int) -> None:
        if time.monotonic() - self._written >= _SECONDS_BETWEEN_WRITES:
            self._write(step)

    def on_epoch_end(self, state: "TrainingState") -> None:
        self._epoch = state.epoch + 1

    def on_fit_end(self, state: "TrainingState") -> None:
        self._folder.clear_progress()

    def _write(self, step: int) -> None:
        self._written = time.monotonic()
        self._folder.write_progress(
            Progress(
                epoch=self._epoch,
                num_epochs=self._num_epochs,
                step=step,
                steps_per_epoch=self._steps_per_epoch,
                seconds=self._written - self._started,
                first_epoch=self._first_epoch,
            )
        )
