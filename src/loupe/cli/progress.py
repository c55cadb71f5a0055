"""Live progress in a terminal: the last epochs as a table, and a bar over all steps."""

import time
from collections.abc import Sequence

from rich.console import Console, Group
from rich.live import Live
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from loupe.metrics import Metric, describe_metric
from loupe.running import RunObserver
from loupe.terminal import print_line
from loupe.training import EpochRecord, TrainingState
from loupe.wording import show_plainly

_ROWS = 12
_QUIET_SECONDS = 15.0  # between two lines where the output is no terminal: a log, not a flood


class LiveProgress(RunObserver):
    """Show a training and how it is judged; where the output is no terminal, in a line now and then.

    Args:
        console: to show it on.
        title: a line that is said when the first step is about to be taken, not before: until then the images
            may turn out to be none that can be trained on.
    """

    def __init__(self, console: Console, title: str | None = None) -> None:
        self._console, self._title = console, title
        self._num_epochs = 0
        self._started = self._said = 0.0
        self._live: Live | None = None
        self._judging: Progress | None = None
        self._last: float | None = None
        self._first = 0
        self._steps_per_epoch = 0
        self._epoch = 0
        self._warned: set[str] = set()

    def on_warnings(self, warnings: Sequence[str]) -> None:
        """Print each warning before hours are spent, and once for all seeds."""
        for warning in warnings:
            if warning not in self._warned:
                print_line(f"warning: {warning}")
                self._warned.add(warning)

    def on_fit_start(self, state: TrainingState, *, num_epochs: int, steps_per_epoch: int) -> None:
        self.close()  # the seed before
        self._steps_per_epoch, self._epoch = steps_per_epoch, state.epoch
        self._num_epochs, self._first = num_epochs, state.epoch * steps_per_epoch
        self._started = self._said = time.monotonic()
        if self._title is not None:
            print_line(self._title)
            self._title = None
        if not self._console.is_terminal:
            return
        self._bar = Progress(
            TextColumn("epoch {task.fields[epoch]}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("steps,"),
            TimeElapsedColumn(),
            TextColumn("gone,"),
            TimeRemainingColumn(),
            TextColumn("left"),
            console=self._console,
        )
        done = state.epoch * steps_per_epoch
        self._task = self._bar.add_task(
            "", total=num_epochs * steps_per_epoch, completed=done, epoch=self._epoch + 1
        )
        self._live = Live(self._draw(state), console=self._console, refresh_per_second=8)
        self._live.start()

    def on_step(self, step: int) -> None:
        if not self._console.is_terminal:
            self._say(self._epoch * self._steps_per_epoch + step)
        if self._live is not None:
            self._bar.update(
                self._task, completed=self._epoch * self._steps_per_epoch + step, epoch=self._epoch + 1
            )

    def on_epoch_end(self, state: TrainingState) -> None:
        self._epoch, self._last = state.epoch, state.history[-1].validation_loss
        if self._live is not None:
            self._live.update(self._draw(state))

    def _say(self, done: int) -> None:
        """Print how far the training is, if the last line is some time ago."""
        now = time.monotonic()
        if now - self._said < _QUIET_SECONDS:
            return
        self._said = now
        most = self._num_epochs * self._steps_per_epoch
        left = (now - self._started) / max(1, done - self._first) * (most - done)
        words = f"epoch {self._epoch + 1} of {self._num_epochs}, {done / most:.0%}, {left:.0f} s left"
        if self._last is not None:
            words += f"; validation loss {self._last:.4f}"
        print_line(words)

    def on_fit_end(self, state: TrainingState) -> None:
        self.close()
        if time.monotonic() - self._started >= _QUIET_SECONDS:
            print_line("trained; now the network is judged, and its report written")

    def on_judging(self, step: str) -> None:
        """Show what is done next; where the output is no terminal, in a line each after a long training."""
        if not self._console.is_terminal:
            if time.monotonic() - self._started >= _QUIET_SECONDS:
                print_line(f"judging: {step}")
            return
        if self._judging is None:
            self.close()  # a training that was broken off still stands there
            self._judging = Progress(
                SpinnerColumn(),
                TextColumn("judging: {task.description}", markup=False),
                TimeElapsedColumn(),
                console=self._console,
                transient=True,
            )
            self._judged = self._judging.add_task("", total=None)
            self._judging.start()
        self._judging.update(self._judged, description=show_plainly(step))

    def close(self) -> None:
        """Leave what stands on the screen and stop drawing; safe to call more than once."""
        if self._live is not None:
            self._live.stop()
            self._live = None
        if self._judging is not None:
            self._judging.stop()
            self._judging = None

    def _draw(self, state: TrainingState) -> Group:
        further = state.history[-1].validation_metrics if state.history else {}
        metrics = [describe_metric(name) for name in further]
        table = Table(box=None, pad_edge=False, header_style="dim")
        for heading in (
            "epoch",
            "rate",
            "train loss",
            "clean train %",
            "validation loss",
            "validation %",
            *(f"validation {metric.heading}" for metric in metrics),
            "s",
            "",
        ):
            table.add_column(heading, justify="right")
        best = state.best.epoch if state.best else None
        for record in state.history[-_ROWS:]:
            table.add_row(*_describe(record, metrics), "best" if record.epoch == best else "")
        return Group(table, self._bar)


def _describe(record: EpochRecord, metrics: Sequence[Metric]) -> list[str]:
    clean = record.clean_train_accuracy
    return [
        str(record.epoch),
        f"{record.learning_rate:.2g}",
        f"{record.train_loss:.4f}",
        "" if clean is None else f"{100 * clean:.2f}",
        f"{record.validation_loss:.4f}",
        "" if record.validation_accuracy is None else f"{100 * record.validation_accuracy:.2f}",
        *(metric.write(record.validation_of(metric.name)) for metric in metrics),
        f"{record.seconds:.1f}",
    ]
