"""Folders of small images, as people have them."""

from pathlib import Path

import numpy as np
from PIL import Image

from loupe.data import Dataset, load_dataset


def save(path: Path, shade: int, size: tuple[int, int] = (6, 4)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.full((*size, 3), shade, np.uint8)
    pixels[0, 0] = (shade, 255 - shade, 7)
    Image.fromarray(pixels).save(path)


def fill(
    root: Path,
    parts: tuple[str, ...] = ("train", "test"),
    count: int = 3,
    classes: tuple[str, ...] = ("cat", "dog"),
) -> Path:
    for number, part in enumerate(parts):
        for label, name in enumerate(classes):
            for index in range(count):
                save(root / part / name / f"{index}.png", 60 * number + 20 * label + index)
    return root


def load(root: Path, **settings: object) -> Dataset:
    return load_dataset("folder", path=str(root), **settings)
