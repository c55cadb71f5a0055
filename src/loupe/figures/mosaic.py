"""Many small pictures laid side by side as one: a single drawing, however many there are."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes


def choose_columns(count: int, height: int, width: int, aspect: float = 2.0) -> int:
    """Return how many tiles to put in a row, so that the whole is about `aspect` times as wide as high."""
    return max(1, min(count, round(math.sqrt(count * aspect * height / width))))


def lay_tiles(tiles: np.ndarray, columns: int, gap: int = 1) -> np.ndarray:
    """Return tiles as one picture, row by row, with gaps of nan between them.

    Args:
        tiles: (count, height, width) or (count, height, width, 3) float.
        columns: tiles a row.
        gap: width of the gaps, in pixels.
    """
    count, height, width = tiles.shape[:3]
    rows = -(-count // columns)
    shape = (rows * (height + gap) - gap, columns * (width + gap) - gap, *tiles.shape[3:])
    picture = np.full(shape, np.nan)
    for index, tile in enumerate(tiles):
        top, left = index // columns * (height + gap), index % columns * (width + gap)
        picture[top : top + height, left : left + width] = tile
    return picture


def label_tiles(
    axes: Axes, count: int, columns: int, height: int, width: int, gap: int = 1, *, goes_on: bool = True
) -> None:
    """Write the number of the first tile at the left of each row, and the columns above.

    Args:
        axes: with the tiles.
        count: how many there are.
        columns: tiles a row.
        height: of a tile, in pixels.
        width: of a tile, in pixels.
        gap: width of the gaps, in pixels.
        goes_on: whether numbers go on from row to row: columns are then what is added to a row's first.
    """
    goes_on = goes_on and count > columns
    rows = -(-count // columns)
    step = max(1, columns // 16)
    axes.set_yticks([row * (height + gap) + (height - 1) / 2 for row in range(rows)])
    axes.set_yticklabels([str(row * columns) for row in range(rows)], fontsize=7)
    shown = range(0, columns, step)
    axes.set_xticks([column * (width + gap) + (width - 1) / 2 for column in shown])
    axes.set_xticklabels(
        [f"+{column}" if column and goes_on else str(column) for column in shown], fontsize=7
    )
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def label_rows(axes: Axes, middles: Sequence[float], texts: Sequence[str]) -> None:
    """Write a text at the right of each row of tiles.

    Args:
        axes: with the tiles.
        middles: of the rows, in pixels from the top.
        texts: one a row.
    """
    for middle, text in zip(middles, texts, strict=True):
        axes.annotate(
            text, (1, middle), xytext=(6, 0), xycoords=("axes fraction", "data"), textcoords="offset points",
            fontsize=7, va="center", annotation_clip=False,
        )  # fmt: skip
