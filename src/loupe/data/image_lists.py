"""Lists of image files with labels as datasets, kept in the pixel cache."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import PIL
import torch

from loupe.data import decoding
from loupe.data.array_pixels import describe_unused_range
from loupe.data.dataset import ImageDataset
from loupe.data.image_decoding import Account, ImageEntry, PixelSettings, decode_parts, map_many
from loupe.data.image_files import UNREADABLE, describe_unreadable, read_image_size
from loupe.data.pixel_cache import (
    decoding_alone,
    find_cache_folder,
    keep_entry,
    read_entry,
    writing_folder,
)
from loupe.data.sides import set_test_images_apart
from loupe.data.source_images import SourceImages
from loupe.data.stored_images import StoredImages
from loupe.errors import DataError, DataFileError
from loupe.wording import count_of, list_names, quote_name

ARRAYS = ("images", "labels", "origins", "places")
_MOST_NAMED = 10  # files named in one error or note
_DIM = 64  # levels; images that stay below use less than a quarter of the range


@dataclass(frozen=True, slots=True)  # one a file
class FileEntry:
    """An image file on disk."""

    path: Path
    label: int
    name: str

    def open(self) -> BinaryIO:
        return self.path.open("rb")


@dataclass(frozen=True)
class ImageList:
    """Image files with their classes, before anything is read.

    Args:
        parts: the files of `train` and, where there are such, `validation` and `test`.
        class_names: one a class, in the order of the labels.
        title: where the images come from, for people, such as "folder crops".
        place: the folder or file, for messages.
        notes: what is already known that a reader should hear.
    """

    parts: Mapping[str, Sequence[ImageEntry]]
    class_names: tuple[str, ...]
    title: str
    place: str
    notes: tuple[str, ...] = ()


def load_list(listed: ImageList, settings: PixelSettings, test_part: float) -> SourceImages:
    """Return the images of a list; without a test part, one is set apart, each image by its own pixels.

    Raises:
        DataError: sizes that differ without a stated way to one; a class without images, unless what cannot
            be read is to be skipped and two classes are left: then it is left out, and said.
        DataFileError: files that cannot be read, unless they are to be skipped.
    """
    key = _digest_contents(listed, (settings, decoding.VERSION, PIL.__version__))
    names = [f"{part}_{what}" for part in listed.parts for what in ARRAYS]
    found = read_entry(key, names)
    if found is None:
        with decoding_alone(key):
            found = read_entry(key, names) or _decode(key, names, listed, settings)
    arrays, meta = found
    parts = {
        part: ImageDataset(
            StoredImages((arrays[f"{part}_images"],)),
            torch.from_numpy(np.array(arrays[f"{part}_labels"])),
            listed.class_names,
            listed.title,
            torch.from_numpy(np.array(arrays[f"{part}_origins"])),
            tuple(listed.parts[part][place].name for place in arrays[f"{part}_places"].tolist()),
        )
        for part in listed.parts
    }
    is_skipping = settings.on_unreadable == "skip"
    parts, left_out = _leave_out_lost_classes(parts, listed, meta["unreadable"], is_skipping=is_skipping)
    notes, unreadable = (*listed.notes, *meta["notes"], *left_out), tuple(meta["unreadable"])
    if "test" in parts:
        return SourceImages(
            parts["train"], parts["test"], parts.get("validation"), notes=notes, unreadable=unreadable
        )
    train = parts["train"]
    validation = parts.get("validation")
    num_kept = 2 if validation is None else 1
    kept, test = set_test_images_apart(train.table, test_part, train.class_names, num_kept=num_kept)
    return SourceImages(
        train.select(kept), train.select(test), validation, test_part, notes=notes, unreadable=unreadable
    )


def _decode(
    key: str, names: list[str], listed: ImageList, settings: PixelSettings
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Return the arrays of a list and what is to be said of it, decoded now and kept in the cache."""
    with writing_folder() as folder:
        arrays, account = decode_parts(listed.parts, settings, folder)
        if settings.on_unreadable == "refuse" and account.unreadable:
            raise _refuse_unreadable(listed, account)
        said = describe_account(account, listed, settings)
        meta = {"title": listed.title, "notes": said, "unreadable": _list_unreadable(account)}
        keep_entry(key, folder, arrays, meta)
    return read_entry(key, names) or (arrays, meta)


