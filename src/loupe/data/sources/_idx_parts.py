"""Sets of idx files as images with labels; shared by the sources that come as such."""

from pathlib import Path

import numpy as np
import torch

from loupe.data.dataset import ImageDataset
from loupe.data.official_files import OfficialFile, OfficialSet, describe_unproven, locate
from loupe.data.readers.idx import read_idx
from loupe.data.sources import SourceImages

DIGITS = tuple("0123456789")
_HEADERS = {"images": 16, "labels": 8}  # bytes before the values


def list_idx_files(parts: dict[str, int], digests: dict[str, tuple[str, str]]) -> tuple[OfficialFile, ...]:
    """Return the four files of a set of 28 x 28 pixels: for each part its images and its labels.

    Args:
        parts: how many images a part has, by the start of its files' names, such as `train`.
        digests: the digests of each file, packed and (empty if unknown) unpacked, by the rest of its name.
    """
    files = []
    for part, count in parts.items():
        for kind, axes, size in (("images", 3, 28 * 28), ("labels", 1, 1)):
            packed, unpacked = digests[f"{part}-{kind}"]
            name = f"{part}-{kind}-idx{axes}-ubyte.gz"
            files.append(OfficialFile(name, packed, unpacked, _HEADERS[kind] + count * size))
    return tuple(files)


def load_idx_set(
    official: OfficialSet,
    class_names: tuple[str, ...],
    *,
    first_label: int = 0,
    is_transposed: bool = False,
) -> SourceImages:
    """Return the training and the test images of a set of four idx files.

    Args:
        official: the set; its files are training images, training labels, test images, test labels.
        class_names: one a class.
        first_label: the label of the first class in the files.
        is_transposed: whether the files hold columns where others hold rows.
    """
    paths = locate(official)
    train_images, train_labels, test_images, test_labels = (paths[file.name] for file in official.files)

    def read(images: Path, labels: Path) -> ImageDataset:
        return read_idx_part(
            images, labels, class_names, official.title, first_label=first_label, is_transposed=is_transposed
        )

    return SourceImages(
        read(train_images, train_labels),
        read(test_images, test_labels),
        notes=describe_unproven(official, paths),
    )


def read_idx_part(
    images: Path,
    labels: Path,
    class_names: tuple[str, ...],
    title: str,
    *,
    first_label: int = 0,
    is_transposed: bool = False,
) -> ImageDataset:
    """Return grey images and their labels; where a label is several numbers, the first is the class."""
    pixels, numbers = read_idx(images), read_idx(labels)
    pixels = pixels.transpose(0, 2, 1) if is_transposed else pixels
    numbers = numbers[:, 0] if numbers.ndim == 2 else numbers
    return ImageDataset(
        torch.from_numpy(np.ascontiguousarray(pixels))[:, None],
        torch.from_numpy(numbers.astype(np.int64) - first_label),
        class_names,
        title,
    )
