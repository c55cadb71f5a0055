"""Tiny ImageNet, from the official archive, opened or not.

Y. Le, X. Yang, "Tiny ImageNet Visual Recognition Challenge", 2015, http://cs231n.stanford.edu/.
"""

import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Lock
from typing import BinaryIO

from loupe.data.image_decoding import PixelSettings
from loupe.data.image_lists import ImageList, load_list
from loupe.data.official_files import OfficialFile, OfficialSet, find_data_folder, locate
from loupe.data.sources import SourceImages, register_dataset
from loupe.errors import DataFileError

_FOLDER = "tiny-imagenet-200"
NUM_CLASSES = 200
COUNTS = {"train": 100_000, "test": 10_000}

TINY_IMAGENET = OfficialSet(
    title="Tiny ImageNet",
    folder="tiny-imagenet",
    files=(OfficialFile(f"{_FOLDER}.zip", "md5:90528d7ca1a48142e341f4ef8d21d0de"),),
    page="http://cs231n.stanford.edu/",
    base_url="http://cs231n.stanford.edu/",
)


@dataclass(frozen=True)
class _Member:
    """An image of the set, in the archive or in its folder."""

    label: int
    name: str
    files: "_Files"

    def open(self) -> BinaryIO:
        return io.BytesIO(self.files.read(self.name))


class _Files:
    """The files below `tiny-imagenet-200`, in the archive or on disk."""

    def __init__(self, place: Path) -> None:
        self._place, self._lock = place, Lock()
        self._zip = zipfile.ZipFile(place) if place.is_file() else None

    def read(self, name: str) -> bytes:
        if self._zip is None:
            return (self._place / name).read_bytes()
        with self._lock:  # an archive is one open file
            return self._zip.read(f"{_FOLDER}/{name}")

    def list(self) -> list[str]:
        """Return the names of all images, sorted."""
        if self._zip is not None:
            names = (name.removeprefix(f"{_FOLDER}/") for name in self._zip.namelist())
        else:
            names = (file.relative_to(self._place).as_posix() for file in self._place.rglob("*.JPEG"))
        return sorted(name for name in names if name.endswith(".JPEG"))


@register_dataset(
    "tiny-imagenet",
    image_shape=(3, 64, 64),
    num_classes=NUM_CLASSES,
    origin="Y. Le and X. Yang, 2015, http://cs231n.stanford.edu/; images of ImageNet, for research only",
)
def load_tiny_imagenet() -> SourceImages:
    """100,000 + 10,000 photographs of 200 kinds of things, 64 x 64 colour pixels (Tiny ImageNet).

    The labels of the publisher's test part were never published: its validation part is the test part here,
    as is usual.
    """
    opened = _find_opened_folder()
    place = opened or locate(TINY_IMAGENET)[f"{_FOLDER}.zip"]
    listed = _list_images(_Files(place), place)
    notes = ["Tiny ImageNet: the publisher's validation part is the test part; his test labels are secret."]
    if opened is not None:
        notes.append(f"Tiny ImageNet in {opened}: checked by the number of images only, not by a digest.")
    source = load_list(listed, PixelSettings(colour="colour"), test_part=0.5)
    return SourceImages(source.train, source.test, notes=(*notes, *source.notes))


def _find_opened_folder() -> Path | None:
    root = find_data_folder(TINY_IMAGENET)
    places = [root / _FOLDER, root / "tiny-imagenet" / _FOLDER, root] if root else []
    return next((place for place in places if (place / "wnids.txt").is_file()), None)


def _list_images(files: _Files, place: Path) -> ImageList:
    synsets = sorted(files.read("wnids.txt").decode().split())
    words = dict(
        line.split("\t", 1) for line in files.read("words.txt").decode().splitlines() if "\t" in line
    )
    labels = {synset: label for label, synset in enumerate(synsets)}
    annotated = [line.split("\t") for line in files.read("val/val_annotations.txt").decode().splitlines()]
    of_test = {f"val/images/{row[0]}": labels[row[1]] for row in annotated if len(row) > 1}
    member = partial(_Member, files=files)
    parts: Mapping[str, Sequence[_Member]] = {
        "train": [
            member(labels[name.split("/")[1]], name) for name in files.list() if name.startswith("train/")
        ],
        "test": [member(of_test[name], name) for name in files.list() if name in of_test],
    }
    counts = {part: len(members) for part, members in parts.items()}
    if counts != COUNTS or len(synsets) != NUM_CLASSES:
        raise DataFileError(
            f"Tiny ImageNet in {place} is not complete.",
            got=f"{len(synsets)} classes, {counts['train']:,} and {counts['test']:,} images",
            allowed=f"{NUM_CLASSES} classes, {COUNTS['train']:,} and {COUNTS['test']:,} images",
            next_step=f"unpack the archive again; it comes from {TINY_IMAGENET.page}",
        )
    return ImageList(parts, _name_classes(synsets, words), "Tiny ImageNet", str(place))


def _name_classes(synsets: Sequence[str], words: Mapping[str, str]) -> tuple[str, ...]:
    """Return the first word of each synset; with its number where two begin alike."""
    first = [words.get(synset, synset).partition(",")[0].strip() for synset in synsets]
    return tuple(
        word if first.count(word) == 1 else f"{word} ({synset})"
        for word, synset in zip(first, synsets, strict=True)
    )
