from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from loupe.figures.mosaic import label_rows, lay_tiles
from loupe.figures.style import ORANGE, new_axes, new_figure

_INCHES = 0.72
_GAP = 2


@dataclass(frozen=True)
class ExcitedChannel:
    """What is drawn of one channel.

    Args:
        channel: its number, from 0.
        pictures: (images, height, width, 1 or 3) uint8, the most exciting first.
        fields: of each picture the first row, last row, first column and last column that the channel's
            largest number can depend on.
        note: what stands beside the row, such as the classes of the pictures.
    """

    channel: int
    pictures: np.ndarray
    fields: Sequence[tuple[int, int, int, int]]
    note: str


def draw_exciting_images(channels: Sequence[ExcitedChannel], title: str) -> Figure:
    """Return a row a channel: the images that excite it most, the most exciting at the left.

    The frame on each picture holds the pixels that the largest number of the channel's map depends on; there
    is none where that is the whole picture.

    Args:
        channels: at least one, each with equally many pictures of one size.
        title: of the figure.
    """
    shown, height, width = channels[0].pictures.shape[:3]
    tiles = np.concatenate([_to_colour(one.pictures) for one in channels])
    figure = new_figure(_INCHES * shown + 1.9, _INCHES * len(channels) * height / width + 0.5)
    axes = new_axes(figure)
    axes.imshow(np.nan_to_num(lay_tiles(tiles, shown, _GAP), nan=1.0), interpolation="nearest")
    for row, one in enumerate(channels):
        for column, (first_row, last_row, first_column, last_column) in enumerate(one.fields):
            rows, columns = last_row - first_row + 1, last_column - first_column + 1
            if (rows, columns) == (height, width):
                continue
            left, top = column * (width + _GAP) + first_column, row * (height + _GAP) + first_row
            corner = (left - 0.5, top - 0.5)
            axes.add_patch(Rectangle(corner, columns, rows, fill=False, edgecolor="white", linewidth=2.6))
            axes.add_patch(Rectangle(corner, columns, rows, fill=False, edgecolor=ORANGE, linewidth=1.2))
    middles = [row * (height + _GAP) + (height - 1) / 2 for row in range(len(channels))]
    axes.set_yticks(middles, [f"channel {one.channel}" for one in channels], fontsize=7)
    axes.set_xticks([])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    label_rows(axes, middles, [one.note for one in channels])
    axes.set_title(title, fontsize=9, loc="left")
    return figure


def _to_colour(pictures: np.ndarray) -> np.ndarray:
    colour: np.ndarray = np.repeat(pictures, 3, axis=3) if pictures.shape[3] == 1 else pictures[..., :3]
    return colour / 255
