"""Ctrl-C heard between two steps, not in the middle of one."""

import contextlib
import signal
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from types import FrameType


@dataclass
class Interrupt:
    """Whether Ctrl-C was pressed."""

    is_asked: bool = False


@contextlib.contextmanager
def deferring_interrupt() -> Iterator[Interrupt]:
    """Yield what says whether Ctrl-C was pressed, for a loop to look at where it can end tidily.

    A message half read, or a table half written, is then no state a run can be left in. Pressed again, it
    raises KeyboardInterrupt at once. Outside the main thread, and where the shell ignores Ctrl-C, nothing
    changes.
    """
    interrupt = Interrupt()
    is_main = threading.current_thread() is threading.main_thread()
    before = signal.getsignal(signal.SIGINT) if is_main else None
    if before is None or before is signal.SIG_IGN:
        yield interrupt
        return

    def hear(signum: int, frame: FrameType | None) -> None:
        if interrupt.is_asked:
            raise KeyboardInterrupt
        interrupt.is_asked = True

    signal.signal(signal.SIGINT, hear)
    try:
        yield interrupt
    finally:
        signal.signal(signal.SIGINT, before)
