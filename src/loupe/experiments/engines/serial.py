"""One run after another, in this process."""

from loupe.experiments.engines.engine import Conductor, Job
from loupe.experiments.engines.worker import Worker
from loupe.training import EpochRecord


class SerialEngine:
    """Carries out one job after another. The plainest engine: what others do must equal this."""

    num_workers = 1

    def __init__(self) -> None:
        self._worker = Worker()

    def carry_out(self, conductor: Conductor) -> None:
        while (job := conductor.next_job()) is not None:
            self._carry_out(job, conductor)

    def _carry_out(self, job: Job, conductor: Conductor) -> None:
        def on_epoch(record: EpochRecord) -> bool:
            return conductor.on_epoch(job, record)

        ended = self._worker.carry_out(job, on_epoch)
        conductor.on_end(job, ended)
        if ended.status == "interrupted":
            raise KeyboardInterrupt

    def close(self) -> None:
        """Nothing to let go of."""
