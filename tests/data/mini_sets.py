"""Small files of the true form of each official set, with their digests put in the place of the published."""

import bz2
import dataclasses
import gzip
import hashlib
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import scipy.io

from loupe.data.official_files import OfficialFile, OfficialSet
from loupe.data.sources import (
    cifar10,
    cifar100,
    emnist,
    fashion_mnist,
    kmnist,
    medmnist,
    mnist,
    qmnist,
    stl10,
    svhn,
    usps,
)

Contents = dict[str, bytes]
Split = tuple[np.ndarray, np.ndarray]  # (images, channels, height, width) uint8, labels from 0


def draw(count: int, channels: int, size: int, num_classes: int, seed: int) -> Split:
    """Return images whose rows, columns and channels all differ, of every class."""
    generator = np.random.default_rng(seed)
    images = generator.integers(0, 256, (count, channels, size, size), dtype=np.uint8)
    images.reshape(count, -1)[:, :2] = (0, 255)
    return images, np.arange(count) % num_classes


def pack_idx(values: np.ndarray) -> bytes:
    code = {"uint8": 8, "int32": 12, "int16": 11, "float32": 13}[values.dtype.name]
    header = bytes([0, 0, code, values.ndim]) + b"".join(size.to_bytes(4, "big") for size in values.shape)
    return header + values.astype(values.dtype.newbyteorder(">")).tobytes()


def write_idx(
    official: OfficialSet, parts: list[Split], first: int = 0, transposed: bool = False
) -> Contents:
    contents = {}
    for part, (images, labels) in enumerate(parts):
        pixels = images[:, 0].transpose(0, 2, 1) if transposed else images[:, 0]
        contents[official.files[2 * part].name] = gzip.compress(pack_idx(pixels))
        contents[official.files[2 * part + 1].name] = gzip.compress(
            pack_idx((labels + first).astype(np.uint8))
        )
    return contents


def write_qmnist(official: OfficialSet, parts: list[Split]) -> Contents:
    contents = write_idx(official, parts)
    for part, (_, labels) in enumerate(parts):
        numbers = np.zeros((len(labels), 8), dtype=np.int32)
        numbers[:, 0], numbers[:, 1:] = labels, 77_000
        contents[official.files[2 * part + 1].name] = gzip.compress(pack_idx(numbers))
    return contents


def write_records(parts: list[Split], labels_of: Callable[[np.ndarray], np.ndarray]) -> list[bytes]:
    return [
        np.concatenate(
            [labels_of(labels).astype(np.uint8), images.reshape(len(images), -1)], axis=1
        ).tobytes()
        for images, labels in parts
    ]


def write_cifar10(official: OfficialSet, parts: list[Split]) -> Contents:
    (images, labels), test = parts
    batches = [(images[i::5], labels[i::5]) for i in range(5)]
    whole = (np.concatenate([one for one, _ in batches]), np.concatenate([one for _, one in batches]))
    parts[0] = whole  # as they stand in the files
    records = write_records([*batches, test], lambda labels: labels[:, None])
    return dict(zip([file.name for file in official.files], records, strict=True))


