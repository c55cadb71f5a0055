"""A list of corrections, CSV: which image is kept, gets another label, or is dropped.

An image is named by `image`, the digest of its pixels, by which it is found again in a folder that was
moved or has grown; by `file`, its path relative to the data; or by `index`, its place among the training
images, then the validation images, as the recipe loads them. Where several are given, the digest decides,
and the others tell equal images apart. Sides are drawn before anything is corrected, so that an image stays
on its side; test images are never corrected.
"""

import csv
import hashlib
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

import torch

from loupe.data.dataset import ImageDataset, find_classes
from loupe.data.identity import DIGEST_BYTES, ImageTable, to_keys
from loupe.data.sides import refuse_missing_classes
from loupe.errors import DataError, DataFileError, suggest

if TYPE_CHECKING:
    from loupe.data import Dataset, Splits

Action = Literal["keep", "relabel", "drop"]
COLUMNS = ("image", "file", "index", "action", "label")
_ACTIONS: tuple[Action, ...] = get_args(Action)
_MOST_BYTES = 64 * 2**20
_MOST_NAMED = 3
_NEXT = "mend the list; the page of `loupe audit` writes one"


@dataclass(frozen=True)
class Correction:
    """A line of the list.

    Args:
        line: number in the file, from 1.
        action: what is to be done.
        label: name of the right class; "" unless the action is "relabel".
        image: digest of the pixels; None if the line has none.
        file: path relative to the data; "" if the line has none.
        index: place among the loaded images; None if the line has none.
    """

    line: int
    action: Action
    label: str
    image: bytes | None
    file: str
    index: int | None

    @property
    def name(self) -> str:
        """What messages call the image."""
        if self.file:
            return self.file
        return f"image {self.index}" if self.index is not None else f"image {(self.image or b'').hex()[:12]}…"


@dataclass(frozen=True)
class Corrections:
    """The contents of a list.

    Args:
        origin: name of the file, for messages.
        lines: in the order of the file.
    """

    origin: str
    lines: tuple[Correction, ...]

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of what the lines say; lines that keep an image say nothing."""
        said = sorted(
            repr((one.image, one.file, one.index, one.action, one.label))
            for one in self.lines
            if one.action != "keep"
        )
        return hashlib.sha256("\n".join(said).encode()).hexdigest()


def read_corrections(path: Path) -> Corrections:
    """Return the list of corrections in a CSV file.

    Raises:
        DataFileError: it cannot be read, or lacks columns.
        DataError: a line names no image, no action that there is, or no label for one.
    """
    columns, rows = _read_rows(path)
    if "action" not in columns or not {"image", "file", "index"} & set(columns):
        raise _refuse(path, f"columns {', '.join(map(str, columns))[:200] or 'none'}")
    lines = tuple(_read_line(path.name, number, row) for number, row in enumerate(rows, start=2))
    return Corrections(path.name, lines)


def write_corrections(lines: Iterable[Correction]) -> str:
    """Return lines as CSV that `read_corrections` reads."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for one in lines:
        image = one.image.hex() if one.image is not None else ""
        index = "" if one.index is None else one.index
        writer.writerow((image, one.file, index, one.action, one.label))
    return text.getvalue()


def _read_rows(path: Path) -> tuple[Sequence[str], list[Mapping[str, str]]]:
    try:
        if path.exists() and not path.is_file():  # a pipe would be waited for
            raise ValueError("not a file")
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
        if len(content) > _MOST_BYTES:
            raise ValueError("more than 64 MiB")
        rows = csv.DictReader(io.StringIO(content.decode("utf-8-sig")), strict=True)
        return rows.fieldnames or (), list(rows)
    except (OSError, ValueError, csv.Error) as error:
        raise _refuse(path, getattr(error, "strerror", None) or str(error).partition("\n")[0][:200]) from None


def _refuse(path: Path, got: str) -> DataFileError:
    return DataFileError(
        f"The corrections {path} cannot be used.",
        got=got,
        allowed="CSV (UTF-8) with the columns image or file or index, action, label",
        next_step=_NEXT,
    )


def _read_line(origin: str, number: int, row: Mapping[str, str]) -> Correction:
    cells = {name: (row.get(name) or "").strip() for name in COLUMNS}
    action = next((one for one in _ACTIONS if one == cells["action"].casefold()), None)
    if action is None:
        raise DataError(
            f"{origin} asks for something that cannot be done, in line {number}.",
            got=f"action {cells['action'] or 'nothing'}",
            allowed=", ".join(_ACTIONS),
            nearest=suggest(cells["action"], _ACTIONS),
            next_step=_NEXT,
        )
    if action == "relabel" and not cells["label"]:
        raise _refuse_line(
            origin, number, "relabel without a label", "the name of the right class in `label`"
        )
    if not (cells["image"] or cells["file"] or cells["index"]):
        raise _refuse_line(origin, number, "no image", "a digest in `image`, a path in `file`, or an `index`")
    try:
        image = bytes.fromhex(cells["image"]) if cells["image"] else None
    except ValueError:
        image = b""
    if image is not None and len(image) != DIGEST_BYTES:
        allowed = f"{2 * DIGEST_BYTES} hexadecimal digits"
        raise _refuse_line(origin, number, f"image {cells['image'][:40]!r}", allowed)
    if cells["index"] and not (cells["index"].isascii() and cells["index"].isdecimal()):
        raise _refuse_line(origin, number, f"index {cells['index'][:40]!r}", "a whole number, 0, 1, …")
    return Correction(
        number,
        action,
        cells["label"] if action == "relabel" else "",
        image,
        Path(cells["file"]).as_posix() if cells["file"] else "",
        int(cells["index"]) if cells["index"] else None,
    )


def _refuse_line(origin: str, number: int, got: str, allowed: str) -> DataError:
    return DataError(f"Line {number} of {origin} cannot be used.", got=got, allowed=allowed, next_step=_NEXT)


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
                    next_step=_NEXT,
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
        next_step=_NEXT,
    )


def _find_label(origin: str, one: Correction, names: Sequence[str], *, is_part: bool) -> int | None:
    try:
        (label,) = find_classes(names, [one.label])
    except DataError as error:
        if is_part:
            return None
        error.message = f"{origin} names a class that is not there, in line {one.line}."
        error.next_step = _NEXT
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
    sides = {"training": train, "validation": validation}
    for side, images in sides.items():
        everything = torch.arange(len(images))
        refuse_missing_classes(
            images.table, {side: everything}, images.class_names, f"data.corrections {origin}"
        )
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
