"""Files of a run folder read back; whatever is wrong with one is said as a mistake that names it."""

import contextlib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from torch import Tensor

from loupe.errors import RunError


@contextlib.contextmanager
def reading(path: Path, advice: str = "restore the file, or train again") -> Iterator[None]:
    """Turn whatever a missing or damaged file causes into a RunError that names it."""
    damage = (OSError, ValueError, TypeError, KeyError, AttributeError, EOFError, SafetensorError)
    try:
        yield
    except (*damage, zipfile.BadZipFile) as error:
        raise RunError(
            f"{path} is missing or damaged.",
            got=f"{type(error).__name__}: {str(error).partition(chr(10))[0][:200]}",
            allowed="the file as Loupe wrote it",
            next_step=advice,
        ) from None


def read_arrays(path: Path) -> dict[str, Tensor]:
    """Return the arrays of an npz file by name.

    Raises:
        RunError: the file is missing or damaged.
    """
    with reading(path), path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
        return {name: torch.from_numpy(arrays[name]) for name in arrays.files}
