"""Records of bytes: labels, then the planes of an image.

The binary form of CIFAR and, without labels, of STL-10.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from loupe.errors import DataFileError


def read_planes(
    paths: Sequence[Path], *, num_labels: int, image_shape: tuple[int, int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Return the images and labels of files, one file after the other.

    Args:
        paths: files of records, each some label bytes and then the red, green and blue plane, row by row.
        num_labels: label bytes at the start of each record.
        image_shape: channels, height and width.

    Returns:
        (images, channels, height, width) and (images, num_labels), uint8.

    Raises:
        DataFileError: a file does not hold whole records.
    """
    record = num_labels + image_shape[0] * image_shape[1] * image_shape[2]
    for path in paths:
        size = path.stat().st_size
        if size == 0 or size % record:
            raise DataFileError(
                f"{path} does not hold whole images.",
                got=f"{size:,} bytes",
                allowed=f"a multiple of {record:,} bytes: {num_labels} label bytes and an image each",
                next_step="fetch the file again",
            )
    data = bytearray().join(path.read_bytes() for path in paths)
    rows = np.frombuffer(data, dtype=np.uint8).reshape(-1, record)
    return np.ascontiguousarray(rows[:, num_labels:]).reshape(-1, *image_shape), rows[:, :num_labels]
