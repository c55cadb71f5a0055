"""A table of image files: a row an image, with its class and, if the table says so, its split."""

import re
from collections import Counter
from pathlib import Path
from typing import Annotated

from pydantic import Field

from loupe.data.image_decoding import PixelSettings
from loupe.data.image_folders import find_role
from loupe.data.image_lists import FileEntry, ImageList, load_list
from loupe.data.linked_files import describe_links
from loupe.data.readers.tables import read_table, refuse_row
from loupe.data.sources import SourceImages, register_dataset
from loupe.data.sources._image_settings import (
    BitRange,
    ColourChoice,
    FitChoice,
    ImageSize,
    TestPart,
    UnreadableChoice,
)
from loupe.errors import DataError, suggest

_MOST_TRIED = 50  # files looked for, where the folder may be wrong
_LONGEST_NAME = 255  # of a file or folder, on every system in use
_NUMBER = re.compile(r"\d+(\.0+|,0{1,2}|,0{4,})?")  # 1,000 is a thousand, or one: it stays a name
_WHOLE_NUMBER = re.compile(r"(-?\d+)(?:\.0+|,0{1,2}|,0{4,})")
_PATHS = ("path", "file", "filename", "file_name", "image", "image_path", "filepath", "name")
_LABELS = ("label", "class", "category", "target", "class_name", "label_name")
_SPLITS = ("split", "subset", "partition", "fold", "set")


@register_dataset("csv", can_grow=True, places=("path", "folder"))
def load_csv(
    path: Annotated[str, Field(min_length=1, description="The table: CSV or TSV with a header, UTF-8.")],
    folder: Annotated[
        str | None,
        Field(min_length=1, description="Where the paths in it start; the table's own folder if left out."),
    ] = None,
    path_column: Annotated[
        str | None, Field(description="Column of the files; found by its name (path, file …) if left out.")
    ] = None,
    label_column: Annotated[
        str | None,
        Field(description="Column of the classes; found by its name (label …) if left out."),
    ] = None,
    split_column: Annotated[
        str | None,
        Field(description="Column of train, validation, test; taken if called split or subset if left out."),
    ] = None,
    image_size: ImageSize = None,
    fit: FitChoice = None,
    colour: ColourChoice = "auto",
    test_part: TestPart = 0.2,
    bit_range: BitRange = None,
    on_unreadable: UnreadableChoice = "refuse",
) -> SourceImages:
    """Your own images, listed in a table: a row an image with its path, its label, optionally its split.

    Raises:
        DataError: columns that are not there, splits that are none, one file under two classes or splits.
        DataFileError: a table or image files that cannot be read.
    """
    table = Path(path).expanduser()
    columns = (path_column, label_column, split_column)
    root = Path(folder).expanduser() if folder is not None else table.parent
    settings = PixelSettings(image_size, fit, colour, bit_range, on_unreadable)
    return load_list(list_table(table, root, columns), settings, test_part)


def list_table(table: Path, root: Path, columns: tuple[str | None, str | None, str | None]) -> ImageList:
    """Return the image files of a table, each class's by path, as a folder of them would list them.

    Args:
        table: the file.
        root: where its paths start.
        columns: of paths, labels and splits; None to find one by its name.
    """
    header, rows = read_table(table)
    places = _find_columns(table, header, columns)
    places, notes = _pass_over_other_splits(header, rows, places, columns[2])
    placed: dict[str, tuple[str, str]] = {}
    for number, row in rows:
        file, label, split = (row[place].strip() if place is not None else "" for place in places)
        if not file or not label:
            raise refuse_row(table, number, f"{'no path' if not file else 'no label'}")
        role = _find_split(table, number, split) if places[2] is not None else "train"
        try:
            name = _find_name(root, file)
        except (OSError, ValueError) as error:  # too long for a name, or holds what no name may
            raise refuse_row(table, number, f"{error.args[-1]}: {file}", "a path") from None
        if placed.setdefault(name, (role, label)) != (role, label):
            before = " ".join(placed[name])
            raise refuse_row(table, number, f"{name} stands in it as {before} and as {role} {label}")
    placed = _read_whole_numbers(placed)
    class_names = sort_classes({label for _, label in placed.values()})
    _refuse_few(table, class_names, Counter(role for role, _ in placed.values()))
    _refuse_other_folder(table, root, list(placed))
    labels = {name: label for label, name in enumerate(class_names)}
    parts: dict[str, list[FileEntry]] = {}
    for role in ("train", "validation", "test"):
        listed = sorted((labels[label], Path(name)) for name, (one, label) in placed.items() if one == role)
        if listed:
            parts[role] = [FileEntry(root / name, label, name.as_posix()) for label, name in listed]
    notes += describe_links(parts, root)
    return ImageList(parts, class_names, f"table {table.name}", str(table), notes)


