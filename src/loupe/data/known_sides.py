"""Sides that an earlier run or a list of one's own says, put upon a source's images before the lock falls."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import torch
from torch import Tensor

from loupe.data.dataset import ImageDataset
from loupe.data.identity import ImageTable, to_keys
from loupe.data.sources import SourceImages
from loupe.data.stored_images import join_images
from loupe.errors import DataError, suggest

Side = Literal["train", "validation", "test"]
_MOST_NAMED = 5


@dataclass(frozen=True)
class KnownSides:
    """Which image is on which side.

    Args:
        origin: who says so, for messages: a run's name, a file.
        by_image: by digest.
        by_path: by path relative to the data.
        labels: class names by path, to be held against the data; empty where the list has none.
        is_complete: whether an image it does not name is a mistake; else such images are drawn as ever.
    """

    origin: str
    by_image: Mapping[bytes, Side] = field(default_factory=dict)
    by_path: Mapping[str, Side] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    is_complete: bool = False

    def find(self, table: ImageTable) -> list[Side | None]:
        """Return the side of each image, None where nothing is said of it."""
        found: list[Side | None] = [None] * len(table)
        rows = [to_keys(table.digests), to_keys(table.identities)]
        for index, keys in enumerate(zip(*rows, strict=True)):
            sides = [self.by_image[key] for key in keys if key in self.by_image]
            path = table.paths[index] if table.paths is not None else None
            found[index] = self.by_path.get(path or "") or next(iter(sides), None)
        return found


def take_sides(source: SourceImages, sides: KnownSides) -> tuple[SourceImages, Tensor | None]:
    """Return a source's images on the sides that are known, and which training images are settled there.

    Images of which nothing is said stay where they were: training images may yet become validation images. If
    no validation image is named, none is settled, and they are drawn as ever.

    Raises:
        DataError: a complete list lacks images of the data, names others, or calls them differently.
    """
    parts = [("train", source.train), ("validation", source.validation), ("test", source.test)]
    present = [(name, part) for name, part in parts if part is not None]
    everything = join_datasets([part for _, part in present])
    before = [name for name, part in present for _ in range(len(part))]
    known = sides.find(everything.table)
    if sides.is_complete:
        _refuse_other_images(everything, known, sides)
    now = [new or old for new, old in zip(known, before, strict=True)]

    def gather(side: Side) -> Tensor:
        return torch.tensor([index for index, name in enumerate(now) if name == side], dtype=torch.int64)

    train = gather("train")
    validation = everything.select(gather("validation"))
    settled = torch.tensor([known[index] is not None for index in train.tolist()], dtype=torch.bool)
    moved = replace(
        source,
        train=everything.select(train),
        validation=validation if len(validation) else None,
        test=everything.select(gather("test")),
        test_part=None,
        notes=(*source.notes, *_describe_moved(before, now, source, sides)),
    )
    for name, part in (("training", moved.train), ("test", moved.test)):
        missing = [
            everything.class_names[label] for label, count in enumerate(part.class_counts()) if not count
        ]
        if missing:
            raise DataError(
                f"The {name} images that {sides.origin} names lack a class.",
                got=f"none of {', '.join(missing)}",
                allowed="training and test images of each class",
                next_step="mend the list, or name another run in data.sides_of",
            )
    return moved, settled if len(validation) else None


def _describe_moved(
    before: Sequence[str], now: Sequence[str], source: SourceImages, sides: KnownSides
) -> Iterator[str]:
    """Yield a sentence on test images that the data gives, and that are none any more."""
    if source.test_part is not None:  # drawn here, by nobody else
        return
    total = before.count("test")
    count = sum(old == "test" != new for old, new in zip(before, now, strict=True))
    if count:
        yield (
            f"{count:,} of the {total:,} test images that the data gives are training or validation images "
            f"by {sides.origin}: figures on the others are not those of the data's own test images."
        )


def _refuse_other_images(images: ImageDataset, known: Sequence[Side | None], sides: KnownSides) -> None:
    paths = images.paths or tuple(f"image {index}" for index in range(len(images)))
    unlisted = [path for path, side in zip(paths, known, strict=True) if side is None]
    gone = sorted(set(sides.by_path) - set(paths)) if images.paths is not None else []
    wrong = [
        f"{path} is {sides.labels[path]} there, {images.class_names[label]} here"
        for path, label in zip(paths, images.labels.tolist(), strict=True)
        if sides.labels.get(path, images.class_names[label]) != images.class_names[label]
    ]
    for found, what in (
        (unlisted, "images of the data are not in it"),
        (gone, "images in it are not in the data"),
        (wrong, "images have another class"),
    ):
        if found:
            more = " …" if len(found) > _MOST_NAMED else ""
            raise DataError(
                f"{sides.origin} does not fit the data: {len(found):,} {what}.",
                got=", ".join(found[:_MOST_NAMED]) + more,
                allowed="a line for each image, with its path relative to the data and its class",
                nearest=suggest(found[0], paths) if what.startswith("images in it") else None,
                next_step="mend the list; `loupe data … --manifest FILE` writes one that fits",
            )


def join_datasets(parts: Sequence[ImageDataset]) -> ImageDataset:
    """Return images of several parts of one dataset as one, in their order."""
    if len(parts) == 1:
        return parts[0]
    has_origins = any(part.origins is not None for part in parts)
    has_paths = all(part.paths is not None for part in parts)
    return replace(
        parts[0],
        images=join_images([part.images for part in parts]),
        labels=torch.cat([part.labels for part in parts]),
        origins=torch.cat([part.table.identities for part in parts]) if has_origins else None,
        paths=tuple(path for part in parts for path in part.paths or ()) if has_paths else None,
    )
