"""Time and memory, read when the device has done what it was asked."""

import sys
import time
from collections.abc import Callable, Mapping
from statistics import median

import torch

_ROUNDS, _FEWEST_ROUNDS = 7, 3
_MOST_REPEATS = 2000

Task = Callable[[int], dict[str, float]]
"""Does its work so many times over, and returns values by name, each for one time or one image."""


def wait_for(device: torch.device) -> None:
    """Wait until the device has finished what was asked of it."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def read_clock(device: torch.device) -> float:
    """Return the time in seconds from an arbitrary start, once the device has finished."""
    wait_for(device)
    return time.perf_counter()


def read_peak_memory(device: torch.device) -> int | None:
    """Return the largest memory so far in bytes: a GPU's tensors, on a CPU all of this process.

    Apple's MPS keeps no peak: there it is what is held now. None where the system does not say.
    """
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    if device.type == "mps":
        return torch.mps.driver_allocated_memory()
    try:
        import resource
    except ImportError:  # not on Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak


def time_in_turn(
    tasks: Mapping[str, Task], seconds: float, *, most_rounds: int = _ROUNDS
) -> dict[str, list[float]]:
    """Return the values of all tasks round by round: every round does each task in turn.

    Rounds alternate, so that all tasks meet the same state of a shared machine; a ratio is taken within a
    round. Each task is done twice before, to warm up and to see how long it takes.

    Args:
        tasks: what to time, by name.
        seconds: about how long all rounds together may take, > 0; at least three rounds are done.
        most_rounds: how many at most.
    """
    slice_seconds = seconds / (most_rounds * len(tasks))
    repeats = {name: _choose_repeats(task, slice_seconds) for name, task in tasks.items()}
    values: dict[str, list[float]] = {}
    started = time.perf_counter()
    for number in range(most_rounds):
        if number >= _FEWEST_ROUNDS and time.perf_counter() - started > seconds:
            break
        for name, task in tasks.items():
            for measured, value in task(repeats[name]).items():
                values.setdefault(measured, []).append(value)
    return values


def _choose_repeats(task: Task, slice_seconds: float) -> int:
    task(1)
    started = time.perf_counter()
    task(1)
    once = time.perf_counter() - started
    return max(1, min(_MOST_REPEATS, round(slice_seconds / max(once, 1e-9))))


def time_calls(call: Callable[[], object], device: torch.device, repeats: int) -> float:
    """Return the mean seconds of one call."""
    started = read_clock(device)
    for _ in range(repeats):
        call()
    return (read_clock(device) - started) / repeats


def estimate_seconds(call: Callable[[], object], device: torch.device) -> float:
    """Return a quick median of the seconds of one call."""
    time_calls(call, device, 1)
    return median(time_calls(call, device, 1) for _ in range(3))
