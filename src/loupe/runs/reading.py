"""Files of a run folder read back: the one way in, for whatever may stand in their place.

A run folder may come from elsewhere, half copied or made to harm. So nothing but a regular file is opened,
no more is read than such a file can hold, and whatever goes wrong is said as a mistake that names the file;
`arrays` makes no array that the file does not fill.
"""

import contextlib
import csv
import io
import json
import os
import stat
import zipfile
import zlib
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from safetensors import SafetensorError

from loupe.errors import RunError

MOST_TEXT_BYTES = 64 * 2**20
"""Of a recipe, a result, a history …: a thousand times what a long run writes."""
_DAMAGE = (
    *(OSError, ValueError, TypeError, KeyError, IndexError, AttributeError, EOFError, OverflowError),
    *(RecursionError, MemoryError, NotImplementedError, RuntimeError, AssertionError),
    *(SafetensorError, zipfile.BadZipFile, zlib.error, csv.Error),
)


@contextlib.contextmanager
def reading(path: Path, advice: str = "restore the file, or train again") -> Iterator[None]:
    """Turn whatever a missing or damaged file causes into a RunError that names it."""
    try:
        yield
    except _DAMAGE as error:
        reason = str(error).partition("\n")[0][:200]
        raise RunError(
            f"{path} is missing or damaged.",
            got=f"{type(error).__name__}: {reason}" if reason else type(error).__name__,
            allowed="the file as Loupe wrote it",
            next_step=advice,
        ) from None


class NotAFileError(OSError):
    """Something else than a regular file stands in the place of one."""


def open_plain(path: Path) -> BinaryIO:
    """Return a regular file, opened for reading; never a pipe, a device, or what a link leads to.

    Raises:
        FileNotFoundError: there is none.
        NotAFileError: something else is there.
        OSError: it may not be read.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | _NO_FOLLOW | _NO_WAIT)
    except OSError as error:
        if path.is_symlink():
            raise NotAFileError("a link, not a file") from error
        raise
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        os.close(descriptor)
        raise NotAFileError(f"{name_kind(status.st_mode)}, not a file")
    return os.fdopen(descriptor, "rb")


_NO_FOLLOW: int = getattr(os, "O_NOFOLLOW", 0)
_NO_WAIT: int = getattr(os, "O_NONBLOCK", 0)  # else a pipe is waited for


def name_kind(mode: int) -> str:
    """Return in words what stands in the place of a file, from `st_mode`."""
    kinds = {
        stat.S_IFREG: "a file",
        stat.S_IFDIR: "a folder",
        stat.S_IFLNK: "a link",
        stat.S_IFIFO: "a pipe",
        stat.S_IFCHR: "a device",
        stat.S_IFBLK: "a device",
        stat.S_IFSOCK: "a socket",
    }
    return kinds.get(stat.S_IFMT(mode), "something else")


def is_plain(path: Path) -> bool:
    """Return whether a regular file stands there, no link to one."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except (OSError, ValueError):
        return False


def is_there(path: Path) -> bool:
    """Return whether anything stands there, a broken link or a pipe too: reading it says what is wrong."""
    return path.is_symlink() or path.exists()


def read_bytes(path: Path, most: int = MOST_TEXT_BYTES) -> bytes:
    """Return what a regular file holds.

    Raises:
        OSError: there is none, or it may not be read.
        ValueError: it holds more than `most` bytes.
    """
    with open_plain(path) as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise ValueError(f"more than {most / 2**20:,.0f} MiB")
    return content


def read_text(path: Path, most: int = MOST_TEXT_BYTES) -> str:
    """Return what a regular file holds as UTF-8; raises as `read_bytes`."""
    return read_bytes(path, most).decode("utf-8")


def read_json(path: Path) -> Any:
    """Return the values of a JSON file.

    Raises:
        RunError: the file is missing or damaged.
    """
    with reading(path):
        return json.loads(read_text(path))


def read_table(path: Path, columns: Collection[str] = ()) -> list[dict[str, str]]:
    """Return the rows of a CSV file by column.

    Args:
        path: the file.
        columns: those it has to have.

    Raises:
        RunError: the file is missing or damaged.
    """
    with reading(path):
        rows = csv.DictReader(io.StringIO(read_text(path)), strict=True)
        missing = [name for name in columns if name not in (rows.fieldnames or ())]
        if missing:
            raise ValueError(f"no column {', '.join(missing)[:100]}")
        return list(rows)


def read_lines(path: Path) -> list[Any]:
    """Return the values of a file with a JSON object in each line; empty lines are passed over.

    Raises:
        RunError: the file is missing or damaged.
    """
    with reading(path):
        return [json.loads(line) for line in read_text(path).splitlines() if line]
