"""Generated colour images as files: noise, each class with a pattern of its own."""

from pathlib import Path

import numpy as np
from PIL import Image

BLOCK = 5000


def make_block(start: int, count: int, side: int, num_classes: int = 10) -> tuple[np.ndarray, np.ndarray]:
    """Return images of one block, (count, 3, side, side) uint8, and their labels, (count,) int64."""
    generator = np.random.default_rng(start)
    labels = np.arange(start, start + count) % num_classes
    pixels = generator.integers(0, 200, (count, 3, side, side), dtype=np.uint8)
    for label in np.unique(labels):
        pattern = np.random.default_rng(int(label)).integers(0, 2, (3, side, side), dtype=np.uint8)
        pixels[labels == label] += 55 * pattern
    return pixels, labels


def write_arrays(folder: Path, count: int, side: int, num_classes: int = 10) -> None:
    """Write images.npy and labels.npy, block by block."""
    folder.mkdir(parents=True)
    images = np.lib.format.open_memmap(
        folder / "images.npy", mode="w+", dtype=np.uint8, shape=(count, 3, side, side)
    )
    labels = np.zeros(count, dtype=np.int64)
    for start in range(0, count, BLOCK):
        size = min(BLOCK, count - start)
        block = make_block(start, size, side, num_classes)
        images[start : start + size], labels[start : start + size] = block
    images.flush()
    np.save(folder / "labels.npy", labels)


def write_folder(folder: Path, count: int, side: int, num_classes: int = 10) -> None:
    """Write PNG files, a sub-folder a class."""
    for label in range(num_classes):
        (folder / f"class-{label}").mkdir(parents=True)
    for start in range(0, count, BLOCK):
        pixels, labels = make_block(start, min(BLOCK, count - start), side, num_classes)
        for index, (image, label) in enumerate(zip(pixels, labels, strict=True), start):
            path = folder / f"class-{label}" / f"{index}.png"
            Image.fromarray(image.transpose(1, 2, 0)).save(path, compress_level=1)
