"""Lists of images as CSV, `path,label,split`: which image is on which side."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from loupe.data.csv_rows import read_csv_rows
from loupe.data.identity import ImageTable, to_keys
from loupe.data.known_sides import KnownSides, Side
from loupe.errors import DataError, DataFileError, suggest

if TYPE_CHECKING:
    from loupe.data.splits import Splits

COLUMNS = ("path", "label", "split", "image")
_WORDS: dict[str, Side] = {"training": "train", "val": "validation", "valid": "validation"}
_MOST_MEBIBYTES = 512


def write_manifest(splits: "Splits") -> str:
    """Return the list of a split's images as CSV; no image is looked at, test images neither.

    Columns: path (relative to the data; empty where there are no files), label, split, and image, the digest
    by which an image is found again whatever its file is called.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    names = splits.train.class_names
    tables = {"train": splits.train.table, "validation": splits.validation.table, "test": splits.test.table}
    for side, table in tables.items():
        writer.writerows((path, names[label], side, key) for path, label, key in _list_rows(table))
    return text.getvalue()


def _list_rows(table: ImageTable) -> Iterator[tuple[str, int, str]]:
    paths = table.paths or ("",) * len(table)
    keys = to_keys(table.identities)
    for path, label, key in zip(paths, table.labels.tolist(), keys, strict=True):
        yield path, label, key.hex()


def read_manifest(path: Path) -> KnownSides:
    """Return the sides that a CSV file says; it needs the columns `split`, and `path` or `image`.

    Raises:
        DataFileError: it cannot be read, lacks columns, or names a side that is none.
    """
    try:
        columns, listed = read_csv_rows(path, _MOST_MEBIBYTES)
    except ValueError as error:
        raise _refuse(path, str(error)) from None
    if "split" not in columns or not {"path", "image"} & set(columns):
        raise _refuse(path, f"columns {', '.join(map(str, columns))[:200]}")
    by_image: dict[bytes, Side] = {}
    by_path: dict[str, Side] = {}
    labels: dict[str, str] = {}
    for number, row in enumerate(listed, start=2):
        side = _read_side(path, number, (row["split"] or "").strip())
        named, image = (row.get("path") or "").strip(), (row.get("image") or "").strip()
        if not named and not image:
            raise _refuse(path, f"line {number} names no image")
        if named:
            named = Path(named).as_posix()
            if by_path.setdefault(named, side) != side:
                raise _refuse(path, f"{named} stands on two sides, line {number}")
            if row.get("label"):
                labels[named] = str(row["label"])
        else:
            try:
                by_image[bytes.fromhex(image)] = side
            except ValueError:
                raise _refuse(path, f"line {number}: image {image[:40]!r}") from None
    return KnownSides(path.name, by_image, by_path, labels, is_complete=True)


def _read_side(path: Path, number: int, word: str) -> Side:
    folded = word.casefold()
    for side in get_args(Side):
        if _WORDS.get(folded, folded) == side:
            found: Side = side
            return found
    raise DataError(
        f"{path.name} names a side that is none, in line {number}.",
        got=word or "nothing",
        allowed="train, validation, test",
        nearest=suggest(word, ("train", "validation", "test")),
        next_step="mend the list",
    )


def _refuse(path: Path, got: str) -> DataFileError:
    return DataFileError(
        f"The list {path} cannot be used.",
        got=got,
        allowed="CSV (UTF-8) with the columns path, label, split; split is train, validation or test",
        next_step="mend it; `loupe data … --manifest FILE` writes one",
    )
