"""Many image files as one array a part: in parallel, straight onto the disk, with an account of them."""

import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Literal, Protocol, TypeVar

import numpy as np
from tqdm import tqdm

from loupe.data.identity import digest_picture, from_keys
from loupe.data.image_files import (
    UNREADABLE,
    Fit,
    decode_picture,
    describe_unreadable,
    fit_image,
    read_image_size,
    to_channels,
)
from loupe.errors import DataError

Colour = Literal["auto", "grey", "colour"]
OnUnreadable = Literal["refuse", "skip"]

_BATCH = 4096  # files handed to the threads at once
_CHUNK = 32  # files a thread takes at a time: handing over a single small one takes as long as reading it
_FEW = 64  # so many files are read without threads
_WATCHED = 500  # from so many files on, progress is shown
_LARGEST_ADVISED = 128  # pixels a side

Item = TypeVar("Item")
Result = TypeVar("Result")


class ImageEntry(Protocol):
    """An image file with its class: in a folder, in an archive, in a table."""

    @property
    def name(self) -> str:
        """What people call it, such as its place below the folder."""

    @property
    def label(self) -> int:
        """The index of its class."""

    def open(self) -> BinaryIO:
        """Return its bytes, opened for reading."""


@dataclass(frozen=True)
class PixelSettings:
    """How image files become pixels.

    Args:
        image_size: side of the square images; the files' own if None.
        fit: how an image comes to that size.
        colour: channels: auto (grey if every image is grey), grey, colour.
        bit_range: bits that grey values of 16 bits use; None for all.
        on_unreadable: refuse the whole, or skip files that cannot be read.
    """

    image_size: int | None = None
    fit: Fit | None = None
    colour: Colour = "auto"
    bit_range: int | None = None
    on_unreadable: OnUnreadable = "refuse"

    def __post_init__(self) -> None:
        if self.fit is not None and self.image_size is None:
            raise DataError(
                "data.fit says how, but not to what size.",
                got=f"fit = {self.fit}, no image_size",
                allowed="both, or neither",
                next_step="add data.image_size=32",
            )


@dataclass
class Account:
    """What was met in decoding: counts, extremes, and the names of odd files in the order of the list."""

    num_files: int = 0
    unreadable: list[tuple[str, str]] = field(default_factory=list)  # name, reason
    sequences: list[str] = field(default_factory=list)
    plain: list[str] = field(default_factory=list)
    highest: int | None = None  # of grey values of 16 bits
    brightest: int = 0
    is_grey: bool = True


@dataclass(frozen=True, slots=True)  # one a file
class _Decoded:
    """One file as it was decoded, without its pixels."""

    error: str | None = None
    origin: bytes = b""  # digest of the pixels before any change of size
    num_frames: int = 1
    highest: int | None = None
    darkest: int = 0
    brightest: int = 0
    is_grey: bool = True


def decode_parts(
    parts: Mapping[str, Sequence[ImageEntry]], settings: PixelSettings, folder: Path
) -> tuple[dict[str, np.ndarray], Account]:
    """Return the arrays of each part, written into a folder, and an account of the files.

    Of each part: `images`, `labels`, `origins` (digests of the images as their files hold them) and `places`
    (which entries of the list these are).

    Files that cannot be read are left out; whether that is right is for the caller to say.

    Raises:
        DataError: sizes that differ without a stated way to one; told from the files' headers.
    """
    account = Account(num_files=sum(map(len, parts.values())))
    size = (settings.image_size, settings.image_size) if settings.image_size and settings.fit else None
    sizes: dict[str, list[tuple[int, int] | None]] = {}
    if size is None:
        sizes = {part: _read_sizes(entries) for part, entries in parts.items()}
        size = find_common_size([one for listed in sizes.values() for one in listed if one], settings)
    channels = 1 if settings.colour == "grey" else 3
    _refuse_full_disk(folder, account.num_files * channels * size[0] * size[1])
    raw, kept, arrays = {}, {}, {}
    for part, entries in parts.items():
        raw[part] = _make_array(folder / f"raw-{part}.npy", (len(entries), channels, *size))
        decoded = _decode_into(raw[part], entries, settings)
        _add_up(account, entries, decoded)
        kept[part] = np.array([one.error is None for one in decoded], dtype=bool)
        arrays[f"{part}_origins"] = from_keys(one.origin for one in decoded if one.error is None).numpy()
    if settings.colour == "auto" and account.is_grey:
        channels = 1
    for part, entries in parts.items():
        labels = np.array([entry.label for entry in entries], dtype=np.int64)
        arrays[f"{part}_labels"], arrays[f"{part}_places"] = labels[kept[part]], np.flatnonzero(kept[part])
        for what in ("origins", "labels", "places"):
            np.save(folder / f"{part}_{what}.npy", arrays[f"{part}_{what}"])
        arrays[f"{part}_images"] = _finish(raw[part], kept[part], channels, folder, part)
    return arrays, account


def map_many(function: Callable[[Item], Result], items: Sequence[Item], task: str) -> Iterator[Result]:
    """Yield a function's results in the order of the items, several at a time; many items show progress."""
    progress = tqdm(
        total=len(items), desc=task, leave=False, disable=None if len(items) >= _WATCHED else True
    )
    with progress:
        if len(items) < _FEW:
            yield from map(function, items)
            return

        def take(chunk: Sequence[Item]) -> list[Result]:
            return [function(item) for item in chunk]

        with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as threads:
            for start in range(0, len(items), _BATCH):
                batch = items[start : start + _BATCH]
                chunks = [batch[place : place + _CHUNK] for place in range(0, len(batch), _CHUNK)]
                for results in threads.map(take, chunks):
                    progress.update(len(results))
                    yield from results


