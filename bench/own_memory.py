"""Memory of a process's own while something runs, and a clock that leaves out what others took."""

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

LONGEST_WAIT = 0.5  # seconds that a thread of a running process waits at most


def read_anonymous_bytes(pid: int | str) -> int:
    """Return a process's memory of its own, without pages of files."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith("RssAnon")), 0)


def list_processes() -> Iterator[int]:
    """Yield this process and those it started."""
    yield os.getpid()
    for file in Path("/proc/self/task").glob("*/children"):
        yield from map(int, file.read_text().split())


class Sampler:
    """The most memory seen since it was last asked, of the largest process and of all; and a clock."""

    def __init__(self) -> None:
        self.largest = self.together = 0
        self._stopped = 0.0
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        while True:
            sizes = [read_anonymous_bytes(pid) for pid in list_processes()]
            self.largest, self.together = max([self.largest, *sizes]), max(self.together, sum(sizes))
            before = time.perf_counter()
            time.sleep(0.05)
            late = time.perf_counter() - before - 0.05
            if late > LONGEST_WAIT:
                self._stopped += late

    def clock(self) -> float:
        """Return seconds, without those for which somebody else had stopped this process."""
        time.sleep(0.06)  # so that a stop is seen that has just ended
        return time.perf_counter() - self._stopped

    def take(self) -> tuple[int, int]:
        found = self.largest, self.together
        self.largest = self.together = 0
        return found
