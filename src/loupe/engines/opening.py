"""Choosing an engine by name, with as many workers as the machine has room for."""

import math
from collections.abc import Callable

from loupe.engines.engine import Engine
from loupe.engines.processes import ProcessEngine
from loupe.engines.serial import SerialEngine
from loupe.engines.together import TogetherEngine
from loupe.errors import LoupeError, UnknownNameError
from loupe.runtime import choose_device, count_cores, find_free_memory

_WORKER_BYTES = 1.2e9  # of a process with torch, a dataset and a small network
_STACKED_BYTES = 0.6e9  # of one of several runs in a process: its images and maps
_MOST_STACKED = 8  # more gain nothing: the maps of all must fit the processor's cache (`bench/together.py`)


def open_engine(
    name: str = "auto", *, workers: int | None = None, threads: int = 1, num_jobs: int | None = None
) -> Engine:
    """Return an engine, ready for work; `close` it afterwards.

    Args:
        name: "serial", "processes", "ray", "together" (processes that train groups of runs as one network),
            or "auto": processes where there is room for two or more.
        workers: how many runs at once, ≥ 1; as many as cores and memory allow if left out.
        threads: CPU threads of each run.
        num_jobs: how many there are at most, if that is known; no more workers are made.

    Raises:
        LoupeError: there is no such engine, it is not installed, or a number of workers below 1.
    """
    if workers is not None and workers < 1:
        raise LoupeError(
            "Runs need a worker.",
            got=f"--workers {workers}",
            allowed="a whole number ≥ 1",
            next_step="leave --workers out: as many as the machine has room for",
        )
    most = math.inf if num_jobs is None else max(1, num_jobs)
    if name == "auto":
        name = "processes" if min(workers or count_workers(threads), most) > 1 else "serial"
        workers = None if name == "serial" else workers
    if name not in ENGINES:
        raise UnknownNameError("engine", name, ENGINES, "leave --engine out for the usual choice")
    engine = ENGINES[name](workers, threads)
    engine.num_workers = int(min(engine.num_workers, most))
    return engine


def _open_serial(workers: int | None, threads: int) -> Engine:
    if workers not in (None, 1):
        raise LoupeError(
            "The serial engine carries out one run at a time.",
            got=f"--workers {workers}",
            allowed="--workers 1, or another engine",
            next_step="take --engine processes",
        )
    return SerialEngine()


def _open_processes(workers: int | None, threads: int) -> Engine:
    return ProcessEngine(workers or count_workers(threads))


def _open_ray(workers: int | None, threads: int) -> Engine:
    try:
        from loupe.engines.ray import RayEngine
    except ModuleNotFoundError as error:
        if error.name != "ray":
            raise
        raise LoupeError(
            "The Ray engine needs the package ray.",
            got="a Python without it",
            allowed="one with ray, on every machine of the cluster",
            next_step="pip install 'loupe-bench[ray]', or take --engine processes",
        ) from None
    return RayEngine(workers, threads)


def _open_together(workers: int | None, threads: int) -> Engine:
    num_processes = workers or count_workers(threads)
    by_memory = max(1, int(find_free_memory() / num_processes / _STACKED_BYTES))
    group_size = min(_MOST_STACKED, by_memory)
    return (
        TogetherEngine(group_size)
        if num_processes == 1
        else ProcessEngine(num_processes, group_size, threads)
    )


ENGINES: dict[str, Callable[[int | None, int], Engine]] = {
    "serial": _open_serial,
    "processes": _open_processes,
    "ray": _open_ray,
    "together": _open_together,
}


def count_workers(threads: int) -> int:
    """Return how many runs this machine has room for at once: by cores and memory, or one on a GPU."""
    if choose_device().type != "cpu":
        return 1
    by_cores = count_cores() // threads
    by_memory = int(find_free_memory() / _WORKER_BYTES)
    return max(1, min(by_cores, by_memory))
