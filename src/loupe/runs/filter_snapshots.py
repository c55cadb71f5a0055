"""Filters as they were along a training, kept in one small file."""

import re
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from loupe.runs.arrays import read_tensors, refuse_array, write_tensors
from loupe.runs.reading import reading

_NAME = re.compile(r"epoch-(\d{1,9})")
ADVICE = "delete the file: snapshots of earlier epochs are then missing"


@dataclass(frozen=True, eq=False)
class FilterSnapshots:
    """The weights of one layer along a training.

    Args:
        layer: its name.
        weights: by epoch, 0 before the first; each (filters, channels, height, width), or of a dense layer
            (units, inputs), float32 on the CPU.
    """

    layer: str
    weights: dict[int, Tensor]

    def shaped(self, image_shape: tuple[int, int, int]) -> dict[int, Tensor]:
        """Return the weights as pictures; those of a dense layer have the shape of the image.

        Args:
            image_shape: (channels, height, width).
        """
        return {
            epoch: one if one.ndim == 4 else one.reshape(len(one), *image_shape)
            for epoch, one in self.weights.items()
        }


def write_filter_snapshots(file: Path, snapshots: FilterSnapshots) -> None:
    """Write snapshots, in place of those that are there."""
    tensors = {f"epoch-{epoch:06d}": one for epoch, one in sorted(snapshots.weights.items())}
    write_tensors(file, tensors, {"layer": snapshots.layer})


def read_filter_snapshots(file: Path) -> FilterSnapshots:
    """Return the snapshots that a file holds, in the order of the epochs.

    Raises:
        RunError: it is damaged.
    """
    with reading(file, ADVICE):
        tensors, metadata = read_tensors(file)
        weights: dict[int, Tensor] = {}
        for name, tensor in sorted(tensors.items()):
            found = _NAME.fullmatch(name)
            if found is None or tensor.ndim not in (2, 4):
                raise ValueError(f"a tensor {name[:80]!r} of {tensor.ndim} dimensions")
            refuse_array(name, tensor, torch.float32, next(iter(tensors.values())).shape)
            weights[int(found.group(1))] = tensor
        if not weights:
            raise ValueError("no snapshot")
        return FilterSnapshots(metadata["layer"], weights)
