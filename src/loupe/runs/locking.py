"""One process at a time in a folder."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from loupe.errors import RunError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]  # a module that is not there


@contextlib.contextmanager
def locked(folder: Path, message: str) -> Iterator[None]:
    """Hold the lock of a folder.

    Args:
        folder: exists.
        message: what is wrong if another process holds it.

    Raises:
        RunError: another process does.
    """
    with (folder / ".lock").open("w") as file:
        try:
            if fcntl is not None:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise RunError(
                message,
                got=f"a locked folder, {folder}",
                allowed="one process at a time",
                next_step="wait for it, or stop it",
            ) from None
        yield
