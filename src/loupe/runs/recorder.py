"""The observer that writes a training into its run folder."""

import time
from typing import Any

from loupe.runs.examples import ExampleTracker
from loupe.runs.folder import RunFolder
from loupe.training.observers import Observer
from loupe.training.state import Snapshot, TrainingState, take_snapshot

_LARGEST_SHARE = 0.05  # of the training time may go into writing checkpoints


class Recorder(Observer):
    """Write history after each epoch, and checkpoints as often as their cost allows.

    A checkpoint is copied in memory after every epoch and written when the writing so far has taken
    under 5 % of the time; `flush` writes what is still in memory. A killed process thus loses the
    epoch it was in and those since the last checkpoint, about twenty times what one write takes; an
    ended one loses nothing.

    Args:
        folder: where to write.
        description: what `best.safetensors` says of the network and its input.
        start: the checkpoint training goes on from, if it does.
        examples: what follows single training images, if something does; written before each checkpoint.

    `latest` is the copy of the state after the last whole epoch, None before the first.
    """

    def __init__(
        self,
        folder: RunFolder,
        description: dict[str, Any],
        start: Snapshot | None = None,
        examples: ExampleTracker | None = None,
    ) -> None:
        self._folder = folder
        self._description = description
        self._examples = examples
        self.latest = start
        self._is_written = start is None  # a resumed run writes its files anew, whatever became of them
        self._written_best: int | None = None
        self._started = time.perf_counter()
        self._writing_seconds = 0.0

    def on_fit_start(self, state: TrainingState, *, num_epochs: int, steps_per_epoch: int) -> None:
        self._folder.write_history(state.history)  # no rows of epochs that are to be trained again
        if state.epoch:
            self._folder.log(f"resumed after epoch {state.epoch}")

    def on_epoch_end(self, state: TrainingState) -> None:
        record = state.history[-1]
        self._folder.write_history(state.history)
        values = {"accuracy": record.validation_accuracy, **record.validation_metrics}
        judged = "".join(
            f", validation {name} {value:.4f}" for name, value in values.items() if value is not None
        )
        self._folder.log(
            f"epoch {record.epoch}: train loss {record.train_loss:.4f}, validation loss "
            f"{record.validation_loss:.4f}{judged}, {record.seconds:.2f} s"
        )
        self.latest, self._is_written = take_snapshot(state), False
        elapsed = time.perf_counter() - self._started
        if self._writing_seconds <= _LARGEST_SHARE * elapsed:
            self.flush()

    def flush(self) -> None:
        """Write what is not on disk yet."""
        if self.latest is None or self._is_written:
            return
        started = time.perf_counter()
        if self.latest.best_epoch != self._written_best:
            self._folder.write_best(self.latest, self._description)
            self._written_best = self.latest.best_epoch
        if self._examples is not None:
            self._examples.write(len(self.latest.history))
        self._folder.write_snapshot(self.latest)
        self._is_written = True
        self._writing_seconds += time.perf_counter() - started
