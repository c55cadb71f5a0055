"""Corrections held against the images of a recipe, and carried out on its splits."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch

from loupe.data.corrections import NEXT_STEP, Action, Correction, Corrections
from loupe.data.dataset import ImageDataset, find_classes
from loupe.data.identity import ImageTable, to_keys
from loupe.data.missing_classes import Side, refuse_missing_classes
from loupe.errors import DataError, suggest

if TYPE_CHECKING:
    from loupe.data.loading import Dataset
    from loupe.data.splits import Splits

_MOST_NAMED = 3


@dataclass(frozen=True)
class FoundCorrections:
    """A list held against the data.

    Args:
        by_index: what is to be done with which image, by its place among the training images, then the
            validation images.
        new_labels: label of each image that gets another one, by place; None for a class that the recipe
            leaves out.
        num_gone: lines whose image is not in the data any more.
        num_of_test: lines whose image is a test image here.
    """

    by_index: Mapping[int, Correction]
    new_labels: Mapping[int, int | None]
    num_gone: int = 0
    num_of_test: int = 0


def find_corrected(
    corrections: Corrections, dataset: "Dataset", *, is_part: bool = False
) -> FoundCorrections:
    """Return which image each line is about; no pixel of a test image is looked at.

    Args:
        corrections: the list.
        dataset: the images, before they are divided.
        is_part: whether the recipe leaves classes out: then missing files and classes are no mistake.

    Raises:
        DataError: a file, an index or a class that is not there, two lines about one image that differ, or a
            list of which no image is in the data.
    """
    tables = [part.table for part in (dataset.train, dataset.validation) if part is not None]
    places = _Places(tables)
    test_keys, test_paths = dataset.test.table.keys(), set(dataset.test.table.paths or ())
    found: dict[int, Correction] = {}
    num_gone = num_of_test = 0
    for one in _sort_exact_first(corrections.lines, places):
        indices = places.find(one, found)
        for index in indices:
            before = found.setdefault(index, one)
            if (before.action, before.label) != (one.action, one.label):
                raise DataError(
                    f"{corrections.origin} says two things of {one.name}.",
                    got=f"{_say(before)} in line {before.line}, {_say(one)} in line {one.line}",
                    allowed="one line an image",
                    next_step=NEXT_STEP,
                )
        if not indices and (one.image in test_keys if one.image else one.file in test_paths):
            num_of_test += 1
        elif not indices and (one.image is not None or is_part):
            num_gone += 1
        elif not indices:
            raise _refuse_unknown(corrections.origin, one, places)
    if corrections.lines and num_gone == len(corrections.lines):
        raise DataError(
            f"None of the images of {corrections.origin} is in the data.",
            got=", ".join(one.name for one in corrections.lines[:_MOST_NAMED]),
            allowed="corrections of these images, which are known by their pixels",
            next_step="name the list that belongs to this data in data.corrections",
        )
    names = dataset.train.class_names
    labels = {
        index: _find_label(corrections.origin, one, names, is_part=is_part)
        for index, one in found.items()
        if one.action == "relabel"
    }
    return FoundCorrections(found, labels, num_gone, num_of_test)


class _Places:
    """Where images are, by what a line may call them."""

    def __init__(self, tables: Sequence[ImageTable]) -> None:
        self.count = sum(map(len, tables))
        keys = [key for table in tables for key in to_keys(table.identities)]
        self.paths = [path for table in tables for path in (table.paths or ("",) * len(table))]
        self.by_path = {path: index for index, path in enumerate(self.paths) if path}
        self.by_key: dict[bytes, list[int]] = {}
        for index, key in enumerate(keys):
            self.by_key.setdefault(key, []).append(index)

    def is_exact(self, one: Correction) -> bool:
        """Return whether a line's file or index is where its digest is."""
        same = self.by_key.get(one.image or b"", [])
        return self.by_path.get(one.file) in same or (not self.by_path and one.index in same)

    def find(self, one: Correction, taken: Mapping[int, Correction]) -> list[int]:
        """Return the images a line is about; of equal ones that named, else one that is not taken yet."""
        if one.image is None:
            index = self.by_path.get(one.file) if one.file else one.index
            return [index] if index is not None and index < self.count else []
        same = self.by_key.get(one.image, [])
        if len(same) < 2 or not (one.file or one.index is not None):
            return same
        named = self.by_path.get(one.file) if self.by_path else one.index
        if named in same:
            return [named] if named is not None else []
        return [index for index in same if index not in taken][:1]


