"""What is kept of a classifier for looking at its mistakes: what takes the network or the training images."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from loupe.runs.arrays import refuse_array


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
            ValueError: one is of another type or shape, or points at what is not there.
        """
        record = cls(**arrays)
        num_mistakes, num_near = len(record.mistakes), record.neighbours.shape[-1]
        num_points, num_pictures = len(record.mapped), len(record.pictured)
        integers: dict[str, tuple[int | None, ...]] = {
            "mistakes": (num_mistakes,),
            "neighbours": (num_mistakes, num_near),
            "num_searched": (1,),
            "mapped": (num_points,),
            "hardest": (None,),
            "pictured": (num_pictures,),
            "labels": (num_pictures,),
        }
        for name, shape in integers.items():
            refuse_array(name, getattr(record, name), torch.int64, shape)
        refuse_array("distances", record.distances, torch.float32, (num_mistakes, num_near))
        refuse_array("positions", record.positions, torch.float32, (num_points, 2))
        refuse_array("variance", record.variance, torch.float32, (2,))
        refuse_array("pictures", record.pictures, torch.uint8, (num_pictures, None, None, None))
        wanted = torch.cat([record.hardest, record.neighbours.flatten()])
        if not torch.isin(wanted, record.pictured).all():
            raise ValueError("images without their pictures")
        return record

    def find_picture(self, image: int) -> tuple[Tensor, int]:
        """Return picture and class of a training image that was kept."""
        place = int(torch.searchsorted(self.pictured, image))
        return self.pictures[place], int(self.labels[place])
