"""Live progress in a terminal: the last epochs as a table, and a bar over all steps."""

from collections.abc import Sequence

from rich.console import Console, Group
from rich.live import Live
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from loupe.metrics import Metric, describe_metric
from loupe.training import EpochRecord, Observer, TrainingState

_ROWS = 12


class LiveProgress(Observer):
    """Show a training as it goes; shows nothing where the output is not a terminal."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live: Live | None = None
        self._steps_per_epoch = 0
        self._epoch = 0

    def on_fit_start(self, state: TrainingState, *, num_epochs: int, steps_per_epoch: int) -> None:
        if not self._console.is_terminal:
            return
        self._steps_per_epoch, self._epoch = steps_per_epoch, state.epoch
        self._bar = Progress(
            TextColumn("epoch {task.fields[epoch]}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("steps"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=self._console,
        )
        done = state.epoch * steps_per_epoch
        self._task = self._bar.add_task(
            "", total=num_epochs * steps_per_epoch, completed=done, epoch=self._epoch + 1
        )
        self._live = Live(self._draw(state), console=self._console, refresh_per_second=8)
        self._live.start()

    def on_step(self, step: int) -> None:
        if self._live is not None:
            self._bar.update(
                self._task, completed=self._epoch * self._steps_per_epoch + step, epoch=self._epoch + 1
            )

    def on_epoch_end(self, state: TrainingState) -> None:
        self._epoch = state.epoch
        if self._live is not None:
            self._live.update(self._draw(state))

    def on_fit_end(self, state: TrainingState) -> None:
        self.close()

    def close(self) -> None:
        """Leave what stands on the screen and stop drawing; safe to call more than once."""
        if self._live is not None:
            self._live.stop()
            self._live = None

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
