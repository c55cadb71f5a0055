"""Where images come from, how they are split, and how a batch is made."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from loupe.data.augmentations import AUGMENTATIONS as AUGMENTATIONS
from loupe.data.augmentations import Augmentation as Augmentation
from loupe.data.augmentations import build_augmentation as build_augmentation
from loupe.data.augmentations import register_augmentation as register_augmentation
from loupe.data.batches import EvaluationBatches as EvaluationBatches
from loupe.data.batches import TrainingBatches as TrainingBatches
from loupe.data.dataset import ImageDataset as ImageDataset
from loupe.data.locked_test import LockedTest as LockedTest
from loupe.data.locked_test import Opening as Opening
from loupe.data.mixes import MIXES as MIXES
from loupe.data.mixes import build_mix as build_mix
from loupe.data.mixes import register_mix as register_mix
from loupe.data.sources import SOURCES as SOURCES
from loupe.data.sources import SourceImages as SourceImages
from loupe.data.sources import register_dataset as register_dataset
from loupe.data.split import hold_out, stratified_order, take_fraction
from loupe.runtime import Streams


@dataclass(frozen=True)
class Dataset:
    """A dataset as its publisher divides it; the test images behind their door."""

    train: ImageDataset
    test: LockedTest
    validation: ImageDataset | None = None


@dataclass(frozen=True)
class Splits:
    """What a run works with: disjoint training and validation images, and the locked test set."""

    train: ImageDataset
    validation: ImageDataset
    test: LockedTest


def load_dataset(name: str, *, classes: Sequence[str | int] | None = None, **settings: Any) -> Dataset:
    """Return the dataset called `name`, with some classes only if so wished.

    Args:
        name: registered name; `loupe datasets` lists them.
        classes: classes to keep, by name or index, relabelled 0, 1, … in this order.
        settings: the source's own settings, such as a folder's `path`.

    Raises:
        UnknownNameError: there is no such dataset.
        DataError: classes that do not exist, files that are missing or damaged.
    """
    source: SourceImages = SOURCES.build(name, settings)
    dataset = Dataset(source.train, LockedTest(source.test), source.validation)
    if classes is None:
        return dataset
    return Dataset(
        dataset.train.keep_classes(classes),
        dataset.test.keep_classes(classes),
        dataset.validation.keep_classes(classes) if dataset.validation is not None else None,
    )


def split_dataset(
    dataset: Dataset, *, validation: int | float, fraction: float = 1.0, seed: int = 0
) -> Splits:
    """Return training, validation and locked test images.

    Validation images are carved from the training images, stratified, before a fraction is taken, so
    they are the same for every fraction. A dataset with validation images of its own keeps them.

    Args:
        dataset: from `load_dataset`.
        validation: images to hold out, a count or a fraction in (0, 1).
        fraction: part of the remaining training images to use, in (0, 1].
        seed: decides both draws.

    Raises:
        DataError: one of the parts would lack a class.
    """
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


def take_stratified(dataset: ImageDataset, count: int, seed: int) -> ImageDataset:
    """Return a fixed stratified subset of at most `count` images."""
    return dataset.select(pick_stratified(dataset.labels, count, seed))


def pick_stratified(labels: torch.Tensor, count: int, seed: int) -> torch.Tensor:
    """Return a fixed stratified choice of at most `count` images, (chosen,) int64 indices, sorted."""
    generator: torch.Generator = Streams(seed).generator("stratified subset")
    return stratified_order(labels, generator)[:count].sort().values
