"""One process a folder: held by a lock that the system drops when the process ends, however it ends."""

import contextlib
import errno
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from loupe.errors import HeldError, RunError

fcntl: Any
try:
    import fcntl
except ImportError:  # not on Windows; two processes on one run are not found out there
    fcntl = None

LOCK_NAME = ".lock"
_SECONDS_BETWEEN = 0.02  # between two tries; somebody who only asks holds the lock for far less


@contextlib.contextmanager
def holding_lock(path: Path, *, patience: float = 0.2) -> Iterator[None]:
    """Hold a lock file inside the block; it is made if it is not there.

    Args:
        path: the lock file.
        patience: seconds that somebody else is waited for.

    Raises:
        BlockingIOError: another process holds it.
    """
    with _open_lock(path) as file:
        for left in reversed(range(max(1, round(patience / _SECONDS_BETWEEN)))):
            try:
                if fcntl is not None:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if not left:
                    raise
                time.sleep(_SECONDS_BETWEEN)
        yield


def _open_lock(path: Path, *, makes: bool = True) -> BinaryIO:
    """Return a lock file, opened: no pipe that is waited for, no link that leads elsewhere."""
    flags = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    descriptor = os.open(path, flags | (os.O_RDWR | os.O_CREAT if makes else os.O_RDONLY), 0o644)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a file", str(path))
    return os.fdopen(descriptor, "r+b" if makes else "rb")


def is_locked(path: Path) -> bool:
    """Return whether a process holds a lock file; False where that cannot be told."""
    if fcntl is None:
        return False
    try:
        with _open_lock(path, makes=False) as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


@contextlib.contextmanager
def locked(folder: Path, message: str) -> Iterator[None]:
    """Hold the lock of a folder.

    Args:
        folder: exists.
        message: what is wrong if another process holds it.

    Raises:
        HeldError: another process does.
        RunError: the folder cannot be locked at all.
    """
    with contextlib.ExitStack() as held:
        try:
            held.enter_context(holding_lock(folder / LOCK_NAME))
        except BlockingIOError:
            raise HeldError(
                message,
                got=f"a locked folder, {folder}",
                allowed="one process at a time",
                next_step="wait for it, or stop it",
            ) from None
        except OSError as error:
            raise RunError(
                f"The folder {folder} cannot be locked.",
                got=str(error),
                allowed="a folder on a disk that can be written to and locked",
                next_step="choose another folder for runs",
            ) from None
        yield
