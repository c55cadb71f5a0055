"""The one visual language: colours that colour-blind readers tell apart, quiet axes, stated dpi."""

from pathlib import Path

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.gridspec import SubplotSpec

BLUE, ORANGE, GREEN, PINK, GREY = "#0072b2", "#d55e00", "#009e73", "#b04d8a", "#6b7280"

_SETTINGS = {
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": GREY,
    "figure.constrained_layout.use": True,
}


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure; width and height in inches."""
    with rc_context(_SETTINGS):  # type: ignore[arg-type]  # the stub wants a Literal of every key
        return Figure(figsize=(width, height), layout="constrained")


def new_axes(figure: Figure, *place: int | SubplotSpec) -> Axes:
    """Return axes in the house style; `place` as in `Figure.add_subplot`, the whole figure if left out."""
    with rc_context(_SETTINGS):  # type: ignore[arg-type]  # the stub wants a Literal of every key
        return figure.add_subplot(*(place or (1, 1, 1)))


def save_figure(figure: Figure, path: Path, dpi: int = 150) -> None:
    """Write the figure as a picture; the file's ending chooses the format (png, pdf, svg)."""
    figure.savefig(path, dpi=dpi, facecolor="white")
