"""How long it takes until a process of its own can begin a run."""

import multiprocessing
import time


def time_start() -> float:
    """Return the seconds from starting a process to where it can begin a run: one is started, and ended.

    It imports all that a run needs, which is what takes the time.
    """
    started = time.perf_counter()
    process = multiprocessing.get_context("spawn").Process(target=_get_ready, daemon=True)
    process.start()
    process.join()
    return time.perf_counter() - started


def _get_ready() -> None:
    import loupe.engines.together  # noqa: F401  # with torch, and all of a run