def find_common_size(sizes: Sequence[tuple[int, int]], settings: PixelSettings) -> tuple[int, int]:
    """Return the one size, (height, width), that images have or are to have.

    Raises:
        DataError: they differ, and nobody said how they come to one size.
    """
    counts = Counter(sizes)
    side = settings.image_size
    wanted = (side, side) if side else next(iter(counts), (1, 1))
    if set(counts) <= {wanted}:
        return wanted
    listed = ", ".join(f"{width} x {height} ({count})" for (height, width), count in counts.most_common(5))
    raise DataError(
        "The images are not all of the wanted size." if side else "The images differ in size.",
        got=f"width x height (images): {listed}" + (" …" if len(counts) > 5 else ""),
        allowed="one size, or a stated way to reach it: data.fit = resize, crop or pad",
        next_step=f"add data.image_size={side or _advise_size(sizes)} data.fit=resize (or crop, or pad)",
    )


def _advise_size(sizes: Sequence[tuple[int, int]]) -> int:
    """Return a side in pixels: half the images are at least as large, and a small network takes it."""
    shorter = sorted(min(size) for size in sizes)
    side = min(shorter[(len(shorter) - 1) // 2], _LARGEST_ADVISED)
    return side if side < 16 else side - side % 8


def _read_sizes(entries: Sequence[ImageEntry]) -> list[tuple[int, int] | None]:
    def read(entry: ImageEntry) -> tuple[int, int] | None:
        try:
            with entry.open() as file:
                return read_image_size(file)
        except UNREADABLE:
            return None  # said when it is decoded

    return list(map_many(read, entries, "Reading sizes"))


def _refuse_full_disk(folder: Path, size_bytes: int) -> None:
    """Check that decoded images find room; a mapped file that does not would end the process.

    Raises:
        DataError: they do not.
    """
    free_bytes = shutil.disk_usage(folder).free
    if free_bytes > size_bytes:
        return
    raise DataError(
        "The decoded images do not fit on the disk of the cache.",
        got=f"{size_bytes / 1e9:.1f} GB to write, {free_bytes / 1e9:.1f} GB free below {folder.parent}",
        allowed="as much free disk as the pixels take, one byte a pixel and channel",
        next_step="free some (`loupe cache prune`), set XDG_CACHE_HOME to another disk, or a smaller "
        "data.image_size",
    )


def _make_array(path: Path, shape: tuple[int, ...]) -> np.ndarray:
    if 0 in shape:  # nothing to map
        return np.zeros(shape, dtype=np.uint8)
    return np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=shape)


def _decode_into(
    images: np.ndarray, entries: Sequence[ImageEntry], settings: PixelSettings
) -> list[_Decoded]:
    channels, height, width = images.shape[1:]

    def decode(place: int) -> _Decoded:
        try:
            with entries[place].open() as file:
                picture = decode_picture(file, settings.bit_range)
        except UNREADABLE as error:
            return _Decoded(error=describe_unreadable(error) or type(error).__name__)
        pixels = picture.pixels
        fitted = fit_image(pixels, (height, width), settings.fit) if settings.fit else pixels
        if fitted.shape[:2] != (height, width):
            return _Decoded(error="its header names another size than it has")
        images[place] = to_channels(fitted, channels).transpose(2, 0, 1)
        return _Decoded(
            origin=digest_picture(pixels),
            num_frames=picture.num_frames,
            highest=picture.highest,
            darkest=int(pixels.min()),
            brightest=int(pixels.max()),
            is_grey=pixels.shape[2] == 1,
        )

    return list(map_many(decode, range(len(entries)), "Decoding images"))


def _add_up(account: Account, entries: Sequence[ImageEntry], decoded: Sequence[_Decoded]) -> None:
    for entry, one in zip(entries, decoded, strict=True):
        if one.error is not None:
            account.unreadable.append((entry.name, one.error))
            continue
        if one.num_frames > 1:
            account.sequences.append(entry.name)
        if one.darkest == one.brightest and one.is_grey:
            account.plain.append(entry.name)
        if one.highest is not None:
            account.highest = max(account.highest or 0, one.highest)
        account.brightest = max(account.brightest, one.brightest)
        account.is_grey = account.is_grey and one.is_grey


def _finish(raw: np.ndarray, kept: np.ndarray, channels: int, folder: Path, part: str) -> np.ndarray:
    """Return the images that were read, with as many channels as they need, under their name."""
    path, raw_path = folder / f"{part}_images.npy", folder / f"raw-{part}.npy"
    if kept.all() and channels == raw.shape[1] and raw_path.exists():
        raw_path.replace(path)
        return raw
    places = np.flatnonzero(kept)
    images = _make_array(path, (len(places), channels, *raw.shape[2:]))
    for start in range(0, len(places), _BATCH):
        images[start : start + _BATCH] = raw[places[start : start + _BATCH], :channels]
    if not path.exists():
        np.save(path, images)
    raw_path.unlink(missing_ok=True)
    return images
