"""Many machines: workers on the nodes of a Ray cluster, or of one that is started on this machine."""

import logging
import os
import secrets
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import RayError, RayTaskError

from loupe.engines.engine import Ended, Job, Scheduler
from loupe.engines.interrupting import deferring_interrupt
from loupe.engines.ray_worker import RayWorker
from loupe.engines.retrying import PATIENCE_SECONDS, Retries
from loupe.engines.tasks import Returned, Task
from loupe.errors import LoupeError
from loupe.runs.moving import pack_run, unpack_run
from loupe.training import EpochRecord

_MOST_STILLBORN = 3  # workers in a row that die before they can be asked anything
_ROOM_SECONDS = 300.0  # to wait for the cluster to start a first worker


@dataclass
class _Actor:
    """A worker on the cluster, the job it is at, and what it was asked last.

    Its process is unknown until it has started.
    """

    handle: Any
    asked: Any
    process: int | None = None
    job: Job | None = None
    sees: dict[Path, bool] = field(default_factory=dict)


class RayEngine:
    """Carries out jobs in long-lived workers on a Ray cluster.

    A worker that is lost (killed, out of memory, a node lost) is replaced, and its run is resumed from its
    last checkpoint, or from its start where the lost machine did not share a disk with this one. On
    machines without a shared disk the run's files come back when it ends. Plugins and the folders of users'
    own images have to be at the same path on every machine.

    Args:
        num_workers: runs at once; as many as the cluster has room for now if left out.
        threads: CPU threads of each run. On a cluster with GPUs each run has a GPU.

    Raises:
        LoupeError: there is no cluster where RAY_ADDRESS says.
    """

    def __init__(self, num_workers: int | None, threads: int) -> None:
        self._is_ours = not ray.is_initialized()
        if self._is_ours:
            connect()
        resources = ray.cluster_resources()
        gpus, cpus = int(resources.get("GPU", 0)), int(resources.get("CPU", 1))
        self.num_workers = num_workers or max(1, min(gpus, cpus // threads) if gpus else cpus // threads)
        self._actor_class: Any = ray.remote(num_cpus=threads, num_gpus=1 if gpus else 0)(RayWorker)
        self._actors: list[_Actor] = []
        self._retries = Retries()
        self._num_stillborn = 0
        self._markers: dict[Path, tuple[Path, str]] = {}

    def carry_out(self, scheduler: Scheduler) -> None:
        self._retries = Retries()
        waiting_since = time.monotonic()
        with deferring_interrupt() as interrupt:
            while not interrupt.is_asked:
                while len(self._actors) < self.num_workers:
                    self._start()
                is_dry = self._hand_out(scheduler)
                is_busy = any(actor.job is not None for actor in self._actors)
                if is_dry and not is_busy:
                    return
                if is_busy or any(actor.process for actor in self._actors):
                    waiting_since = time.monotonic()
                elif time.monotonic() - waiting_since > _ROOM_SECONDS:
                    raise _refuse_full_cluster()
                self._hear_any(scheduler)
            self._stop_runs(scheduler)
        raise KeyboardInterrupt

    def close(self) -> None:
        """End the workers, and the cluster if it was started here."""
        for marker, _ in self._markers.values():
            marker.unlink(missing_ok=True)
        for actor in self._actors:
            ray.kill(actor.handle)
        self._actors.clear()
        if self._is_ours:
            ray.shutdown()

    def _start(self) -> None:
        handle = self._actor_class.remote()
        self._actors.append(_Actor(handle, handle.find_process.remote()))

    def _hand_out(self, scheduler: Scheduler) -> bool:
        """Give every idle worker a job; return whether there are no jobs now."""
        for actor in [one for one in self._actors if one.process and one.job is None]:
            job = self._retries.next_job(scheduler)
            if job is None:
                return True
            actor.job = job
            try:
                actor.asked = actor.handle.begin.remote(self._pack(actor, job))
            except RayError as error:  # it was lost while it was idle
                self._bury(actor, scheduler, error)
        return False

    def _pack(self, actor: _Actor, job: Job) -> Task:
        """Return the job as the worker needs it: with files where it does not see this machine's folders."""
        parent = job.folder.parent
        if parent not in actor.sees:
            actor.sees[parent] = ray.get(actor.handle.sees.remote(*self._mark(parent)))
        if actor.sees[parent]:
            return Task(job)
        return Task(job, pack_run(job.folder), pack_run(job.source) if job.source is not None else {})

    def _mark(self, parent: Path) -> tuple[Path, str]:
        """Return a file by which a worker knows a folder as the one seen from here, and what is in it."""
        if parent not in self._markers:
            parent.mkdir(parents=True, exist_ok=True)
            token = secrets.token_hex(8)
            marker = parent / f".seen-{token}"
            marker.write_text(token, encoding="ascii")
            self._markers[parent] = marker, token
        return self._markers[parent]

    def _hear_any(self, scheduler: Scheduler, *, goes_on: bool = True) -> None:
        by_asked = {actor.asked: actor for actor in self._actors if actor.asked is not None}
        heard, _ = ray.wait(list(by_asked), num_returns=1, timeout=0.5) if by_asked else ([], [])
        for asked in heard:
            self._hear(by_asked[asked], scheduler, goes_on)

    def _hear(self, actor: _Actor, scheduler: Scheduler, goes_on: bool) -> None:
        try:
            message = ray.get(actor.asked)
        except RayTaskError as error:  # a fault of ours must not cost the other runs
            message = Returned(Ended("failed", str(error.cause)))
        except RayError as error:
            self._bury(actor, scheduler, error)
            return
        actor.asked = None
        if actor.job is None:  # it has started
            actor.process, self._num_stillborn = message, 0
        elif isinstance(message, EpochRecord):
            answer = scheduler.on_epoch(actor.job, message) and goes_on
            actor.asked = actor.handle.go_on.remote(answer)
        else:
            job, actor.job = actor.job, None
            if message.files is not None:
                unpack_run(message.files, job.folder)
            scheduler.on_end(job, message.ended)

    def _bury(self, actor: _Actor, scheduler: Scheduler, error: RayError) -> None:
        """Let go of a lost worker; its job is tried again, unless it has cost too many workers."""
        self._actors.remove(actor)
        if actor.job is not None:
            self._retries.hear_of_death(actor.job, scheduler)
        elif actor.process is None:
            self._num_stillborn += 1
            if self._num_stillborn == _MOST_STILLBORN:
                raise _explain_stillborn(error)

    def _stop_runs(self, scheduler: Scheduler) -> None:
        """Have every run under way end after its epoch, so that it can be resumed."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while any(actor.job is not None for actor in self._actors) and time.monotonic() < deadline:
            self._hear_any(scheduler, goes_on=False)


def connect() -> None:
    """Connect to a running cluster (RAY_ADDRESS, or one on this machine), else start one here.

    Raises:
        LoupeError: there is no cluster where RAY_ADDRESS says.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is reported to anybody
    try:
        ray.init(log_to_driver=False, include_dashboard=False, logging_level=logging.ERROR)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise LoupeError(
            "The Ray cluster cannot be reached.",
            got=f"RAY_ADDRESS={os.environ.get('RAY_ADDRESS', '')}: {_first_line(error)}",
            allowed="the address of a running cluster, or none: then one is started on this machine",
            next_step="`ray status` says whether it runs; `unset RAY_ADDRESS` does without",
        ) from None


def _refuse_full_cluster() -> LoupeError:
    return LoupeError(
        "The Ray cluster has no room for a run.",
        got=f"no worker started in {_ROOM_SECONDS:.0f} s; free: {ray.available_resources()}",
        allowed="a free CPU for each thread of a run, and a GPU where the cluster has some",
        next_step="wait for it, or take --engine processes",
    )


def _explain_stillborn(error: RayError) -> LoupeError:
    return LoupeError(
        "No worker could be started on the Ray cluster.",
        got=_first_line(error),
        allowed="machines that all have this version of Loupe and of Python",
        next_step="install Loupe on every machine of the cluster, or take --engine processes",
    )


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0][:200] if lines else type(error).__name__