def _sort_exact_first(lines: Iterable[Correction], places: _Places) -> list[Correction]:
    return sorted(lines, key=lambda one: not places.is_exact(one))


def _say(one: Correction) -> str:
    return f"{one.action} {one.label}".strip()


def _refuse_unknown(origin: str, one: Correction, places: _Places) -> DataError:
    by_file = bool(one.file)
    return DataError(
        f"{origin} names an image that is not in the data, in line {one.line}.",
        got=one.name,
        allowed="paths relative to the data"
        if by_file
        else f"0 to {places.count - 1}: training images, then validation images",
        nearest=suggest(one.file, places.by_path) if by_file else None,
        next_step=NEXT_STEP,
    )


def _find_label(origin: str, one: Correction, names: Sequence[str], *, is_part: bool) -> int | None:
    try:
        (label,) = find_classes(names, [one.label])
    except DataError as error:
        if is_part:
            return None
        error.message = f"{origin} names a class that is not there, in line {one.line}."
        error.next_step = NEXT_STEP
        error.args = (error.message,)
        raise
    return label


def correct_splits(splits: "Splits", dataset: "Dataset", found: FoundCorrections, origin: str) -> "Splits":
    """Return splits whose training and validation images are corrected, and what was done in a sentence.

    Args:
        splits: of the dataset; images keep their sides.
        dataset: the images, before they were divided.
        found: the list, held against them.
        origin: its name, for the sentence.

    Raises:
        DataError: a class would lose all its images of a side.
    """
    waiting = _name_images(dataset, found)
    train, train_counts = _correct(splits.train, waiting)
    validation, validation_counts = _correct(splits.validation, waiting)
    for name, before, images in (
        ("training", splits.train, train),
        ("validation", splits.validation, validation),
    ):
        if 0 not in before.class_counts():
            side = Side(name, torch.arange(len(images)))
            refuse_missing_classes(images.table, [side], images.class_names, f"data.corrections {origin}")
    said = _describe(origin, {"training": train_counts, "validation": validation_counts}, found)
    return replace(splits, train=train, validation=validation, changes=(*splits.changes, said))


_Waiting = dict[tuple[bytes, str, int], list[tuple[Action, int | None]]]


def _name_images(dataset: "Dataset", found: FoundCorrections) -> _Waiting:
    """Return what is to be done with images by what they are; equal ones of a label are interchangeable."""
    waiting: _Waiting = {}
    tables = [part.table for part in (dataset.train, dataset.validation) if part is not None]
    names = [name for table in tables for name in _list_names(table)]
    for index, one in found.by_index.items():
        if one.action != "keep":
            waiting.setdefault(names[index], []).append((one.action, found.new_labels.get(index)))
    return waiting


def _list_names(table: ImageTable) -> Iterator[tuple[bytes, str, int]]:
    paths = table.paths or ("",) * len(table)
    return zip(to_keys(table.identities), paths, table.labels.tolist(), strict=True)


def _correct(images: ImageDataset, waiting: _Waiting) -> tuple[ImageDataset, tuple[int, int]]:
    """Return images relabelled and without those dropped, and how many of each."""
    labels, kept, num_changed = images.labels.clone(), [], 0
    for index, name in enumerate(_list_names(images.table)):
        decisions = waiting.get(name)
        action, label = decisions.pop() if decisions else ("keep", None)
        if action == "drop" or (action == "relabel" and label is None):
            continue
        kept.append(index)
        if label is not None and label != int(labels[index]):
            labels[index] = label
            num_changed += 1
    num_dropped = len(images) - len(kept)
    if not num_changed and not num_dropped:
        return images, (0, 0)
    table = replace(images.table, labels=labels.cpu())
    changed = replace(images, labels=labels)
    vars(changed)["table"] = table  # the pixels are the same: no need to digest them again
    return (changed.select(torch.tensor(kept)) if num_dropped else changed), (num_changed, num_dropped)


def _describe(origin: str, counts: Mapping[str, tuple[int, int]], found: FoundCorrections) -> str:
    parts = [
        f"{side} {changed:,} relabelled, {dropped:,} left out" for side, (changed, dropped) in counts.items()
    ]
    said = f"By data.corrections ({origin}): {'; '.join(parts)}."
    if found.num_gone:
        said += f" {found.num_gone:,} of its images are not in the data any more."
    if found.num_of_test:
        said += f" {found.num_of_test:,} of its images are test images here, which stay as they are."
    return said
