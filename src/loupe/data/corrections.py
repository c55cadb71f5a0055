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
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from loupe.data.csv_rows import read_csv_rows
from loupe.data.identity import DIGEST_BYTES
from loupe.errors import DataError, DataFileError, suggest

Action = Literal["keep", "relabel", "drop"]
COLUMNS = ("image", "file", "index", "action", "label")
_ACTIONS: tuple[Action, ...] = get_args(Action)
_MOST_MEBIBYTES = 64
NEXT_STEP = "mend the list; the page of `loupe audit` writes one"


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
    try:
        columns, rows = read_csv_rows(path, _MOST_MEBIBYTES)
    except ValueError as error:
        raise _refuse(path, str(error)) from None
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


def _refuse(path: Path, got: str) -> DataFileError:
    return DataFileError(
        f"The corrections {path} cannot be used.",
        got=got,
        allowed="CSV (UTF-8) with the columns image or file or index, action, label",
        next_step=NEXT_STEP,
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
            next_step=NEXT_STEP,
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
    return DataError(
        f"Line {number} of {origin} cannot be used.", got=got, allowed=allowed, next_step=NEXT_STEP
    )
