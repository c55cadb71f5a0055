"""Several processes on this machine, each carrying out one run, or one group of runs, after another."""

import contextlib
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from typing import Any

from loupe.engines.engine import Ended, Job, Scheduler
from loupe.engines.grouping import GroupPicker
from loupe.engines.interrupting import deferring_interrupt
from loupe.engines.retrying import PATIENCE_SECONDS, Retries
from loupe.engines.together import TogetherEngine
from loupe.training import EpochRecord


@dataclass
class _Process:
    """A worker process, and the jobs it is at, by their index in its group."""

    process: Any
    connection: Connection
    jobs: dict[int, Job] = field(default_factory=dict)


class ProcessEngine:
    """Carries out jobs in long-lived processes: importing torch takes seconds, and is paid once.

    A process that dies in mid-run (out of memory, killed) is replaced, and its runs are resumed from their
    last checkpoint.

    Args:
        num_workers: processes, ≥ 1.
        group_size: runs that share shapes and are trained together by one process, ≥ 1.
        threads: CPU threads of a group.
    """

    def __init__(self, num_workers: int, group_size: int = 1, threads: int = 1) -> None:
        self.num_workers = num_workers
        self._shape = (group_size, threads)
        self._picker = GroupPicker(group_size)
        self._context = multiprocessing.get_context("spawn")  # a fork would copy torch's threads half
        self._workers: list[_Process] = []
        self._retries = Retries()

    def carry_out(self, scheduler: Scheduler) -> None:
        self._retries = Retries()
        with deferring_interrupt() as interrupt:
            while not interrupt.is_asked:
                self._hand_out(scheduler)
                busy = [worker for worker in self._workers if worker.jobs]
                if not busy:
                    return
                self._hear_any(busy, scheduler)
            self._stop_runs(scheduler)
            self._picker.give_back(scheduler)
        raise KeyboardInterrupt

    def close(self) -> None:
        """End the processes."""
        for worker in self._workers:
            worker.connection.close()
        for worker in self._workers:
            worker.process.join(timeout=5)
            if worker.process.is_alive():
                worker.process.kill()
        self._workers.clear()

    def _hand_out(self, scheduler: Scheduler) -> None:
        """Give every idle process a group of jobs, as long as there are jobs."""
        while num_idle := self.num_workers - sum(bool(worker.jobs) for worker in self._workers):
            group = self._picker.next_group(
                lambda: self._retries.next_job(scheduler), num_idle, looks_ahead=scheduler.plans_ahead
            )
            if not group:
                return
            worker = self._find_idle()
            worker.jobs = dict(enumerate(group))
            try:
                worker.connection.send(group)
            except OSError:  # it died while it was idle
                self._bury(worker, scheduler)

    def _find_idle(self) -> _Process:
        idle = next((worker for worker in self._workers if not worker.jobs), None)
        return idle if idle is not None else self._start()

    def _start(self) -> _Process:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=_work, args=(theirs, os.getpid(), *self._shape), daemon=True)
        with _ignoring_interrupt():
            process.start()
        theirs.close()
        worker = _Process(process, ours)
        self._workers.append(worker)
        return worker

    def _hear_any(self, busy: list[_Process], scheduler: Scheduler, *, goes_on: bool = True) -> None:
        by_connection = {worker.connection: worker for worker in busy}
        for connection in wait(list(by_connection), timeout=1.0):
            assert isinstance(connection, Connection)
            self._hear(by_connection[connection], scheduler, goes_on)

    def _hear(self, worker: _Process, scheduler: Scheduler, goes_on: bool) -> None:
        try:
            index, message = worker.connection.recv()
        except (EOFError, OSError):
            self._bury(worker, scheduler)
            return
        if isinstance(message, Ended):
            scheduler.on_end(worker.jobs.pop(index), message)
            return
        answer = scheduler.on_epoch(worker.jobs[index], message) and goes_on
        with contextlib.suppress(OSError):  # it has died; the next look at its connection tells
            worker.connection.send(answer)

    def _bury(self, worker: _Process, scheduler: Scheduler) -> None:
        """Let go of a dead process; its jobs are tried again, unless they have cost too many processes."""
        self._workers.remove(worker)
        worker.connection.close()
        worker.process.join(timeout=5)
        for job in worker.jobs.values():
            self._retries.hear_of_death(job, scheduler, f"exit status {worker.process.exitcode}")

    def _stop_runs(self, scheduler: Scheduler) -> None:
        """Have every run under way end after its epoch, so that it can be resumed."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            busy = [worker for worker in self._workers if worker.jobs]
            if not busy:
                return
            self._hear_any(busy, scheduler, goes_on=False)


@contextlib.contextmanager
def _ignoring_interrupt() -> Iterator[None]:
    """Keep Ctrl-C from the process started in this block; it would die of it while it imports torch."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    resource_tracker.ensure_running()  # else the start does it, and lets the signal through again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # a new process inherits this
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class _Messenger:
    """The scheduler of a group in a worker process: tells the real one, and brings its answers."""

    plans_ahead = False

    def __init__(self, connection: Connection, group: Sequence[Job]) -> None:
        self._connection = connection
        self._indices = {job.folder: index for index, job in enumerate(group)}

    def next_job(self) -> Job | None:
        return None  # groups are made where all jobs are known

    def on_epoch(self, job: Job, record: EpochRecord) -> bool:
        try:
            self._connection.send((self._indices[job.folder], record))
            return bool(self._connection.recv())
        except (EOFError, OSError):  # nobody hears any more: keep what the run reached
            return False

    def on_end(self, job: Job, ended: Ended) -> None:
        self._connection.send((self._indices[job.folder], ended))


def _work(connection: Connection, parent: int, group_size: int, threads: int) -> None:
    """Carry out what comes through the connection until it is closed: the life of a worker process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all; the parent decides what to do
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    engine = TogetherEngine(group_size, threads)
    while True:
        try:
            group = connection.recv()
            engine.carry_out_group(group, _Messenger(connection, group))
        except (EOFError, OSError):
            return


def _end_with(parent: int) -> None:
    """End this process when its parent has ended, even if killed: nobody would hear of its runs."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)