def _find_name(root: Path, file: str) -> str:
    """Return a path as the table names it, with the slashes of this system if it was written on Windows.

    Raises:
        OSError, ValueError: no file can have this path.
    """
    if "\0" in file or max(map(len, re.split(r"[/\\]", file))) > _LONGEST_NAME:
        raise ValueError("no name of a file")
    if "\\" in file and not (root / file).exists():
        file = file.replace("\\", "/")
    return Path(file).as_posix()


def _read_whole_numbers(placed: dict[str, tuple[str, str]]) -> dict[str, tuple[str, str]]:
    """Return what a table says with labels such as 3.0 as 3, if all are: spreadsheets and pandas write so.

    3,0 is 3 too, as decimals have commas in tables of many languages; 1,000 is left as it is.
    """
    found = {name: _WHOLE_NUMBER.fullmatch(label) for name, (_, label) in placed.items()}
    if not all(found.values()):
        return placed
    return {name: (placed[name][0], match.group(1)) for name, match in found.items() if match}


def _refuse_other_folder(table: Path, root: Path, names: list[str]) -> None:
    """Check that some of the files are there; a few of them are tried.

    Raises:
        DataError: not one is, so that it is the folder that is wrong, not the files.
    """
    tried = names[:: max(1, len(names) // _MOST_TRIED)]
    if any((root / name).exists() for name in tried):
        return
    raise DataError(
        f"The files that {table} names are not there.",
        got=f"{names[0]} below {root}, and {len(tried) - 1} more that were tried",
        allowed="paths with their extension, absolute or below data.folder (the table's own if left out)",
        next_step="set data.folder to the folder that the paths start from, or mend them",
    )


def sort_classes(names: set[str]) -> tuple[str, ...]:
    """Return class names in order: by value where all are whole numbers, else as texts."""
    if all(name.isascii() and name.isdecimal() for name in names):
        return tuple(sorted(names, key=lambda name: (int(name), name)))
    return tuple(sorted(names))


def _find_columns(
    table: Path, header: list[str], columns: tuple[str | None, str | None, str | None]
) -> tuple[int, int, int | None]:
    """Return the places of the columns of paths, labels and splits."""
    found: list[int | None] = []
    folded = [name.casefold() for name in header]
    settings = ("path_column", "label_column", "split_column")
    for wanted, usual, setting in zip(columns, (_PATHS, _LABELS, _SPLITS), settings, strict=True):
        names = [wanted] if wanted is not None else list(usual)
        place = next((folded.index(name.casefold()) for name in names if name.casefold() in folded), None)
        what = setting.partition("_")[0]
        if place is not None and folded.count(folded[place]) > 1:
            raise DataError(
                f"The table {table} has several columns {header[place]}.",
                got=", ".join(header),
                allowed="a name of its own for each column that is read",
                next_step="rename all but one of them",
            )
        if place is None and (wanted is not None or setting != "split_column"):
            raise DataError(
                f"The table {table} has no column {wanted or f'of {what}s'}.",
                got=", ".join(header) or "no header",
                allowed=f"data.{setting} = one of them"
                + ("" if wanted else f"; found alone: {', '.join(usual)}"),
                nearest=suggest(wanted or usual[0], header),
                next_step=f"set data.{setting}",
            )
        found.append(place)
    path, label, split = found
    assert path is not None
    assert label is not None
    return path, label, split


def _pass_over_other_splits(
    header: list[str],
    rows: list[tuple[int, list[str]]],
    places: tuple[int, int, int | None],
    wanted: str | None,
) -> tuple[tuple[int, int, int | None], tuple[str, ...]]:
    """Return the places without a column of splits that nobody named and that holds numbers, as of folds."""
    path, label, split = places
    if (
        split is None
        or wanted is not None
        or not all(_NUMBER.fullmatch(row[split].strip()) for _, row in rows)
    ):
        return places, ()
    said = f"The column {header[split]} holds numbers, no train, validation or test, and was passed over."
    return (path, label, None), (said,) if rows else ()


def _find_split(table: Path, number: int, word: str) -> str:
    role = find_role(word, is_sure=False)
    if role is None:
        raise refuse_row(table, number, f"split {word or 'left empty'}", "train, validation or test")
    return role


def _refuse_few(table: Path, class_names: tuple[str, ...], counts: Counter[str]) -> None:
    if len(class_names) < 2 or not counts["train"]:
        raise DataError(
            f"The table {table} lists too little.",
            got=f"{counts['train']} training images, {len(class_names)} classes",
            allowed="training images of at least two classes",
            next_step="look at data.label_column and data.split_column",
        )
