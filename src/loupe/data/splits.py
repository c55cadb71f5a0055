"""A dataset divided for a run: training, validation and locked test images."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from loupe.data.dataset import ImageDataset
from loupe.data.folds import draw_folds, find_working_folds
from loupe.data.identity import join_tables
from loupe.data.known_sides import join_datasets
from loupe.data.loading import Dataset
from loupe.data.locked_test import LockedTest
from loupe.data.missing_classes import Side, find_working_amount, refuse_missing_classes
from loupe.data.sides import describe_draw, draw_numbers, hold_out_by_image, refuse_too_few_beside_test
from loupe.data.stratified import hold_out, take_fraction
from loupe.errors import DataError
from loupe.runtime import Streams


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
        kept, held_out = hold_out_by_image(
            train.table, amount, purpose, class_names=train.class_names, setting="data.validation"
        )
        return kept, train.select(held_out)
    part = amount if isinstance(amount, float) else min(0.5, amount / max(1, len(train)))
    is_held_out = (draw_numbers(train.table.identities, purpose) < part) & ~is_settled
    new = train.select(is_held_out.nonzero().flatten())
    return (~is_held_out).nonzero().flatten(), join_datasets([settled_validation, new])
