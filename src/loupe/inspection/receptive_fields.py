"""The pixels that each number of a layer can depend on, all of them at once."""

import copy
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from loupe.inspection.arithmetic import ReceptiveField, run_until


@dataclass(frozen=True)
class ReceptiveFields:
    """The receptive field of every place of a layer's maps.

    Args:
        rows: of each row of the map, the first and last row of the image it can depend on.
        columns: of each column of the map likewise.
    """

    rows: tuple[tuple[int, int], ...]
    columns: tuple[tuple[int, int], ...]

    def find(self, row: int, column: int) -> ReceptiveField:
        """Return the field of a place on the map."""
        return ReceptiveField(*self.rows[row], *self.columns[column])


def find_receptive_fields(model: nn.Module, image_shape: tuple[int, int, int], layer: str) -> ReceptiveFields:
    """Return the smallest rectangle of the image that each place of a layer depends on.

    Found like that of one place by `find_receptive_field`: a row of the image that is "not a number" makes
    "not a number" of all that sees it. One pass of as many images as an image has rows and columns.

    Args:
        model: any network; a copy in double precision is run.
        image_shape: (channels, height, width).
        layer: name of a layer.
    """
    channels, height, width = image_shape
    images = torch.zeros(height + width, channels, height, width, dtype=torch.float64)
    for row in range(height):
        images[row, :, row, :] = torch.nan
    for column in range(width):
        images[height + column, :, :, column] = torch.nan
    output = run_until(copy.deepcopy(model).double().cpu(), images, layer)
    if output.ndim != 4:
        return ReceptiveFields(((0, height - 1),), ((0, width - 1),))
    sees = output.isnan().any(1)  # (rows and columns of the image, map rows, map columns)
    return ReceptiveFields(_find_ends(sees[:height].any(2), height), _find_ends(sees[height:].any(1), width))


def _find_ends(sees: Tensor, length: int) -> tuple[tuple[int, int], ...]:
    """Return the first and last of the image that each of the map sees, from (of the image, of the map)."""
    ends = []
    for of_map in sees.T:
        seen = of_map.nonzero().flatten().tolist()
        ends.append((seen[0], seen[-1]) if seen else (0, length - 1))  # it stops every nan
    return tuple(ends)
