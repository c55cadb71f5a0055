from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from loupe.figures.style import new_axes, new_figure
from loupe.wording import measure_width, shorten_name

_INCHES_PER_IMAGE = 1.15
_LETTER = 0.068  # inches of a letter of a title
_LONGEST = 24  # letters of a line of a title


def draw_image_grid(
    images: np.ndarray, titles: Sequence[str], *, columns: int, row_labels: Sequence[str] = ()
) -> Figure:
    """Return a grid of images, each pixel a square; lines of titles that are too long for it are cut.

    Args:
        images: (images, height, width, 1 or 3) uint8, row by row.
        titles: one title an image; "" for none.
        columns: images a row.
        row_labels: text at the left of each row.
    """
    images = np.asarray(images)
    rows = -(-len(images) // columns)
    cut = [[shorten_name(line, _LONGEST) for line in title.split("\n")] for title in titles]
    longest = max((measure_width(line) for lines in cut for line in lines), default=0)
    figure = new_figure(
        max(_INCHES_PER_IMAGE, _LETTER * (longest + 1)) * columns + 0.6, (_INCHES_PER_IMAGE + 0.22) * rows
    )
    for index, (image, lines) in enumerate(zip(images, cut, strict=True)):
        axes = new_axes(figure, rows, columns, index + 1)
        grey = image.shape[2] == 1
        axes.imshow(
            image[..., 0] if grey else image,
            cmap="gray" if grey else None,
            vmin=0,
            vmax=255,
            interpolation="nearest",
        )
        axes.set_title("\n".join(lines), fontsize=8)
        axes.set_xticks([])
        axes.set_yticks([])
        axes.spines[:].set_visible(False)
        if row_labels and index % columns == 0:
            axes.set_ylabel(shorten_name(row_labels[index // columns], 16), fontsize=8)
    return figure
