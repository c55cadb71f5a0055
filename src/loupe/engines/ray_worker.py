"""What runs on a node of a Ray cluster. Needs no Ray to be imported: the engine makes an actor of it."""

import os
import threading
from pathlib import Path
from queue import Queue

from loupe.engines.engine import Ended, Job
from loupe.engines.tasks import Returned, Task, carry_out_task
from loupe.engines.worker import Worker
from loupe.training import EpochRecord

Message = EpochRecord | Returned


class RayWorker:
    """Carries out one job after another, in a thread of its own, and hands out what it has to say.

    The driver asks and the worker answers, as through a pipe: `begin` and `go_on` return the next message,
    an epoch that wants an answer or the end of the job.
    """

    def __init__(self) -> None:
        self._worker = Worker()
        self._answers: Queue[bool] = Queue()
        self._messages: Queue[Message] = Queue()

    def find_process(self) -> int:
        """Return the number of the worker's process, which says that it has started."""
        return os.getpid()

    def sees(self, marker: Path, token: str) -> bool:
        """Return whether a file the driver wrote is seen from here: whether both share the folder."""
        try:
            return marker.read_text(encoding="ascii") == token
        except OSError:
            return False

    def begin(self, task: Task) -> Message:
        threading.Thread(target=self._carry_out, args=(task,), daemon=True).start()
        return self._messages.get()

    def go_on(self, answer: bool) -> Message:
        self._answers.put(answer)
        return self._messages.get()

    def _carry_out(self, task: Task) -> None:
        try:
            returned = carry_out_task(task, self._carry_out_job)
        except Exception as error:  # a full disk there must not cost the other runs
            returned = Returned(Ended("failed", f"{type(error).__name__}: {error}"))
        self._messages.put(returned)

    def _carry_out_job(self, job: Job) -> Ended:
        return self._worker.carry_out(job, self._report)

    def _report(self, record: EpochRecord) -> bool:
        self._messages.put(record)
        return self._answers.get()
