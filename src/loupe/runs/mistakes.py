"""What is kept of a classifier for looking at its mistakes: what takes the network or the training images."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor


def _nothing(*shape: int, dtype: torch.dtype = torch.int64) -> Tensor:
    return torch.zeros(shape, dtype=dtype)


@dataclass(frozen=True, eq=False)
class MistakeRecord:
    """The contents of `mistakes.npz`.

    Args:
        mistakes: (mistakes,) int64, validation images whose neighbours were looked for.
        neighbours: (mistakes, k) int64, their nearest training images, nearest first.
        distances: (mistakes, k) float32, cosine distance to each.
        num_searched: (1,) int64, training images that were searched.
        mapped: (points,) int64, validation images on the map.
        positions: (points, 2) float32, where they lie.
        variance: (2,) float32, shares of the features' variance along the axes of the map.
        hardest: (some,) int64, hardest training images; none if examples were not tracked.
        pictured: (pictures,) int64, training images whose pictures are kept, ascending.
        pictures: (pictures, channels, height, width) uint8.
        labels: (pictures,) int64, their classes.
    """

    pictured: Tensor = field(default_factory=lambda: _nothing(0))
    pictures: Tensor = field(default_factory=lambda: _nothing(0, 1, 1, 1, dtype=torch.uint8))
    labels: Tensor = field(default_factory=lambda: _nothing(0))
    mistakes: Tensor = field(default_factory=lambda: _nothing(0))
    neighbours: Tensor = field(default_factory=lambda: _nothing(0, 0))
    distances: Tensor = field(default_factory=lambda: _nothing(0, 0, dtype=torch.float32))
    num_searched: Tensor = field(default_factory=lambda: _nothing(1))
    mapped: Tensor = field(default_factory=lambda: _nothing(0))
    positions: Tensor = field(default_factory=lambda: _nothing(0, 2, dtype=torch.float32))
    variance: Tensor = field(default_factory=lambda: _nothing(2, dtype=torch.float32))
    hardest: Tensor = field(default_factory=lambda: _nothing(0))

    def to_arrays(self) -> dict[str, Tensor]:
        return dict(vars(self))

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Tensor]) -> "MistakeRecord":
        """Return the record that arrays by name hold.

        Raises:
            TypeError: an array has another name.
        """
        return cls(**arrays)

    def find_picture(self, image: int) -> tuple[Tensor, int]:
        """Return picture and class of a training image that was kept."""
        place = int(torch.searchsorted(self.pictured, image))
        return self.pictures[place], int(self.labels[place])
