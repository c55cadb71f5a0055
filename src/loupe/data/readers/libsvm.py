"""LIBSVM's text form: a label and `index:value` pairs a line, packed or not."""

from pathlib import Path

import numpy as np

from loupe.data.readers.packing import read_unpacked
from loupe.errors import DataFileError


def read_libsvm(path: Path, num_features: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the values, (lines, num_features) float64, and the labels, (lines,) int64.

    A value that a line leaves out is 0.

    Raises:
        DataFileError: a line is not of this form, or counts further than `num_features`.
    """
    lines = read_unpacked(path).splitlines()
    values, labels = np.zeros((len(lines), num_features)), np.zeros(len(lines), dtype=np.int64)
    for row, line in enumerate(lines):
        try:
            label, *pairs = line.split()
            labels[row] = int(float(label))
            for pair in pairs:
                index, _, value = pair.partition(b":")
                if not 1 <= int(index) <= num_features:
                    raise ValueError(f"feature {int(index)} of {num_features}")
                values[row, int(index) - 1] = float(value)
        except ValueError as error:
            raise DataFileError(
                f"Line {row + 1} of {path} cannot be read.",
                got=f"{line[:40]!r} ({error})"[:120],
                allowed=f"a label, then 1:value … {num_features}:value",
                next_step="fetch the file again",
            ) from None
    return values, labels
