"""Evaluations carried out on a network, as they are kept: JSON, and the pixels of images shown."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from pydantic import TypeAdapter
from torch import Tensor

from loupe.evaluations.finding import Block, Gallery, ShownImage, Value

_FORM = 1


def name_look(title: str, split: str) -> str:
    """Return title and split: "Confusion matrix (test)"."""
    return f"{title} ({split})"


@dataclass(frozen=True)
class Look:
    """An evaluation of one split: what it found, and all that is needed to draw it.

    Args:
        name: of the evaluation, with the settings that are not the default.
        title: its heading.
        chapter: heading that several share.
        order: where it stands among the others.
        split: which images it looked at: "validation", "test", "training", "other data".
        num_images: how many.
        seconds: it took.
        sentence: the answer in words.
        values: its numbers.
        blocks: what shows it.
        failure: why there is none of this; "" if it worked.
    """

    name: str
    title: str
    chapter: str
    order: int
    split: str
    num_images: int
    seconds: float
    sentence: str = ""
    values: tuple[Value, ...] = ()
    blocks: tuple[Block, ...] = ()
    failure: str = ""

    @property
    def heading(self) -> str:
        """Title and split: "Confusion matrix (test)"."""
        return name_look(self.title, self.split)

    @property
    def shown_split(self) -> str:
        """The split that images of its blocks are of, if they do not say."""
        return "train" if self.split == "training" else self.split


@dataclass(frozen=True, eq=False)
class Pictures:
    """Pixels of some images of a split.

    Args:
        indices: (pictures,) int64, ascending.
        pixels: (pictures, channels, height, width) uint8.
    """

    indices: Tensor
    pixels: Tensor

    def find(self, index: int) -> Tensor:
        """Return an image, (channels, height, width) uint8.

        Raises:
            KeyError: it is not among them.
        """
        place = int(torch.searchsorted(self.indices, index))
        if place == len(self.indices) or int(self.indices[place]) != index:
            raise KeyError(index)
        return self.pixels[place]


@dataclass(frozen=True, eq=False)
class Looks:
    """What is kept of all evaluations of a network.

    Args:
        looks: in the order they ask for.
        pictures: of images that do not come from a dataset at hand when they are drawn, by split.
    """

    looks: tuple[Look, ...] = ()
    pictures: Mapping[str, Pictures] = field(default_factory=dict)

    def find(self, name: str) -> Look | None:
        """Return what an evaluation found; of several splits the last, which stands for the network."""
        found = [one for one in self.looks if one.name.partition(":")[0] == name and not one.failure]
        return found[-1] if found else None

    def to_dict(self) -> dict[str, Any]:
        """Return the looks as plain values, without the pictures."""
        values = json.loads(_ADAPTER.dump_json(self.looks))
        return {"form": _FORM, "looks": values}

    def to_arrays(self) -> dict[str, Tensor]:
        """Return the pictures as arrays by name."""
        return {
            f"{split}_{name}": getattr(one, name)
            for split, one in self.pictures.items()
            for name in ("indices", "pixels")
        }

    @classmethod
    def from_parts(cls, values: Mapping[str, Any], arrays: Mapping[str, Tensor]) -> "Looks":
        """Return looks from plain values and arrays.

        Raises:
            ValueError: they are not what `to_dict` and `to_arrays` gave.
            KeyError: likewise.
        """
        splits = sorted({name.rpartition("_")[0] for name in arrays})
        pictures = {one: Pictures(arrays[f"{one}_indices"], arrays[f"{one}_pixels"]) for one in splits}
        return cls(_ADAPTER.validate_python(values["looks"]), pictures)


_ADAPTER = TypeAdapter(tuple[Look, ...])


def list_shown(blocks: Sequence[Block]) -> list[ShownImage]:
    """Return every image of galleries, those beside others too."""
    return [
        image
        for block in blocks
        if isinstance(block, Gallery)
        for first in block.images
        for image in (first, *first.near)
    ]


def rename_split(blocks: Sequence[Block], split: str, name: str) -> tuple[Block, ...]:
    """Return blocks whose galleries call a split by another name."""

    def rename(image: ShownImage) -> ShownImage:
        near = tuple(map(rename, image.near))
        return replace(image, near=near, split=name if image.split == split else image.split)

    return tuple(
        replace(block, images=tuple(map(rename, block.images))) if isinstance(block, Gallery) else block
        for block in blocks
    )
