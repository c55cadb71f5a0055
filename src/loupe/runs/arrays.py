"""Arrays and tensors of a run folder as files: written whole, read back guarded as `reading` has it."""

import errno
import os
import shutil
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from loupe.runs.reading import open_plain, reading
from loupe.runs.writing import replacing

MOST_ARRAY_BYTES = 8 * 2**30
_ARRAY_KINDS = "biuf"


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
    array = np.ndarray(shape, dtype, content, order="F" if is_fortran else "C")
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


def write_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Write named tensors as safetensors, atomically, with text metadata in the header."""
    whole = {name: tensor.contiguous() for name, tensor in tensors.items()}
    with replacing(path) as temporary:
        try:
            save_file(whole, temporary, metadata=dict(metadata))
        except SafetensorError as error:  # it says in prose what the system said in a number
            raise _as_system_error(error, path) from error


def write_arrays(path: Path, arrays: Mapping[str, Tensor]) -> None:
    """Write named arrays as compressed npz, atomically."""
    values: dict[str, Any] = {name: array.numpy() for name, array in arrays.items()}
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, **values)


def _as_system_error(error: SafetensorError, path: Path) -> OSError:
    """Return the error of the system that safetensors met: a full disk, mostly."""
    is_full = "os error 28" in str(error) or shutil.disk_usage(path.parent).free < 2**20
    number = errno.ENOSPC if is_full else errno.EIO
    return OSError(number, os.strerror(number), str(path))
