"""Where images come from, how they are split, and how a batch is made."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from loupe.data.augmentations import AUGMENTATIONS as AUGMENTATIONS
from loupe.data.augmentations import Augmentation as Augmentation
from loupe.data.augmentations import build_augmentation as build_augmentation
from loupe.data.augmentations import register_augmentation as register_augmentation
from loupe.data.batches import EvaluationBatches as EvaluationBatches
from loupe.data.batches import TrainingBatches as TrainingBatches
from loupe.data.dataset import ImageDataset as ImageDataset
from loupe.data.folds import draw_folds, find_working_folds
from loupe.data.identity import join_tables
from loupe.data.known_sides import KnownSides as KnownSides
from loupe.data.known_sides import join_datasets, take_sides
from loupe.data.locked_test import LockedTest as LockedTest
from loupe.data.locked_test import Opening as Opening
from loupe.data.mixes import MIXES as MIXES
from loupe.data.mixes import build_mix as build_mix
from loupe.data.mixes import register_mix as register_mix
from loupe.data.part_checks import find_similar_names, refuse_unequal_parts
from loupe.data.placing import InMemory as InMemory
from loupe.data.placing import place_images
from loupe.data.sides import (
    Side,
    describe_draw,
    draw_numbers,
    find_working_amount,
    hold_out_by_image,
    refuse_missing_classes,
    refuse_missing_test_classes,
    refuse_too_few_beside_test,
)
from loupe.data.sources import SOURCES as SOURCES
from loupe.data.sources import SourceImages as SourceImages
from loupe.data.sources import register_dataset as register_dataset
from loupe.data.split import hold_out, stratified_order, take_fraction
from loupe.data.stored_images import Images as Images
from loupe.data.stored_images import StoredImages as StoredImages
from loupe.errors import DataError
from loupe.runtime import Streams


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


@dataclass(frozen=True)
class Splits:
    """What a run works with: disjoint training and validation images, and the locked test set.

    Args:
        draws: in words, how many images each side was to get and got, where that is chance.
        changes: in words, what was done to training images on purpose, and what was corrected.
    """

    train: ImageDataset
    validation: ImageDataset
    test: LockedTest
    draws: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()


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


def split_dataset(
    dataset: Dataset,
    *,
    validation: int | float,
    fraction: float = 1.0,
    seed: int = 0,
    fold: tuple[int, int] | None = None,
) -> Splits:
    """Return training, validation and locked test images.

    Validation images are carved from the training images, stratified, before a fraction is taken, so
    they are the same for every fraction. A dataset with validation images of its own keeps them. Where files
    come and go, each image is drawn by its own digest instead (`sides.py`).

    Args:
        dataset: from `load_dataset`.
        validation: images to hold out, a count or a fraction in (0, 1).
        fraction: part of the remaining training images to use, in (0, 1].
        seed: decides both draws.
        fold: which of how many parts validates, (1, 5), in the place of `validation`; the dataset's own
            validation images are among the parts.

    Raises:
        DataError: one of the parts would lack a class, or the sides are those of a record.
    """
    part, names = dataset.test_part, dataset.train.class_names
    if part is not None and dataset.validation is None and dataset.settled is None:
        refuse_too_few_beside_test(dataset.train.table, dataset.test.table, part, names)
    if fold is not None:
        dataset = hold_out_fold(dataset, fold, seed)
    if dataset.can_grow or dataset.settled is not None:
        return split_by_image(dataset, validation=validation, fraction=fraction, seed=seed)
    streams, num_classes = Streams(seed), dataset.train.num_classes
    train, held_out = dataset.train, dataset.validation
    if held_out is None:
        generator = streams.generator("validation split")
        kept, held = hold_out(train.labels, validation, generator, num_classes=num_classes)
        train, held_out = train.select(kept), train.select(held)
    if fraction < 1:
        generator = streams.generator("training fraction")
        train = train.select(take_fraction(train.labels, fraction, generator, num_classes=num_classes))
    return Splits(train, held_out, dataset.test.for_run())


def hold_out_fold(dataset: Dataset, fold: tuple[int, int], seed: int) -> Dataset:
    """Return a dataset whose validation images are one of several parts of all its images but the test set.

    Over all parts each image validates once. The parts are stratified and equal up to an image; where files
    come and go, each image has its part by its own digest, so that equal images are in one part.

    Args:
        dataset: from `load_dataset`.
        fold: number of the part, 1, 2, …, and how many there are.
        seed: decides what is in which part.

    Raises:
        DataError: a part would lack a class, or the sides are those of a record.
    """
    if dataset.settled is not None:
        raise DataError(
            "The sides of the images are those of a record: there is nothing to divide into folds.",
            got="data.fold beside data.sides_of",
            allowed="one of the two",
            next_step="leave data.sides_of out",
        )
    number, parts = fold
    images = dataset.train
    if dataset.validation is not None:
        images = join_datasets([images, dataset.validation])
    of_each = draw_folds(images, parts, seed, by_image=dataset.can_grow)
    kept, held_out = (of_each != number).nonzero().flatten(), (of_each == number).nonzero().flatten()
    refuse_missing_classes(
        images.table,
        [Side("training", kept), Side("validation", held_out, only_judges=True)],
        images.class_names,
        f"data.fold of {parts}",
        lambda: find_working_folds(images, parts, seed, by_image=dataset.can_grow),
    )
    return replace(dataset, train=images.select(kept), validation=images.select(held_out))


def split_by_image(dataset: Dataset, *, validation: int | float, fraction: float, seed: int) -> Splits:
    """Return the splits of data that grows, each image on a side of its own; arguments as `split_dataset`.

    Raises:
        DataError: a part would hold no image of some class.
    """
    train, held_out, names, draws = dataset.train, dataset.validation, dataset.train.class_names, []
    if dataset.test_part is not None:
        tables = join_tables(train.table, dataset.test.table)
        draws.append(describe_draw(tables, dataset.test_part, len(dataset.test), "test"))
    if held_out is None or dataset.settled is not None:
        is_settled = torch.zeros(len(train), dtype=torch.bool) if dataset.settled is None else dataset.settled
        kept, held_out = hold_out_new(train, held_out, is_settled, validation, f"validation {seed}")
        if dataset.settled is None and isinstance(validation, float):
            draws.append(describe_draw(train.table, validation, len(held_out), "validation"))
        elif dataset.settled is None:
            draws.append(
                f"data.validation = {validation} is a count: as files come and go, some images change "
                "between training and validation. A fraction keeps each on its side."
            )
        train = train.select(kept)
    if fraction < 1 and not dataset.can_grow:
        generator = Streams(seed).generator("training fraction")
        train = train.select(take_fraction(train.labels, fraction, generator, num_classes=len(names)))
    elif fraction < 1:
        numbers = draw_numbers(train.table.identities, f"fraction {seed}")
        taken = (numbers < fraction).nonzero().flatten()
        refuse_missing_classes(
            train.table,
            [Side("training", taken)],
            names,
            f"data.fraction = {fraction:g}",
            lambda: find_working_amount(train.table.labels, numbers, fraction, is_part=True),
        )
        draws.append(describe_draw(train.table, fraction, len(taken), "training"))
        train = train.select(taken)
    return Splits(train, held_out, dataset.test.for_run(), tuple(draws))


def hold_out_new(
    train: ImageDataset,
    settled_validation: ImageDataset | None,
    is_settled: Tensor,
    amount: int | float,
    purpose: str,
) -> tuple[Tensor, ImageDataset]:
    """Return which training images stay, and the validation images: those settled, and of new ones some.

    Args:
        train: training images.
        settled_validation: validation images that a record names; None if none does.
        is_settled: (images,) bool, training images that a record names: they stay.
        amount: of the others, as `split_dataset`.
        purpose: of the draw.

    Raises:
        DataError: no record names any side, and one would hold no image of some class.
    """
    if settled_validation is None:
        setting = {"class_names": train.class_names, "setting": "data.validation"}
        kept, held_out = hold_out_by_image(train.table, amount, purpose, **setting)  # type: ignore[arg-type]
        return kept, train.select(held_out)
    part = amount if isinstance(amount, float) else min(0.5, amount / max(1, len(train)))
    is_held_out = (draw_numbers(train.table.identities, purpose) < part) & ~is_settled
    new = train.select(is_held_out.nonzero().flatten())
    return (~is_held_out).nonzero().flatten(), join_datasets([settled_validation, new])


def take_stratified(dataset: ImageDataset, count: int, seed: int) -> ImageDataset:
    """Return a fixed stratified subset of at most `count` images."""
    return dataset.select(pick_stratified(dataset.labels, count, seed))


def pick_stratified(labels: torch.Tensor, count: int, seed: int) -> torch.Tensor:
    """Return a fixed stratified choice of at most `count` images, (chosen,) int64 indices, sorted."""
    generator: torch.Generator = Streams(seed).generator("stratified subset")
    return stratified_order(labels, generator)[:count].sort().values