def write_cifar100(official: OfficialSet, parts: list[Split]) -> Contents:
    records = write_records(parts, lambda labels: np.stack([labels // 5, labels], axis=1))
    return dict(zip(("train.bin", "test.bin"), records, strict=True))


def write_svhn(official: OfficialSet, parts: list[Split]) -> Contents:
    contents = {}
    for file, (images, labels) in zip(official.files, parts, strict=True):
        written = io.BytesIO()
        digits = np.where(labels == 0, 10, labels).astype(np.uint8)[:, None]
        scipy.io.savemat(written, {"X": images.transpose(2, 3, 1, 0), "y": digits}, do_compression=True)
        contents[file.name] = written.getvalue()
    return contents


def write_stl10(official: OfficialSet, parts: list[Split]) -> Contents:
    contents = {}
    for part, (images, labels) in zip(("train", "test"), parts, strict=True):
        contents[f"{part}_X.bin"] = images.transpose(0, 1, 3, 2).tobytes()
        contents[f"{part}_y.bin"] = (labels + 1).astype(np.uint8).tobytes()
    return contents


def write_usps(official: OfficialSet, parts: list[Split]) -> Contents:
    contents = {}
    for file, (images, labels) in zip(official.files, parts, strict=True):
        lines = []
        for image, label in zip(images.reshape(len(images), -1), labels, strict=True):
            pairs = (f"{index}:{value:.6f}" for index, value in enumerate(image / 255 * 2 - 1, 1) if value)
            lines.append(f"{label + 1} " + " ".join(pairs))
        contents[file.name] = bz2.compress("\n".join(lines).encode())
    return contents


def write_medmnist(official: OfficialSet, parts: list[Split]) -> Contents:
    arrays = {}
    for name, (images, labels) in zip(("train", "test", "val"), parts, strict=True):
        is_grey = images.shape[1] == 1
        arrays[f"{name}_images"] = images[:, 0] if is_grey else images.transpose(0, 2, 3, 1)
        arrays[f"{name}_labels"] = labels[:, None].astype(np.uint8)
    written = io.BytesIO()
    np.savez_compressed(written, **arrays)
    return {official.files[0].name: written.getvalue()}


class MiniSet(NamedTuple):
    name: str
    module: Any
    attribute: str
    key: Any  # into a table of sets; None if the attribute is the set
    settings: dict[str, Any]
    shape: tuple[int, int, int]
    num_classes: int
    write: Callable[..., Contents]

    @property
    def official(self) -> OfficialSet:
        held = getattr(self.module, self.attribute)
        found: OfficialSet = held if self.key is None else held[self.key]
        return found


def _emnist(subset: str, num_classes: int) -> MiniSet:
    first = 1 if subset == "letters" else 0
    return MiniSet(
        *("emnist", emnist, "EMNIST", subset, {"subset": subset}, (1, 28, 28), num_classes),
        lambda official, parts: write_idx(official, parts, first, transposed=True),
    )


def _medmnist(subset: str, size: int) -> MiniSet:
    shapes, num_classes = medmnist._describe_images({"subset": subset, "size": size})
    settings = {"subset": subset, "size": size}
    return MiniSet(
        *("medmnist", medmnist, "MEDMNIST", (subset, size), settings, shapes, num_classes, write_medmnist)
    )


GREY, COLOUR = (1, 28, 28), (3, 32, 32)
MINI_SETS = [
    MiniSet("mnist", mnist, "MNIST", None, {}, GREY, 10, write_idx),
    MiniSet("kmnist", kmnist, "KMNIST", None, {}, GREY, 10, write_idx),
    MiniSet("fashion-mnist", fashion_mnist, "FASHION_MNIST", None, {}, GREY, 10, write_idx),
    MiniSet("qmnist", qmnist, "QMNIST", None, {}, GREY, 10, write_qmnist),
    *(_emnist("balanced", 47), _emnist("byclass", 62), _emnist("bymerge", 47)),
    *(_emnist("digits", 10), _emnist("letters", 26), _emnist("mnist", 10)),
    MiniSet("cifar10", cifar10, "CIFAR10", None, {}, COLOUR, 10, write_cifar10),
    MiniSet("cifar100", cifar100, "CIFAR100", None, {}, COLOUR, 100, write_cifar100),
    MiniSet("svhn", svhn, "SVHN", False, {}, COLOUR, 10, write_svhn),
    MiniSet("svhn", svhn, "SVHN", True, {"extra": True}, COLOUR, 10, write_svhn),
    MiniSet("stl10", stl10, "STL10", None, {}, (3, 96, 96), 10, write_stl10),
    MiniSet("usps", usps, "USPS", None, {}, (1, 16, 16), 10, write_usps),
    *(_medmnist(subset, 28) for subset in medmnist._COLLECTIONS),
    *(_medmnist("bloodmnist", size) for size in (64, 128, 224)),
]


def make_mini_set(
    mini: MiniSet, monkeypatch: pytest.MonkeyPatch, folder: Path | None = None
) -> tuple[OfficialSet, Contents, list[Split]]:
    """Return a set whose digests are those of small files, these files, and what they hold.

    The files are written into `folder` where one is named; the source then finds them as official.
    """
    num_parts = 3 if mini.name == "medmnist" or mini.settings.get("extra") else 2
    # a test set of the same seed in every set would hide files that are mixed up
    seed = int.from_bytes(hashlib.sha256(f"{mini.name} {mini.settings}".encode()).digest()[:4], "big")
    parts = [
        draw(2 * mini.num_classes, *mini.shape[:2], mini.num_classes, seed + part)
        for part in range(num_parts)
    ]
    contents = mini.write(mini.official, parts)
    files = tuple(describe_file(file, contents[file.name]) for file in mini.official.files)
    changed = dataclasses.replace(mini.official, files=files)
    if mini.key is None:
        monkeypatch.setattr(mini.module, mini.attribute, changed)
    else:
        monkeypatch.setitem(getattr(mini.module, mini.attribute), mini.key, changed)
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in contents.items():
            (folder / name).write_bytes(data)
    return changed, contents, parts


def describe_file(file: OfficialFile, data: bytes) -> OfficialFile:
    is_packed = file.unpacked_size is not None
    plain = gzip.decompress(data) if is_packed else b""
    return OfficialFile(
        file.name,
        f"sha256:{hashlib.sha256(data).hexdigest()}",
        f"md5:{hashlib.md5(plain).hexdigest()}" if file.unpacked else "",
        len(plain) if is_packed else None,
    )
