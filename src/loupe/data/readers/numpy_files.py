"""numpy's .npy and .npz files; arrays of Python objects would have to be unpickled and are refused."""

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from loupe.errors import DataFileError

_DAMAGED = (OSError, ValueError, EOFError, KeyError, NotImplementedError, zipfile.BadZipFile, zlib.error)


def read_npy(path: Path) -> np.ndarray:
    """Return the array of an .npy file, mapped into memory rather than read.

    Raises:
        DataFileError: no .npy file, a truncated one, or one of Python objects.
    """
    try:
        found = np.load(path, mmap_mode="c", allow_pickle=False)
    except _DAMAGED as error:
        raise _refuse(path, error) from None
    if not isinstance(found, np.ndarray):
        found.close()
        raise _refuse(path, ValueError("several arrays: an .npz file"))
    return found


def list_npz(path: Path) -> list[str]:
    """Return the names of the arrays in an .npz file.

    Raises:
        DataFileError: no .npz file.
    """
    with _open_npz(path) as arrays:
        return list(arrays.files)


@contextmanager
def _open_npz(path: Path) -> Iterator[Any]:
    try:
        if path.exists() and not path.is_file():  # a pipe would be waited for
            raise ValueError("not a file")
        with path.open("rb") as file:  # numpy would leave a file it cannot read open
            found = np.load(file, allow_pickle=False)
            if isinstance(found, np.ndarray):
                raise ValueError("one array: an .npy file")
            yield found
    except _DAMAGED as error:
        raise _refuse(path, error) from None


def read_npz(path: Path, names: tuple[str, ...]) -> tuple[np.ndarray, ...]:
    """Return the arrays called `names` of an .npz file.

    Raises:
        DataFileError: no .npz file, a damaged one, one that lacks a name, or an array of Python objects.
    """
    at_hand = list_npz(path)
    missing = [name for name in names if name not in at_hand]
    if missing:
        raise DataFileError(
            f"{path} lacks an array.",
            got=f"no {', no '.join(missing)}; it holds {', '.join(at_hand) or 'nothing'}",
            allowed=", ".join(names),
            next_step="name the arrays so when saving them",
        )
    with _open_npz(path) as arrays:
        return tuple(arrays[name] for name in names)


def _refuse(path: Path, error: Exception) -> DataFileError:
    is_objects = "allow_pickle" in str(error) or "Object arrays" in str(error)
    reason = "an array of Python objects, which could run a program when read" if is_objects else str(error)
    return DataFileError(
        f"{path} cannot be read.",
        got=reason.partition("\n")[0][:120] or type(error).__name__,
        allowed="a whole .npz or .npy file of numbers or texts",
        next_step="save it again as arrays of one type: np.savez(path, images=…, labels=…)"
        if is_objects
        else "fetch or save the file again",
    )
