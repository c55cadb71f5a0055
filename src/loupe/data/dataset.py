"""Labelled images, in memory or on disk: uint8 pixels, labels, class names, and a digest of all three."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor

from loupe.data.identity import ImageTable, digest_images
from loupe.data.stored_images import Images, StoredImages, choose_images
from loupe.errors import DataError, suggest

_BLOCK = 512  # images at once, where all are gone through


@dataclass(frozen=True, eq=False)
class ImageDataset:
    """Labelled images, all of one size.

    Args:
        images: (images, channels, height, width) uint8; `StoredImages` where they stay on disk.
        labels: (images,) int64, each in [0, number of classes).
        class_names: one name a class; the index is the label.
        source: where the images come from, for people to read.
        origins: (images, 16) uint8, digests of the images as their files hold them, where that is not what
            `images` holds.
        paths: of the images' files, relative to the data; None where there are no files.

    Raises:
        DataError: shapes, types or label values do not fit together.
    """

    images: Images
    labels: Tensor
    class_names: tuple[str, ...]
    source: str
    origins: Tensor | None = None
    paths: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        given: tuple[tuple[str, object], ...] = (("images", self.images), ("labels", self.labels))
        for name, values in given:
            if not isinstance(values, Tensor) and not (name == "images" and isinstance(values, StoredImages)):
                is_array = type(values).__module__.partition(".")[0] == "numpy"
                raise DataError(
                    f"The {name} of {self.source} must be a torch tensor.",
                    got="a numpy array" if is_array else f"a {type(values).__name__}",
                    allowed="a torch tensor",
                    next_step=f"torch.from_numpy({name})" if is_array else f"torch.as_tensor({name})",
                )
        odd = [name for name in self.class_names if not isinstance(name, str) or not _is_text(name)]
        if odd:
            raise DataError(
                f"A class of {self.source} has a name that is no text.",
                got=repr(odd[0])[:80],
                allowed="names in UTF-8",
                next_step="rename the folder, or the class",
            )
        if self.images.dtype != torch.uint8 or self.images.ndim != 4:
            raise DataError(
                "Images must be uint8 with four axes.",
                got=f"{self.images.dtype} of shape {tuple(self.images.shape)}",
                allowed="uint8 of shape (images, channels, height, width)",
            )
        if self.labels.dtype != torch.int64 or self.labels.shape != self.images.shape[:1]:
            raise DataError(
                "There must be one whole-number label an image.",
                got=f"{self.labels.dtype} of shape {tuple(self.labels.shape)}",
                allowed=f"int64 of shape ({len(self.images)},)",
            )
        if len(self.labels) and not (self.labels.min() >= 0 and self.labels.max() < self.num_classes):
            raise DataError(
                f"Labels of {self.source} lie outside the classes.",
                got=f"labels {int(self.labels.min())} to {int(self.labels.max())}",
                allowed=f"0 to {self.num_classes - 1} ({self.num_classes} classes)",
            )

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def num_classes(self) -> int:
        return len(self.class_names)

    @property
    def in_channels(self) -> int:
        return self.images.shape[1]

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.images.shape[2], self.images.shape[3]

    @cached_property
    def digest(self) -> str:
        """SHA-256 (hex) of shape, pixels, labels and class names."""
        sha = hashlib.sha256(repr((tuple(self.images.shape), self.class_names)).encode())
        for block in self.images.split(_BLOCK):
            sha.update(block.cpu().contiguous().numpy().data)
        sha.update(self.labels.cpu().contiguous().numpy().data)
        return sha.hexdigest()

    @cached_property
    def table(self) -> ImageTable:
        """Which images these are."""
        origins = self.origins.cpu() if self.origins is not None else None
        return ImageTable(digest_images(self.images), self.labels.cpu(), origins, self.paths)

    def class_counts(self) -> list[int]:
        """Return the number of images of each class."""
        return torch.bincount(self.labels.cpu(), minlength=self.num_classes).tolist()

    def select(self, indices: Tensor) -> "ImageDataset":
        """Return the images at `indices` ((count,) int64), in that order; those on disk stay there."""
        selected = replace(
            self,
            images=choose_images(self.images, indices),
            labels=self.labels[indices],
            origins=self.origins[indices.cpu()] if self.origins is not None else None,
            paths=tuple(self.paths[index] for index in indices.tolist()) if self.paths is not None else None,
        )
        if "table" in vars(self):  # known already: not every run of a study digests its images again
            vars(selected)["table"] = self.table.select(indices.cpu())
        return selected

    def take(self, part: slice) -> "ImageDataset":
        """Return a run of images; the pixels are shared, not copied."""
        return replace(
            self,
            images=choose_images(self.images, part),
            labels=self.labels[part],
            origins=self.origins[part] if self.origins is not None else None,
            paths=self.paths[part] if self.paths is not None else None,
        )

    def load(self) -> "ImageDataset":
        """Return the dataset with its images in memory; the same one if they are there."""
        if not isinstance(self.images, StoredImages):
            return self
        loaded = replace(self, images=self.images.load())
        for name in ("table", "digest"):  # of the same images
            if name in vars(self):
                vars(loaded)[name] = vars(self)[name]
        return loaded

    @property
    def pixels(self) -> Tensor:
        """The images as a tensor, for some few: those on disk are read anew each time.

        Raises:
            DataError: they are too many to be brought into memory at once.
        """
        return self.images if isinstance(self.images, Tensor) else self.images[:]

    def to(self, device: torch.device) -> "ImageDataset":
        """Return the dataset with pixels and labels on `device`."""
        return replace(self, images=self.images.to(device), labels=self.labels.to(device))

    def keep_classes(self, classes: Sequence[str | int]) -> "ImageDataset":
        """Return only the images of `classes`, relabelled 0, 1, … in the order they are given.

        Labels go through a table from old to new, so the order of the classes does not matter.

        Raises:
            DataError: a class is unknown or named twice.
        """
        old_labels = find_classes(self.class_names, classes)
        table = torch.full((self.num_classes,), -1, dtype=torch.int64)
        table[old_labels] = torch.arange(len(old_labels))
        new_labels = table.to(self.labels.device)[self.labels]
        kept = self.select((new_labels >= 0).nonzero().flatten())
        names = tuple(self.class_names[old] for old in old_labels)
        return replace(kept, labels=new_labels[new_labels >= 0], class_names=names)


def find_classes(
    class_names: Sequence[str], classes: Sequence[str | int], field: str = "data.classes"
) -> list[int]:
    """Return the index of each wanted class, given by name (case does not matter) or index.

    Where classes are called by numbers, a number is a name: 10 is the class called 10 (or 010), not the
    eleventh of the classes.

    Args:
        class_names: of the dataset.
        classes: those wanted.
        field: of the recipe that names them, for messages.

    Raises:
        DataError: a class is unknown or named twice.
    """
    by_number = _index_numbers(class_names)
    by_name = {name.casefold(): index for index, name in enumerate(class_names)}
    exactly = {name: index for index, name in enumerate(class_names)}
    found: dict[int, None] = {}  # in their order; thousands are looked up
    for wanted in classes:
        if isinstance(wanted, int):
            index = by_number.get(wanted) if by_number else wanted
        else:
            index = exactly.get(wanted, by_name.get(wanted.casefold()))
        if index is None or not 0 <= index < len(class_names):
            numbered = (f"{i} {name}" for i, name in enumerate(class_names))
            listed = ", ".join(class_names if by_number else numbered)
            raise DataError(
                f"There is no class {wanted!r} in this dataset.",
                got=wanted,
                allowed=listed,
                nearest=suggest(wanted, class_names),
                next_step=f"mend {field}",
            )
        if index in found:
            raise DataError(
                f"Class {class_names[index]!r} is named twice in {field}.",
                got=", ".join(map(str, classes)),
                allowed="each class once",
                next_step=f"mend {field}",
            )
        found[index] = None
    return list(found)


def _index_numbers(class_names: Sequence[str]) -> dict[int, int]:
    """Return the index of each class by the number it is called; empty if not all are called by numbers."""
    if not all(name.isascii() and name.isdecimal() for name in class_names):
        return {}
    numbers = {int(name): index for index, name in enumerate(class_names)}
    return numbers if len(numbers) == len(class_names) else {}


def _is_text(name: str) -> bool:
    """Return whether a name can be written; one made of a folder's bytes may not be."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
