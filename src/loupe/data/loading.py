"""A dataset by its name: read, its parts held against one another, its test images behind their door."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from loupe.data.dataset import ImageDataset
from loupe.data.known_sides import KnownSides, take_sides
from loupe.data.locked_test import LockedTest
from loupe.data.part_checks import find_similar_names, refuse_unequal_parts
from loupe.data.placing import InMemory, place_images
from loupe.data.sides import refuse_missing_test_classes
from loupe.data.sources import SOURCES, SourceImages
from loupe.errors import DataError


@dataclass(frozen=True)
class Dataset:
    """A dataset as its publisher divides it; the test images behind their door.

    Args:
        can_grow: whether files come and go, so that sides have to follow from the images themselves.
        test_part: with what probability an image became a test image; None if the test images are given.
        settled: (training images,) bool, those that a record puts there: they are no validation images.
        notes: what a reader should know of how the images were read, a sentence each.
        unreadable: files that could not be read and were left out, each with its reason.
        storage: in words, where the images are held, where that is not simply in memory.
    """

    train: ImageDataset
    test: LockedTest
    validation: ImageDataset | None = None
    can_grow: bool = False
    test_part: float | None = None
    settled: Tensor | None = None
    notes: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()
    storage: tuple[str, ...] = ()

    @property
    def is_in_memory(self) -> bool:
        """Whether the images are held in memory, not read from disk as they are needed."""
        return isinstance(self.train.images, Tensor)


def load_dataset(
    name: str,
    *,
    classes: Sequence[str | int] | None = None,
    sides: KnownSides | None = None,
    in_memory: InMemory = True,
    processes: int = 1,
    is_on_cpu: bool = True,
    **settings: Any,
) -> Dataset:
    """Return the dataset called `name`, with some classes only if so wished.

    Args:
        name: registered name; `loupe datasets` lists them.
        classes: classes to keep, by name or index, relabelled 0, 1, … in this order.
        sides: the side of each image where an earlier run or a manifest says it.
        in_memory: whether all images are held in memory; else those that lie in files which can be mapped are
            `StoredImages`, read as they are needed. "auto" decides by their size.
        processes: that will each hold these images.
        is_on_cpu: whether these compute on a CPU.
        settings: the source's own settings, such as a folder's `path`.

    Raises:
        UnknownNameError: there is no such dataset.
        DataError: classes that do not exist, files that are missing or damaged, parts that do not fit.
    """
    source = SOURCES.build(name, settings)
    if not isinstance(source, SourceImages):
        raise DataError(
            f"Dataset {name!r} returned no images.",
            got=type(source).__name__,
            allowed="SourceImages(train=ImageDataset(…), test=ImageDataset(…))",
            next_step="mend the function registered under that name",
        )
    can_grow = bool(SOURCES.facts(name).get("can_grow"))
    source, storage = place_images(source, in_memory, processes, is_on_cpu=is_on_cpu)
    dataset = lock_dataset(name, source, classes=classes, sides=sides, can_grow=can_grow)
    return replace(dataset, storage=storage)


def lock_dataset(
    name: str,
    source: SourceImages,
    *,
    classes: Sequence[str | int] | None = None,
    sides: KnownSides | None = None,
    can_grow: bool = False,
) -> Dataset:
    """Return what a source delivers, its test images behind their door.

    Args:
        name: of the dataset, for messages.
        source: the images.
        classes: as `load_dataset`.
        sides: as `load_dataset`.
        can_grow: whether files come and go.

    Raises:
        DataError: parts that do not fit one another, classes that do not exist.
    """
    refuse_unequal_parts(name, source)
    if classes is not None:
        source = replace(
            source,
            train=source.train.keep_classes(classes),
            test=source.test.keep_classes(classes),
            validation=source.validation.keep_classes(classes) if source.validation is not None else None,
        )
    settled = None
    if sides is None and source.test_part is not None:
        names = source.train.class_names
        refuse_missing_test_classes(
            source.train.table,
            source.test.table,
            source.test_part,
            names,
            num_kept=2 if source.validation is None else 1,
        )
    if sides is not None:
        source, settled = take_sides(source, sides)
        if settled is not None and not can_grow:  # all other images are where the publisher has them
            settled = torch.ones_like(settled)
    return Dataset(
        source.train,
        LockedTest(source.test),
        source.validation,
        can_grow,
        source.test_part,
        settled,
        (*source.notes, *(find_similar_names(source.train.class_names) if can_grow else ())),
        source.unreadable,
    )
