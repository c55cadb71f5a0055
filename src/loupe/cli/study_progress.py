"""A study on the terminal: a line for each run that ends, and where there is a screen a bar."""

import time
from collections.abc import Sequence

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from loupe.engines import Ended, Job
from loupe.runs.metric_values import headline_of_history
from loupe.studies.scheduler import Watcher
from loupe.training import EpochRecord
from loupe.wording import count_of, format_duration


class StudyProgress(Watcher):
    """Print a line for each run that ends; on a terminal also a bar, with what is under way.

    Args:
        console: where to print.
        num_done: runs that need no more work.
        num_all: runs of the study.
    """

    def __init__(self, console: Console, num_done: int, num_all: int) -> None:
        self._console = console
        self._latest: dict[str, EpochRecord] = {}
        self._started: dict[str, float] = {}
        self._bar = Progress(
            TextColumn("runs"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[now]}"),
            console=console,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task("", total=num_all, completed=num_done, now="")
        self._bar.start()

    def on_start(self, job: Job) -> None:
        self._started[job.name] = time.monotonic()

    def on_epoch(self, job: Job, record: EpochRecord) -> None:
        self._latest[job.name] = record
        now = " · ".join(f"{name}: epoch {one.epoch}" for name, one in self._latest.items())
        self._bar.update(self._task, now=now)

    def on_end(self, job: Job, ended: Ended, num_done: int, num_all: int) -> None:
        latest = self._latest.pop(job.name, None)
        line = f"[{num_done}/{num_all}] {job.name}: {ended.status}"
        if ended.reason:
            line += f": {ended.reason}"
        elif latest is not None:
            line += f" after {count_of(latest.epoch, 'epoch')}, {_describe(latest)}"
            line += f", {format_duration(time.monotonic() - self._started[job.name])}"
        self._bar.console.print(line, highlight=False, markup=False, soft_wrap=True)
        self._bar.update(self._task, completed=num_done)

    def on_wait(self, names: Sequence[str]) -> None:
        others = f" and {len(names) - 1} more" if len(names) > 1 else ""
        line = f"waiting for another process that trains {names[0]}{others}"
        self._bar.console.print(line, highlight=False, markup=False, soft_wrap=True)

    def close(self) -> None:
        """Leave what stands on the screen and stop drawing."""
        self._bar.stop()


def _describe(record: EpochRecord) -> str:
    metric = headline_of_history([record])
    return f"last validation {metric.title} {metric.write(record.validation_of(metric.name))}"
