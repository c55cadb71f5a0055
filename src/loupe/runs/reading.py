"""Files of a run folder read back: the one way in, for whatever may stand in their place.

A run folder may come from elsewhere, half copied or made to harm. So nothing but a regular file is opened,
no more is read than such a file can hold, no array is made that the file does not fill, and whatever goes
wrong is said as a mistake that names the file.
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

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from loupe.errors import RunError

MOST_TEXT_BYTES = 64 * 2**20
"""Of a recipe, a result, a history …: a thousand times what a long run writes."""
MOST_ARRAY_BYTES = 8 * 2**30
_ARRAY_KINDS = "biuf"
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


def read_arrays(path: Path) -> dict[str, Tensor]:
    """Return the arrays of an npz file by name.

    Raises:
        RunError: the file is missing or damaged, or an array claims more than the file holds.
    """
    with reading(path), open_plain(path) as file, zipfile.ZipFile(file) as members:
        infos = members.infolist()
        total = sum(info.file_size for info in infos)
        if total > MOST_ARRAY_BYTES:
            raise ValueError(f"arrays of {total:,} bytes")
        return {info.filename.removesuffix(".npy"): _read_array(members, info) for info in infos}


def _read_array(members: zipfile.ZipFile, info: zipfile.ZipInfo) -> Tensor:
    """Return one array, after its header was held against the bytes that are there."""
    with members.open(info) as member:
        version = np.lib.format.read_magic(member)
        read_header = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }[version]
        shape, is_fortran, dtype = read_header(member)
        if dtype.kind not in _ARRAY_KINDS:
            raise ValueError(f"{info.filename} is of type {dtype}")
        count = int(np.prod([int(length) for length in shape], dtype=object)) if shape else 1
        left = info.file_size - member.tell()
        if any(length < 0 for length in shape) or count * dtype.itemsize != left:
            raise ValueError(f"{info.filename} claims shape {shape} and holds {left:,} bytes")
        content = member.read(left)
        if len(content) != left:
            raise EOFError(f"{info.filename} ends early")
        if member.read(1):
            raise ValueError(f"{info.filename} holds more than it says")
    array = np.ndarray(shape, dtype, bytearray(content), order="F" if is_fortran else "C")
    return torch.from_numpy(np.array(array, order="C"))


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Return the tensors of a safetensors file by name, and its metadata.

    Raises:
        OSError, SafetensorError, …: as `reading` turns into a RunError.
    """
    with open_plain(path):  # no pipe, no device, no link; safetensors opens it by name itself
        pass
    with safe_open(path, framework="pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # not a dict
        return tensors, dict(file.metadata() or {})


def refuse_array(name: str, array: Tensor, dtype: torch.dtype, shape: tuple[int | None, ...]) -> None:
    """Check that an array is what it should be; None stands for any length.

    Raises:
        ValueError: it is of another type or shape.
    """
    fits = len(array.shape) == len(shape) and all(
        wanted is None or wanted == got for wanted, got in zip(shape, array.shape, strict=True)
    )
    if array.dtype != dtype or not fits:
        raise ValueError(f"{name} is {array.dtype} of shape {tuple(array.shape)}")
