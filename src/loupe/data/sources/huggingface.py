"""A data set of Hugging Face's `datasets`: saved on disk, as parquet files, or in its cache."""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Annotated, Any, BinaryIO

from pydantic import Field

from loupe.data.image_decoding import PixelSettings
from loupe.data.image_folders import find_role
from loupe.data.image_lists import ImageList, load_list
from loupe.data.sources import SourceImages, register_dataset
from loupe.data.sources._image_settings import (
    BitRange,
    ColourChoice,
    FitChoice,
    ImageSize,
    TestPart,
    UnreadableChoice,
)
from loupe.errors import DataError, DataFileError, LoupeError, suggest

_LABELS = ("label", "labels", "fine_label", "class", "target", "category")


@register_dataset("huggingface", can_grow=True)
def load_huggingface(
    path: Annotated[str, Field(description="A folder of a saved data set or of parquet files, or a name.")],
    image_column: Annotated[
        str | None, Field(description="Column of the images; the only one of images if left out.")
    ] = None,
    label_column: Annotated[
        str | None, Field(description="Column of the classes; the only one of labels if left out.")
    ] = None,
    image_size: ImageSize = None,
    fit: FitChoice = None,
    colour: ColourChoice = "auto",
    test_part: TestPart = 0.2,
    bit_range: BitRange = None,
    on_unreadable: UnreadableChoice = "refuse",
) -> SourceImages:
    """A data set of Hugging Face's `datasets` on this machine (extra huggingface).

    Raises:
        LoupeError: `datasets` is not installed.
        DataError: no column of images or of labels, or several.
        DataFileError: there is no such data set here.
    """
    settings = PixelSettings(image_size, fit, colour, bit_range, on_unreadable)
    splits, notes = _sort_splits(_open(path), path)
    return load_list(_list_rows(path, splits, (image_column, label_column), notes), settings, test_part)


def _open(path: str) -> Any:
    try:
        import datasets
    except ImportError:
        raise LoupeError(
            "Data sets of Hugging Face need the package `datasets`.",
            got="it is not installed",
            next_step="pip install 'loupe-bench[huggingface]'",
        ) from None
    place = Path(path).expanduser()
    try:
        if (place / "dataset_dict.json").is_file() or (place / "dataset_info.json").is_file():
            return datasets.load_from_disk(str(place))
        return datasets.load_dataset(str(place) if place.exists() else path)
    except Exception as error:  # a large library, with errors of its own for each way to fail
        raise DataFileError(
            f"There is no data set {path} here that can be read.",
            got=f"{type(error).__name__}: {error}".partition("\n")[0][:160],
            allowed="a folder written by save_to_disk, a folder of parquet files, or a name in the cache",
            next_step="save it to a folder where it can be loaded: data.save_to_disk(FOLDER)",
        ) from None


def _sort_splits(data: Any, path: str) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return the rows of each split by what it is for, and what was passed over."""
    if not isinstance(data, Mapping):
        return {"train": data}, ()
    splits: dict[str, Any] = {}
    strangers = []
    for name, rows in data.items():
        role = find_role(str(name), is_sure=False)
        if role is None or role in splits:
            strangers.append(f"{name} ({len(rows):,} rows)")
        else:
            splits[role] = rows
    if "train" not in splits:
        raise DataError(
            f"The data set {path} has no training split.",
            got=", ".join(map(str, data)) or "nothing",
            allowed="a split called train, and test or validation beside it",
            next_step="rename its splits and save it anew",
        )
    return splits, ((f"Passed over in {path}: {', '.join(strangers)}.",) if strangers else ())


@dataclass(frozen=True)
class _Row:
    """A row's image, undecoded."""

    rows: Any
    index: int
    label: int
    name: str
    lock: Lock

    def open(self) -> BinaryIO:
        with self.lock:
            value = self.rows[self.index]
        (held,) = value.values()
        if held is None:
            raise ValueError("no image in this row")
        return io.BytesIO(held["bytes"] if held.get("bytes") is not None else Path(held["path"]).read_bytes())


def _list_rows(
    path: str, splits: Mapping[str, Any], columns: tuple[str | None, str | None], notes: tuple[str, ...]
) -> ImageList:
    from datasets import Image

    features = splits["train"].features
    images = [name for name, kind in features.items() if isinstance(kind, Image)]
    labels = [name for name, kind in features.items() if type(kind).__name__ == "ClassLabel"]
    labels = labels or [name for name in _LABELS if name in features]
    image_column = _choose(path, columns[0], images, list(features), "image")
    label_column = _choose(path, columns[1], labels, list(features), "label")
    values = {role: rows[label_column] for role, rows in splits.items()}
    names = getattr(features[label_column], "names", None)
    found = sorted(set(values["train"]), key=lambda one: (not isinstance(one, int), one))
    kinds = dict.fromkeys(range(len(names))) if names else dict.fromkeys(found)
    indices = {kind: index for index, kind in enumerate(kinds)}
    parts = {}
    for role, rows in splits.items():
        undecoded = rows.select_columns([image_column]).cast_column(image_column, Image(decode=False))
        lock = Lock()
        parts[role] = [
            _Row(undecoded, index, _index_of(path, role, value, indices), f"{role}/{index}", lock)
            for index, value in enumerate(values[role])
        ]
    class_names = tuple(names or map(str, found))
    return ImageList(parts, class_names, f"data set {Path(path).name}", path, notes)


def _choose(path: str, wanted: str | None, found: list[str], columns: list[str], what: str) -> str:
    candidates = [wanted] if wanted in columns else [] if wanted is not None else found
    if len(candidates) != 1:
        raise DataError(
            f"The data set {path} has "
            + (f"no column {wanted}." if wanted else f"no one column of {what}s."),
            got=", ".join(found or columns),
            allowed=f"data.{what}_column = one of {', '.join(columns)}",
            nearest=suggest(wanted, columns) if wanted else None,
            next_step=f"set data.{what}_column",
        )
    return candidates[0]


def _index_of(path: str, role: str, value: object, indices: Mapping[object, int]) -> int:
    if value not in indices:
        raise DataError(
            f"The {role} split of {path} has a label that names no class.",
            got=repr(value)[:60],
            allowed=", ".join(map(str, list(indices)[:50])),
            next_step="remove those rows: data.filter(…), then save it anew",
        )
    return indices[value]
