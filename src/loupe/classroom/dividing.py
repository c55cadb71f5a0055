"""Which images of an exercise's data are hidden, and which go to students."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from loupe.classroom.schema import HiddenPart
from loupe.data import Dataset, ImageDataset
from loupe.data.identity import is_among, to_keys
from loupe.data.stratified import hold_out
from loupe.errors import DataError
from loupe.runtime import Streams


@dataclass(frozen=True, eq=False)
class Divided:
    """The images of an exercise, none of them on both sides.

    Args:
        hidden: what the teacher keeps.
        parts: what students get, by "train", "validation" (if the data has such) and "test".
        num_copies: images left out of the pack because they are equal to a hidden one.
    """

    hidden: ImageDataset
    parts: Mapping[str, ImageDataset]
    num_copies: int


def divide(dataset: Dataset, hidden: HiddenPart, seed: int) -> Divided:
    """Return the hidden images, stratified by class, and the rest.

    Of images with equal pixels one can be hidden, and its copies are left out of the pack.

    Args:
        dataset: the exercise's data; its test set is opened, for the teacher.
        hidden: how many, and from where.
        seed: of the draw.

    Raises:
        DataError: one side would lack a class.
    """
    test = dataset.test.open("loupe class make: hidden images are set apart")
    parts = {"train": dataset.train, "validation": dataset.validation, "test": test}
    present = {name: part for name, part in parts.items() if part is not None}
    pool = {name: part for name, part in present.items() if hidden.of == "all" or name == "test"}
    origins = torch.cat([_number(part, index) for index, part in enumerate(pool.values())])
    labels = torch.cat([part.labels for part in pool.values()])
    first = _find_first([key for part in pool.values() for key in to_keys(part.table.digests)])
    _, held = hold_out(
        labels[first],
        hidden.part,
        Streams(seed).generator("hidden images"),
        num_classes=test.num_classes,
        setting="hidden.part",
    )
    chosen = origins[first[held]]
    kept = [part.select(chosen[chosen[:, 0] == index, 1]) for index, part in enumerate(pool.values())]
    secret = _join(kept)
    known = set(to_keys(secret.table.digests))
    rest = {name: _leave_out(part, known) for name, part in present.items()}
    for name, part in rest.items():
        _refuse_missing(part, name)
    num_copies = sum(map(len, present.values())) - sum(map(len, rest.values())) - len(secret)
    return Divided(secret, rest, num_copies)


def _leave_out(part: ImageDataset, known: set[bytes]) -> ImageDataset:
    """Return the images that are equal to none of `known`."""
    return part.select((~is_among(part.table.digests, known)).nonzero().flatten())


def _number(part: ImageDataset, index: int) -> Tensor:
    """Return (images, 2) int64: which part an image is of, and where in it."""
    return torch.stack([torch.full((len(part),), index), torch.arange(len(part))], 1)


def _find_first(keys: list[bytes]) -> Tensor:
    """Return the index of the first image of each digest, (images,) int64, sorted."""
    first: dict[bytes, int] = {}
    for index, key in enumerate(keys):
        first.setdefault(key, index)
    return torch.tensor(sorted(first.values()), dtype=torch.int64)


def _join(parts: list[ImageDataset]) -> ImageDataset:
    """Return several parts as one, without files or origins: what is hidden has no place."""
    images, labels = torch.cat([one.pixels for one in parts]), torch.cat([one.labels for one in parts])
    return ImageDataset(images, labels, parts[0].class_names, "hidden images of the exercise")


def _refuse_missing(part: ImageDataset, name: str) -> None:
    counts = part.class_counts()
    missing = [one for one, count in zip(part.class_names, counts, strict=True) if not count]
    if missing:
        raise DataError(
            f"The students' {name} images would hold none of some class.",
            got=", ".join(missing),
            allowed="at least one image of each class on every side",
            next_step="lower hidden.part",
        )
