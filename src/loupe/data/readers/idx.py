"""idx files, the form of MNIST and its kin.

Two zero bytes, a byte for the type, one for the number of axes, the size of each axis as four bytes, then the
values; all numbers big-endian. http://yann.lecun.com/exdb/mnist/ describes it.
"""

import math
from pathlib import Path

import numpy as np

from loupe.data.readers.packing import read_unpacked
from loupe.errors import DataFileError

_TYPES = {8: "u1", 9: "i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}
_MOST_AXES = 4


def read_idx(path: Path) -> np.ndarray:
    """Return the array of an idx file, in the machine's own byte order; packed files are unpacked.

    Raises:
        DataFileError: not of the idx form, or longer or shorter than its header says.
    """
    data = read_unpacked(path)
    sizes = [int.from_bytes(data[4 * axis : 4 * axis + 4], "big") for axis in range(1, 1 + _count_axes(data))]
    kind = np.dtype(_TYPES.get(data[2] if len(data) > 2 else 0, "u1"))
    start = 4 + 4 * len(sizes)
    expected = start + math.prod(sizes) * kind.itemsize
    if not sizes or data[2] not in _TYPES or len(data) != expected:
        raise DataFileError(
            f"{path} is not an idx file.",
            got=f"{len(data):,} bytes that begin with {data[:4].hex(' ') or 'nothing'}"
            + (f"; {expected:,} would follow from its header" if sizes else ""),
            allowed="00 00, a type, a number of axes, the size of each, and that many values",
            next_step="fetch the file again",
        )
    values = np.frombuffer(bytearray(data), dtype=kind, offset=start).reshape(sizes)
    return values.astype(kind.newbyteorder("="), copy=False)


def _count_axes(data: bytes) -> int:
    """Return the number of axes a header names; 0 if this is none."""
    return data[3] if data[:2] == b"\0\0" and len(data) > 3 and data[3] <= _MOST_AXES else 0
