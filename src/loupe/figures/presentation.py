"""A finished figure made ready for where it is to stand: a page, a slide, a page in grey."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, Literal, get_args

import numpy as np
from matplotlib import colormaps
from matplotlib.collections import Collection
from matplotlib.colors import Colormap, ListedColormap, to_hex, to_rgba
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.text import Annotation, Text

from loupe.figures.style import BLUE, GREEN, GREY, ORANGE, PINK

StyleName = Literal["paper", "slides", "grey"]
STYLES: tuple[StyleName, ...] = get_args(StyleName)

_MILLIMETRES = 25.4
_COLUMN, _PAGE, _PAGE_HEIGHT = 85 / _MILLIMETRES, 175 / _MILLIMETRES, 225 / _MILLIMETRES
_SLIDE, _SLIDE_HEIGHT = 10.0, 5.6  # inches; leaves room for a heading on a slide of 16 : 9
_SMALLEST_ON_SLIDE = 9.0  # points
_SERIF = ["STIXGeneral", "DejaVu Serif"]
# Greys far enough apart for lines, besides their dashes and markers.
_GREYS = {BLUE: 0.0, ORANGE: 0.45, GREEN: 0.25, PINK: 0.6, GREY: 0.5, "#e69f00": 0.7, "#56b4e9": 0.55}


def present(figure: Figure, style: StyleName) -> Figure:
    """Return the figure in a style; the same figure, changed.

    "paper" is 85 or 175 mm wide, as columns of journals are, in a serif type of 6 to 8 points; "grey" is that
    in shades of grey, whose order is that of the colours' lightness; "slides" has large type and lines.

    Args:
        figure: drawn by the functions of this room.
        style: where it is to stand.
    """
    if style == "slides":
        _enlarge(figure)
        return figure
    if style == "grey":
        _take_colours_out(figure)
    _fit_to_page(figure)
    return figure


def _fit_to_page(figure: Figure) -> None:
    width, height = figure.get_size_inches()
    target = _COLUMN if width <= 5.0 else _PAGE
    factor = target / width
    factor = min(factor, _PAGE_HEIGHT / height)
    figure.set_size_inches(width * factor, height * factor)
    for text in figure.findobj(Text):
        text.set_fontfamily(_SERIF)
        text.set_fontsize(float(np.clip(text.get_fontsize() * min(1.0, max(factor, 0.8)), 5.5, 8.0)))
        _move_with_its_type(text, min(1.0, factor))
    for line in figure.findobj(Line2D):
        line.set_linewidth(max(0.6, line.get_linewidth() * min(1.0, factor)))


def _enlarge(figure: Figure) -> None:
    width, height = figure.get_size_inches()
    factor = min(_SLIDE / width, _SLIDE_HEIGHT / height)
    figure.set_size_inches(width * factor, height * factor)
    for text in figure.findobj(Text):
        text.set_fontsize(max(_SMALLEST_ON_SLIDE, text.get_fontsize() * factor * 1.08))
        _move_with_its_type(text, factor)
    for line in figure.findobj(Line2D):
        line.set_linewidth(line.get_linewidth() * factor)
        line.set_markersize(line.get_markersize() * factor)


def _move_with_its_type(text: Text, factor: float) -> None:
    """Keep a name where it stands from its point, in a figure that has become so much larger."""
    if isinstance(text, Annotation) and text.anncoords == "offset points":
        text.xyann = (factor * text.xyann[0], factor * text.xyann[1])


def _take_colours_out(figure: Figure) -> None:
    for line in figure.findobj(Line2D):
        line.set_color(_to_grey(line.get_color()))
        line.set_markerfacecolor(_to_grey(line.get_markerfacecolor()))
        line.set_markeredgecolor(_to_grey(line.get_markeredgecolor()))
    for patch in figure.findobj(Patch):
        patch.set_facecolor(_lighten(_to_grey(patch.get_facecolor())))  # black intervals lie on bars
        patch.set_edgecolor(_to_grey(patch.get_edgecolor()))
    for text in figure.findobj(Text):
        text.set_color(_to_grey(text.get_color()))
    for collection in figure.findobj(Collection):
        _grey_collection(collection)
    for image in figure.findobj(AxesImage):
        _grey_image(image)


def _grey_collection(collection: Any) -> None:
    if collection.get_array() is not None:
        collection.set_cmap(_grey_of(collection.get_cmap().name, collection.get_cmap()))
        return
    collection.set_facecolor([_to_grey(one) for one in collection.get_facecolor()])
    collection.set_edgecolor([_to_grey(one) for one in collection.get_edgecolor()])


def _grey_image(image: AxesImage) -> None:
    values = image.get_array()
    if values is not None and values.ndim == 3:
        is_whole = values.dtype.kind == "u"
        lightness = _lightness(np.asarray(values[..., :3], float))
        grey = np.repeat(lightness[..., None], 3, axis=2)
        image.set_data(grey.round().astype(np.uint8) if is_whole else grey)
    else:
        with _keeping_ticks(image.colorbar):
            image.set_cmap(_grey_of(image.get_cmap().name, image.get_cmap()))


@contextmanager
def _keeping_ticks(bar: Any) -> Iterator[None]:
    """Keep the ticks of a colour bar, which other colours would draw anew."""
    if bar is None:
        yield
        return
    axis = bar.ax.yaxis if bar.orientation == "vertical" else bar.ax.xaxis
    locator, formatter = axis.get_major_locator(), axis.get_major_formatter()
    yield
    bar.locator, bar.formatter = locator, formatter
    bar.update_ticks()


def _lighten(colour: Any) -> Any:
    return colour if isinstance(colour, str) else (*(0.5 + one / 2 for one in colour[:3]), colour[3])


def _grey_of(name: str, colours: Colormap) -> Colormap:
    """Return a scale of greys as light as the colours are."""
    if name == "gray":
        return colormaps["gray"]
    light = _lightness(colours(np.linspace(0, 1, 256))[:, :3])
    grey = ListedColormap(np.repeat(light[:, None], 3, axis=1), name=f"grey {name}")
    return grey.with_extremes(bad=(1, 1, 1, 0))


def _lightness(rgb: np.ndarray) -> np.ndarray:
    light: np.ndarray = rgb @ np.array([0.299, 0.587, 0.114])
    return light


def _to_grey(colour: Any) -> Any:
    if isinstance(colour, str) and colour in ("none", "auto"):
        return colour
    red, green, blue, alpha = to_rgba(colour)
    level = _known_greys().get(to_hex((red, green, blue)))
    if level is None:
        level = float(_lightness(np.array([red, green, blue])))
    return (level, level, level, alpha)


@cache
def _known_greys() -> dict[str, float]:
    return {to_hex(colour): level for colour, level in _GREYS.items()}