def _digest_contents(listed: ImageList, settings: object) -> str:
    """Return a digest of every file's name and bytes and of what is done with them."""

    def take(entry: ImageEntry) -> bytes:
        try:
            with entry.open() as opened:
                return hashlib.file_digest(opened, "sha256").digest()  # type: ignore[arg-type]  # any reader
        except OSError:
            return b""  # told as unreadable when it is decoded

    everything = [(part, entry) for part, entries in listed.parts.items() for entry in entries]
    digests = map_many(take, [entry for _, entry in everything], "Looking for changes")
    sha = hashlib.sha256(repr((list(listed.class_names), settings)).encode())
    for (part, entry), digest in zip(everything, digests, strict=True):
        sha.update(repr((part, entry.label, entry.name)).encode() + digest)
    return sha.hexdigest()


def describe_account(account: Account, listed: ImageList, settings: PixelSettings) -> list[str]:
    """Return what a reader should know of how files were read, a sentence each."""
    notes, total = [], account.num_files
    if account.unreadable:
        notes.append(
            f"{len(account.unreadable):,} of {total:,} files of {listed.title} cannot be read and were left "
            f"out: {name_some(_list_unreadable(account))}."
        )
    if account.sequences:
        notes.append(
            f"{len(account.sequences):,} of {total:,} files of {listed.title} hold several frames or pages; "
            f"the first was used: {name_some(account.sequences)}."
        )
    if account.plain:
        notes.append(
            f"{len(account.plain):,} of {total:,} images of {listed.title} are one plain shade: "
            f"{name_some(account.plain)}."
        )
    if account.highest is not None and settings.bit_range is None and account.highest < 2**14:
        notes.append(describe_unused_range(f"The deepest images of {listed.title}", account.highest))
    elif account.brightest < _DIM:
        notes.append(
            f"No pixel of {listed.title} is brighter than {account.brightest} of 255: the images are nearly "
            "black, and may have been saved in another range."
        )
    return notes


def _list_unreadable(account: Account) -> list[str]:
    return [f"{name} ({reason})" for name, reason in account.unreadable]


def find_headless(entries: Sequence[ImageEntry]) -> list[str]:
    """Return the files that no image can be opened from, each with its reason; no pixel is unpacked."""

    def find_fault(entry: ImageEntry) -> str | None:
        try:
            with entry.open() as opened:
                read_image_size(opened)
        except UNREADABLE as error:
            return describe_unreadable(error)
        return None

    faults = map_many(find_fault, entries, "Looking for files that cannot be read")
    return [f"{entry.name} ({fault})" for entry, fault in zip(entries, faults, strict=True) if fault]


def name_some(names: Sequence[str]) -> str:
    """Return the first names of a list, and how many more there are."""
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more


def _refuse_unreadable(listed: ImageList, account: Account) -> DataFileError:
    names = _list_unreadable(account)
    where = ""
    if len(names) > _MOST_NAMED:
        path = find_cache_folder().parent / "unreadable.txt"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("\n".join(names) + "\n", encoding="utf-8")
            where = f" (all are listed in {path})"
        except OSError:
            where = ""
    return DataFileError(
        f"{len(names)} of {account.num_files} images in {listed.place} cannot be read.",
        got=name_some(names),
        allowed="whole image files",
        next_step=f"mend or remove them{where}, or leave them out: data.on_unreadable=skip",
    )


def _leave_out_lost_classes(
    parts: dict[str, ImageDataset], listed: ImageList, skipped: Sequence[str], *, is_skipping: bool
) -> tuple[dict[str, ImageDataset], tuple[str, ...]]:
    """Return the parts without classes of which nothing can be trained on, and what is to be said of them.

    Raises:
        DataError: there are such, and they are not to be skipped or fewer than two others are left.
    """
    counts = Counter(parts["train"].labels.tolist())
    kept = [name for label, name in enumerate(listed.class_names) if counts[label]]
    lost = [name for label, name in enumerate(listed.class_names) if not counts[label]]
    if not lost:
        return parts, ()
    if is_skipping and len(kept) > 1:
        has, who = ("It has", "it") if len(lost) == 1 else ("They have", "them")
        rest = sum(len(one) for one in parts.values())
        parts = {part: one.keep_classes(kept) for part, one in parts.items()}
        rest -= sum(len(one) for one in parts.values())
        others = f"; {count_of(rest, 'image')} of other parts went with {who}" if rest else ""
        return parts, (
            f"Left out of the classes of {listed.title}: {list_names([quote_name(name) for name in lost])}. "
            f"{has} no training image that can be read{others}.",
        )
    raise DataError(
        f"Classes of {listed.place} have no training image that can be read.",
        got=f"{count_of(len(skipped), 'file')} that cannot be read: {name_some(skipped)}; "
        f"classes without an image: {', '.join(lost)}"
        if skipped
        else f"classes without an image: {', '.join(lost)}",
        allowed="at least one image a class, and two classes",
        next_step="mend the files"
        if is_skipping
        else "mend the files, or leave the classes out: data.on_unreadable=skip",
    )
