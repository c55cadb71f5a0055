"""Labelled images from folders, in the size and channels a network takes."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from loupe.data import ImageDataset
from loupe.data.image_files import Fit
from loupe.errors import DataError, ShapeError
from loupe.using.asked_files import find_files
from loupe.using.image_answers import Refusal
from loupe.using.opened_run import OpenedRun


@dataclass(frozen=True, eq=False)
class LabelledImages:
    """Images whose class is known, and files left out.

    Args:
        images: each as the network takes it, in the order of the files.
        files: where each comes from.
        refusals: files that could not be read, or whose class nobody knows.
    """

    images: ImageDataset
    files: tuple[Path, ...]
    refusals: tuple[Refusal, ...]


def read_labelled_images(
    opened: OpenedRun, places: Sequence[str | Path], fit: Fit | None = None
) -> LabelledImages:
    """Return the images below folders named after classes.

    Args:
        opened: the network that is to be asked.
        places: folders, and files in a folder named after a class.
        fit: how another size comes to the network's; as in training if left out.

    Raises:
        DataError: a place is not there, or there is no image that can be read and whose class is known.
    """
    classes = {name: label for label, name in enumerate(opened.class_names)}
    pixels, labels, files, refusals = [], [], list[Path](), list[Refusal]()
    for file in find_files(places, opened.class_names):
        if file.true_class is None:
            refusals.append(Refusal(file.path, "no folder above it is called like a class"))
            continue
        try:
            pixels.append(opened.prepare(file.path, fit))
        except DataError as error:
            refusals.append(Refusal(file.path, str(error.got)))
        except ShapeError as error:
            refusals.append(Refusal(file.path, f"{error.got}, not {error.allowed}: --fit says how"))
        else:
            labels.append(classes[file.true_class])
            files.append(file.path)
    if not pixels:
        raise DataError(
            "There is no image here that can be read and whose class is known.",
            got="; ".join(f"{one.file}: {one.reason}" for one in refusals[:3]),
            allowed=f"folders called {', '.join(opened.class_names[:12])}",
            next_step="put images into folders named after their classes; --fit resizes other sizes",
        )
    source = ", ".join(map(str, places))
    images = ImageDataset(torch.stack(pixels), torch.tensor(labels), opened.class_names, source)
    return LabelledImages(images, tuple(files), tuple(refusals))
