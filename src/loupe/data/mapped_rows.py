"""Rows of arrays that are mapped from files, read as the disk reads best.

A page of a mapped file that is touched before the system has it brings its surroundings along, megabytes for
an image of kilobytes: good where the whole file stays in memory, far too much where it does not. So the
system is told first which rows are wanted, and fetches just these, many at once and ahead of time.
"""

import contextlib
import math
import mmap

import numpy as np

_MOST_REQUESTS = 4096  # of one read; rows in order need one, a batch at random one an image
_WILL_NEED = getattr(mmap, "MADV_WILLNEED", None)  # Windows has none


def is_mapped(array: np.ndarray) -> bool:
    """Return whether an array's values lie in a mapped file; what is computed from such an array does not."""
    return getattr(array, "_mmap", None) is not None


def read_rows(array: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """Return rows of an array, in the order of their numbers, in memory and laid out one after the other.

    Args:
        array: (rows, …), in memory or mapped.
        numbers: (chosen,) int64, each in [0, rows).
    """
    if array.flags.c_contiguous:
        read = np.empty((len(numbers), *array.shape[1:]), array.dtype)
        return np.take(array, numbers, axis=0, out=read, mode="clip")  # checked before; "raise" copies twice
    return np.ascontiguousarray(array[numbers])


def can_be_requested(array: np.ndarray) -> bool:
    """Return whether the system can be asked for rows of an array: it is mapped, and each lies together."""
    is_dense = array.strides[0] >= array.itemsize * math.prod(array.shape[1:])  # not so as Fortran lays them
    return _WILL_NEED is not None and is_mapped(array) and is_dense


def request_rows(array: np.ndarray, numbers: np.ndarray) -> int:
    """Have the system fetch rows of a mapped array, without waiting; return how many requests it took.

    Args:
        array: (rows, …); one that is not mapped needs no request.
        numbers: (chosen,) int64, each in [0, rows).
    """
    if not len(numbers) or not can_be_requested(array):
        return 0
    mapped = array._mmap  # type: ignore[attr-defined]  # of a mapped array
    runs = find_runs(numbers)
    if len(runs) > _MOST_REQUESTS:
        return 0
    base = np.frombuffer(mapped, np.uint8).__array_interface__["data"][0]
    first = array.__array_interface__["data"][0] - base
    starts = first + runs[:, 0] * array.strides[0]
    ends = first + (runs[:, 1] + 1) * array.strides[0]
    starts -= starts % mmap.PAGESIZE
    ends = np.minimum(ends, len(mapped))
    with contextlib.suppress(OSError, ValueError):  # a request that is refused costs time, and nothing else
        for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
            mapped.madvise(_WILL_NEED, start, end - start)
    return len(runs)


def find_runs(numbers: np.ndarray) -> np.ndarray:
    """Return first and last of each run of numbers that follow one another, (runs, 2) int64, in order."""
    ordered = np.unique(numbers)
    breaks = np.flatnonzero(np.diff(ordered) > 1)
    firsts, lasts = np.concatenate([[0], breaks + 1]), np.concatenate([breaks, [len(ordered) - 1]])
    return np.stack([ordered[firsts], ordered[lasts]], axis=1)
