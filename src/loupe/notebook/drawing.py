"""Figures drawn into axes that somebody else made."""

import io

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from loupe.figures.style import save_figure

_EMBEDDED_DPI = 200


def figure_of(ax: Axes) -> Figure:
    """Return the figure that axes are in."""
    figure = ax.get_figure(root=True)
    assert figure is not None
    return figure


def embed_figure(figure: Figure, ax: Axes | None) -> Figure:
    """Return the figure, or the one whose axes now hold it as a picture."""
    if ax is None:
        return figure
    buffer = io.BytesIO()
    save_figure(figure, buffer, _EMBEDDED_DPI)
    ax.imshow(np.asarray(Image.open(buffer)))
    ax.set_axis_off()
    return figure_of(ax)
