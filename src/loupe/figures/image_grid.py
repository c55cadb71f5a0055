from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from loupe.figures.style import new_axes, new_figure

_INCHES_PER_IMAGE = 1.15


def draw_image_grid(
    images: np.ndarray, titles: Sequence[str], *, columns: int, row_labels: Sequence[str] = ()
) -> Figure:
    """Return a grid of images, each pixel a square.

    Args:
        images: (images, height, width, 1 or 3) uint8, row by row.
        titles: one title an image; "" for none.
        columns: images a row.
        row_labels: text at the left of each row.
    """
    images = np.asarray(images)
    rows = -(-len(images) // columns)
    figure = new_figure(_INCHES_PER_IMAGE * columns + 0.6, (_INCHES_PER_IMAGE + 0.22) * rows)
    for index, (image, title) in enumerate(zip(images, titles, strict=True)):
        axes = new_axes(figure, rows, columns, index + 1)
        grey = image.shape[2] == 1
        axes.imshow(
            image[..., 0] if grey else image,
            cmap="gray" if grey else None,
            vmin=0,
            vmax=255,
            interpolation="nearest",
        )
        axes.set_title(title, fontsize=8)
        axes.set_xticks([])
        axes.set_yticks([])
        axes.spines[:].set_visible(False)
        if row_labels and index % columns == 0:
            axes.set_ylabel(row_labels[index // columns], fontsize=8)
    return figure
