"""Training images made harder on purpose: a long tail of classes, and labels that are wrong.

For learning and for tests of remedies. Validation and test images are never touched, and what was done is
said wherever figures are shown. Each image draws its own numbers from its digest and a seed (`sides.py`), so
that a longer tail lies inside a shorter one and more noise holds what less noise changed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal

import torch
from torch import Tensor

from loupe.data.dataset import ImageDataset, find_classes
from loupe.data.sides import draw_numbers
from loupe.errors import DataError
from loupe.wording import quote_name

NoiseKind = Literal["symmetric", "pairwise", "confusion"]
_TABLE = "data.label_noise.confusion"


def thin_out(images: ImageDataset, ratio: float, seed: int) -> ImageDataset:
    """Return images whose classes shrink geometrically, the last of k to 1 / ratio of its images.

    Class c (0, 1, …) keeps the part ratio^(-c / (k - 1)) of its images, one at the least (Cui et al., 2019,
    arXiv:1901.05555).

    Args:
        images: training images.
        ratio: of the parts kept of the first and of the last class, ≥ 1.
        seed: decides which images are kept.
    """
    numbers = draw_numbers(images.table.identities, f"long tail {seed}")
    last = max(1, images.num_classes - 1)
    kept = [
        _take_first(images.labels, numbers, label, ratio ** (-label / last), at_least=1)
        for label in range(images.num_classes)
    ]
    return images.select(torch.cat(kept).sort().values)


def change_labels(
    images: ImageDataset,
    kind: NoiseKind,
    share: float,
    seed: int,
    confusion: Mapping[str, Mapping[str, float]] | None = None,
) -> tuple[ImageDataset, Tensor]:
    """Return the images with some labels wrong, and which those are, (changed,) int64, sorted.

    Args:
        images: training images.
        kind: "symmetric" takes any other class, "pairwise" the next one (the first after the last),
            "confusion" those of the table.
        share: part of each class that is changed, in (0, 1), up to rounding.
        seed: decides which, and to what.
        confusion: class → classes it is taken for → their proportions; classes left out are not changed.

    Raises:
        DataError: the table names a class that is not there, or a class as its own mistake.
    """
    names = images.class_names
    labels, where = draw_labels(images.labels, images.table.identities, names, kind, share, seed, confusion)
    return relabel(images, labels), where


def draw_labels(
    true: Tensor,
    identities: Tensor,
    names: Sequence[str],
    kind: NoiseKind,
    share: float,
    seed: int,
    confusion: Mapping[str, Mapping[str, float]] | None = None,
) -> tuple[Tensor, Tensor]:
    """Return labels of which some are wrong, (images,) int64, and which those are; no image is needed.

    Args:
        true: (images,) int64, the labels as they are.
        identities: (images, 16) uint8, digests of the images.
        names: of the classes.
        kind, share, seed, confusion: as `change_labels` has them.

    Raises:
        DataError: as `change_labels` does.
    """
    odds = _find_odds(kind, names, confusion)
    order, targets = (draw_numbers(identities, f"label noise {what} {seed}") for what in ("which", "what"))
    labels, changed = true.clone(), []
    for label in range(len(names)):
        if not odds[label].sum():
            continue
        chosen = _take_first(true, order, label, share)
        limits = (odds[label] / odds[label].sum()).cumsum(0)
        limits[-1] = 1.0  # rounding must leave no image without a class
        labels[chosen] = torch.searchsorted(limits, targets[chosen], right=True)
        changed.append(chosen)
    where = torch.cat(changed).sort().values if changed else torch.zeros(0, dtype=torch.int64)
    return labels, where


def relabel(images: ImageDataset, labels: Tensor) -> ImageDataset:
    """Return the images with other labels, (images,) int64, of the same classes."""
    changed = replace(images, labels=labels)
    if "table" in vars(images):  # the pixels are the same: no need to digest them again
        vars(changed)["table"] = replace(images.table, labels=labels.cpu())
    return changed


def inject(
    train: ImageDataset,
    seed: int,
    *,
    long_tail: float | None = None,
    noise: tuple[NoiseKind, float, Mapping[str, Mapping[str, float]] | None] | None = None,
) -> tuple[ImageDataset, tuple[str, ...]]:
    """Return training images with what a recipe asks for done to them, and what was done, in sentences.

    Args:
        train: training images.
        seed: decides what happens to which image.
        long_tail: ratio of `thin_out`; None for none.
        noise: kind, share and table of `change_labels`; None for none.

    Raises:
        DataError: a table that does not fit the classes.
    """
    said = []
    if long_tail is not None:
        before, train = len(train), thin_out(train, long_tail, seed)
        counts, names = train.class_counts(), [quote_name(one) for one in train.class_names]
        said.append(
            f"On purpose (data.long_tail = {long_tail:g}) {before - len(train):,} of {before:,} training "
            f"images were left out: {names[0]} has {counts[0]:,}, {names[-1]} {counts[-1]:,}. "
            "Validation and test images are as they were."
        )
    if noise is not None:
        kind, share, confusion = noise
        train, changed = change_labels(train, kind, share, seed, confusion)
        said.append(
            f"On purpose (data.label_noise, {kind}, share {share:g}) {len(changed):,} of {len(train):,} "
            "training labels were made wrong. Validation and test labels are as they were."
        )
    return train, tuple(said)


def _take_first(labels: Tensor, numbers: Tensor, label: int, part: float, at_least: int = 0) -> Tensor:
    """Return the part of a class's images with the least numbers, rounded, (taken,) int64."""
    members = (labels.cpu() == label).nonzero().flatten()
    count = max(min(at_least, len(members)), round(part * len(members)))
    return members[numbers[members].argsort(stable=True)[:count]]


def _find_odds(
    kind: NoiseKind, names: Sequence[str], confusion: Mapping[str, Mapping[str, float]] | None
) -> Tensor:
    """Return how likely each class is to be taken for each other, (classes, classes) float64."""
    size = len(names)
    odds = torch.zeros(size, size, dtype=torch.float64)
    if kind == "symmetric":
        return 1 - torch.eye(size, dtype=torch.float64)
    if kind == "pairwise":
        for label in range(size):
            odds[label, (label + 1) % size] = 1
        return odds
    for true, taken_for in (confusion or {}).items():
        (row,) = find_classes(names, [true], _TABLE)
        for name, weight in taken_for.items():
            (column,) = find_classes(names, [name], _TABLE)
            odds[row, column] = weight
        if odds[row, row]:
            raise DataError(
                f"data.label_noise takes {quote_name(names[row])} for itself, which is no wrong label.",
                got=f"confusion.{true} names {true}",
                allowed="other classes",
                next_step=f"leave {true} out of data.label_noise.confusion.{true}",
            )
    return odds
