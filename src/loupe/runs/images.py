"""Which images a run trained on, selected on and was tested on, by what they are, not where they lie."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from loupe.data.identity import DIGEST_BYTES, ImageTable, digest_content, to_keys
from loupe.runs.arrays import refuse_array

Side = Literal["train", "validation", "test"]
SIDES: tuple[Side, ...] = ("train", "validation", "test")


def _none() -> Tensor:
    return torch.zeros(0, DIGEST_BYTES, dtype=torch.uint8)


@dataclass(frozen=True, eq=False)
class ImageRecord:
    """The contents of `images.npz`.

    Args:
        train: images the weights were trained on, in the order of the split.
        validation: images that selected among the weights, in the order of the stored predictions.
        test: the locked test images, likewise.
        trained_before: (images, 16) uint8, digests of images that the weights this run started from were
            trained on, at whatever remove.
        selected_before: (images, 16) uint8, of images that selected among those weights.
        is_before_known: whether all of those are known: not where a run before kept no record.
    """

    train: ImageTable
    validation: ImageTable
    test: ImageTable
    trained_before: Tensor = field(default_factory=_none)
    selected_before: Tensor = field(default_factory=_none)
    is_before_known: bool = True

    def table(self, side: Side) -> ImageTable:
        """Return the images of one side."""
        return {"train": self.train, "validation": self.validation, "test": self.test}[side]

    def trained(self) -> set[bytes]:
        """Return the digests of every image the weights were trained on, in this run or before it."""
        return self.train.keys() | set(to_keys(self.trained_before))

    def selected(self) -> set[bytes]:
        """Return the digests of every image that selected among weights, in this run or before it."""
        return self.validation.keys() | set(to_keys(self.selected_before))

    def sides(self) -> dict[bytes, Side]:
        """Return the side of every image by its digests; what trained counts as trained, whatever else."""
        found: dict[bytes, Side] = {}
        for side in reversed(SIDES):
            found |= dict.fromkeys(self.table(side).keys(), side)
        return found

    @property
    def test_content(self) -> str:
        """SHA-256 of the test set: of the images, in any order."""
        return digest_content(self.test.identities)

    def to_arrays(self) -> dict[str, Tensor]:
        arrays = {
            "trained_before": self.trained_before,
            "selected_before": self.selected_before,
            "is_before_known": torch.tensor([self.is_before_known]),
        }
        for side in SIDES:
            table = self.table(side)
            arrays |= {f"{side}_digests": table.digests, f"{side}_labels": table.labels}
            if table.origins is not None:
                arrays[f"{side}_origins"] = table.origins
            if table.paths is not None:
                arrays[f"{side}_paths"] = _pack_paths(table.paths)
        return arrays

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Tensor]) -> "ImageRecord":
        """Return the record that arrays by name hold.

        Raises:
            KeyError: one is missing.
            ValueError: one is of another type or length.
        """
        for name in ("trained_before", "selected_before"):
            refuse_array(name, arrays[name], torch.uint8, (None, DIGEST_BYTES))
        refuse_array("is_before_known", arrays["is_before_known"], torch.bool, (1,))
        train, validation, test = (_read_table(arrays, side) for side in SIDES)
        before = arrays["trained_before"], arrays["selected_before"]
        return cls(train, validation, test, *before, bool(arrays["is_before_known"]))


def _read_table(arrays: Mapping[str, Tensor], side: Side) -> ImageTable:
    labels, paths = arrays[f"{side}_labels"], arrays.get(f"{side}_paths")
    count = len(labels)
    refuse_array(f"{side}_labels", labels, torch.int64, (count,))
    for name in ("digests", "origins"):
        if f"{side}_{name}" in arrays or name == "digests":
            refuse_array(f"{side}_{name}", arrays[f"{side}_{name}"], torch.uint8, (count, DIGEST_BYTES))
    unpacked = None
    if paths is not None:
        refuse_array(f"{side}_paths", paths, torch.uint8, (None,))
        unpacked = _unpack_paths(paths)
        if len(unpacked) != count:
            raise ValueError(f"{len(unpacked)} paths of {count} images")
    return ImageTable(arrays[f"{side}_digests"], labels, arrays.get(f"{side}_origins"), unpacked)


def _pack_paths(paths: tuple[str, ...]) -> Tensor:
    joined = "".join(f"{path}\0" for path in paths).encode("utf-8", "surrogateescape")
    return torch.from_numpy(np.frombuffer(bytearray(joined), np.uint8) if joined else np.zeros(0, np.uint8))


def _unpack_paths(packed: Tensor) -> tuple[str, ...]:
    text = packed.numpy().tobytes().decode("utf-8", "surrogateescape")
    return tuple(text.split("\0")[:-1])
