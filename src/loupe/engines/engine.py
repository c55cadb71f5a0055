"""What an engine and those who use it have to agree on."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from loupe.recipe import Recipe
from loupe.training import EpochRecord


@dataclass(frozen=True)
class Job:
    """One run to carry out.

    Args:
        name: what the run is called on the screen.
        recipe: complete, with one seed.
        folder: its run folder; a run begun there is resumed.
        source: folder of the run its weights start from, if any; `recipe.transfer.run` names it too.
    """

    name: str
    recipe: Recipe
    folder: Path
    source: Path | None = None


@dataclass(frozen=True)
class Ended:
    """How a job ended.

    Args:
        status: "finished", "stopped" (the scheduler did not want it to go on), "interrupted" (Ctrl-C),
            "held" (another process trains in its folder) or "failed".
        reason: why it failed, or is held.
    """

    status: Literal["finished", "stopped", "interrupted", "held", "failed"]
    reason: str = ""


class Scheduler(Protocol):
    """Who knows what is to be run. An engine calls it from one thread only.

    `plans_ahead` says whether jobs are known beforehand; where it is False the next one depends on how the
    last ones ended, and no more are asked for than can be started, but for one.
    """

    plans_ahead: bool

    def next_job(self) -> Job | None:
        """Return the next job; None while there is none that could start now.

        Asked again whenever a job has ended. When it is None and no job is under way, all is done.
        """

    def on_epoch(self, job: Job, record: EpochRecord) -> bool:
        """Hear of an epoch; return whether the run should go on."""

    def on_end(self, job: Job, ended: Ended) -> None:
        """Hear that a job has ended."""


class Engine(Protocol):
    """Where jobs are carried out."""

    num_workers: int

    def carry_out(self, scheduler: Scheduler) -> None:
        """Carry out the scheduler's jobs until there are no more.

        A run that fails is handed to `on_end`, and the others go on. On Ctrl-C runs under way are stopped
        after their epoch, and KeyboardInterrupt is raised.
        """

    def close(self) -> None:
        """Let go of processes and connections."""
