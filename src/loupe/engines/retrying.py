"""Jobs whose worker died: tried again from their last checkpoint, but not for ever."""

from collections import Counter
from pathlib import Path

from loupe.engines.engine import Ended, Job, Scheduler

MOST_TRIES = 3  # of one job whose worker dies
PATIENCE_SECONDS = 30.0  # for runs to end their epoch after Ctrl-C


class Retries:
    """Remembers the jobs that have to be tried again, and how often each has cost a worker."""

    def __init__(self) -> None:
        self._again: list[Job] = []
        self._tries: Counter[Path] = Counter()

    def next_job(self, scheduler: Scheduler) -> Job | None:
        """Return a job to try again, or else the scheduler's next one."""
        return self._again.pop() if self._again else scheduler.next_job()

    def hear_of_death(self, job: Job, scheduler: Scheduler, how: str = "") -> None:
        """Keep a job for another try; one that has cost too many workers has failed.

        Args:
            how: what is known of the death.
        """
        self._tries[job.folder] += 1
        if self._tries[job.folder] < MOST_TRIES:
            self._again.append(job)
            return
        details = f"{how}; out of memory?" if how else "out of memory?"
        reason = f"the process that trained it died {MOST_TRIES} times ({details})"
        scheduler.on_end(job, Ended("failed", reason))
