"""The one visual language: colours that colour-blind readers tell apart, quiet axes, stated dpi."""

import functools
import io
import warnings
from pathlib import Path
from typing import Any, BinaryIO

from matplotlib import font_manager, rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.gridspec import SubplotSpec
from matplotlib.lines import Line2D
from matplotlib.text import Text

BLUE, ORANGE, GREEN, PINK, GREY = "#0072b2", "#d55e00", "#009e73", "#b04d8a", "#6b7280"
CURVE_COLOURS = (BLUE, ORANGE, GREEN, PINK, GREY)
CURVE_MARKERS = ("o", "s", "^", "D", "v", "P", "X")  # told apart without colour; 35 pairs with a colour
MOST_NAMES_INSIDE = 4  # that a legend holds beside the curves; more stand to the right of the axes

_NOTEBOOK_DPI = 110

_OF_OTHER_SCRIPTS = (  # how names of families begin, on Linux, macOS and Windows
    *("Noto Sans", "Source Han Sans", "WenQuanYi", "Droid Sans Fallback", "IPAGothic", "Nanum", "Lohit"),
    *("PingFang", "Hiragino Sans", "Heiti", "Apple SD Gothic", "Arial Unicode", "Geeza Pro", "Kohinoor"),
    *(
        "Microsoft YaHei",
        "SimHei",
        "Yu Gothic",
        "Meiryo",
        "MS Gothic",
        "Malgun Gothic",
        "Segoe UI",
        "Nirmala UI",
    ),
)

_SETTINGS = {
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": GREY,
    "axes.formatter.useoffset": False,  # every number on an axis is what it says
    "figure.constrained_layout.use": True,
}


class ShownFigure(Figure):
    """A figure that a notebook shows as a picture, whatever the notebook has set up for pyplot."""

    def _repr_png_(self) -> bytes:
        buffer = io.BytesIO()
        save_figure(self, buffer, _NOTEBOOK_DPI)
        return buffer.getvalue()


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure; width and height in inches."""
    with rc_context(_SETTINGS):  # type: ignore[arg-type]  # the stub wants a Literal of every key
        return ShownFigure(figsize=(width, height), layout="constrained")


def new_axes(figure: Figure, *position: int | SubplotSpec) -> Axes:
    """Return axes in the house style; `position` as in `Figure.add_subplot`, the whole figure if left out."""
    with rc_context(_SETTINGS):  # type: ignore[arg-type]  # the stub wants a Literal of every key
        return figure.add_subplot(*(position or (1, 1, 1)))


def place_legend(axes: Axes, *, fewest: int = 2) -> None:
    """Give curves a legend: among them, or beside all axes of the figure where it would lie on them.

    Of more than 30 names the first stand in it, and how many others there are.

    Args:
        axes: with the curves; names may be in the axes beside them again.
        fewest: names below which there is none.
    """
    handles, names = axes.get_legend_handles_labels()
    if len(names) < fewest:
        return
    handles, names = shorten_legend(handles, names)
    if len(names) <= MOST_NAMES_INSIDE:
        axes.legend(frameon=False, fontsize=8)
    elif len(axes.figure.axes) == 1:
        axes.legend(
            handles,
            names,
            frameon=False,
            fontsize=8,
            loc="upper left",
            bbox_to_anchor=(1.01, 1.02),
            borderaxespad=0,
        )
    else:
        axes.figure.legend(handles, names, frameon=False, fontsize=8, loc="outside right upper")


def shorten_legend(handles: list[Any], names: list[str], most: int = 30) -> tuple[list[Any], list[str]]:
    """Return the first handles and names of a legend, and behind them how many others there are."""
    if len(names) <= most:
        return handles, names
    num_others = len(names) - most
    rest = f"… and {num_others:,} other{'s' if num_others > 1 else ''}"
    return [*handles[:most], Line2D([], [], linestyle="none")], [*names[:most], rest]


def save_figure(figure: Figure, to: Path | BinaryIO, dpi: int = 150, *, form: str | None = None) -> None:
    """Write the figure as a picture: png, pdf or svg as `form` or a path's ending says, else png.

    Names of classes and arms may be in any script: fonts of this machine step in for signs that the usual one
    has not.
    """
    for text in figure.findobj(Text):
        if not text.get_text().isascii():
            text.set_fontfamily([*(text.get_fontfamily() or ()), *_find_fonts()])
    with warnings.catch_warnings():  # what no font has is drawn as a box, and need not be told of
        warnings.filterwarnings("ignore", r"Glyph \d+", UserWarning)
        # a picture of the same figure is the same file: no date stands in it
        metadata = {"pdf": {"CreationDate": None}, "svg": {"Date": None}}.get(form or "")
        figure.savefig(to, dpi=dpi, facecolor="white", format=form, metadata=metadata)


@functools.cache
def _find_fonts() -> list[str]:
    """Return the usual font and those of other scripts that are installed, the usual one first."""
    installed = {font.name for font in font_manager.fontManager.ttflist}
    return ["DejaVu Sans", *sorted(name for name in installed if name.startswith(_OF_OTHER_SCRIPTS))]
