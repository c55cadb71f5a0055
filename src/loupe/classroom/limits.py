"""How much time and memory a process may take, where the system can hold it to that."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

_MOST_WRITTEN = 2**30


@dataclass(frozen=True)
class Limits:
    """What grading one submission may take.

    Args:
        seconds: of the clock.
        memory_mib: beyond what torch takes by itself.
    """

    seconds: float = 120.0
    memory_mib: int = 2048


def apply_limits(limits: Limits) -> None:
    """Hold this process to limits of memory, time of the processor and file size, on Linux and macOS.

    The clock is the parent's to watch. Memory is counted as what a process asked for (RLIMIT_DATA), which
    Linux holds it to; macOS does not, and Windows has nothing of the kind.
    """
    try:
        import resource
    except ImportError:  # Windows
        return
    seconds = max(1, round(limits.seconds))
    wanted = {
        resource.RLIMIT_DATA: _read_data_bytes() + limits.memory_mib * 2**20,
        resource.RLIMIT_CPU: seconds,
        resource.RLIMIT_FSIZE: _MOST_WRITTEN,
        resource.RLIMIT_CORE: 0,
    }
    for kind, value in wanted.items():
        _, hard = resource.getrlimit(kind)
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (value, hard))
    os.nice(5)  # whoever grades wants to go on working


def _read_data_bytes() -> int:
    """Return how much memory this process has asked for already; a guess where the system does not say."""
    try:
        found = re.search(r"^VmData:\s+(\d+) kB", Path("/proc/self/status").read_text(), re.MULTILINE)
    except OSError:
        found = None
    return int(found.group(1)) * 1024 if found else 2**30
