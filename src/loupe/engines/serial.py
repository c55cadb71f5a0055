"""One run after another, in this process."""

from loupe.engines.engine import Job, Scheduler
from loupe.engines.worker import Worker
from loupe.training import EpochRecord


class SerialEngine:
    """Carries out one job after another. The plainest engine: what others do must equal this."""

    num_workers = 1

    def __init__(self) -> None:
        self._worker = Worker()

    def carry_out(self, scheduler: Scheduler) -> None:
        while (job := scheduler.next_job()) is not None:
            self._carry_out(job, scheduler)

    def _carry_out(self, job: Job, scheduler: Scheduler) -> None:
        def on_epoch(record: EpochRecord) -> bool:
            return scheduler.on_epoch(job, record)

        ended = self._worker.carry_out(job, on_epoch)
        scheduler.on_end(job, ended)
        if ended.status == "interrupted":
            raise KeyboardInterrupt

    def close(self) -> None:
        """Nothing to let go of."""
