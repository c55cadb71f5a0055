from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Colormap, LinearSegmentedColormap, ListedColormap, Normalize
from matplotlib.figure import Figure

from loupe.figures.style import new_axes, new_figure

_INCHES_PER_IMAGE = 1.25
_PICTURE_SHARE = 0.35  # how much of the picture shows through a map
_CONTRAST = 0.6  # of that picture: colours must still be found again on the colour bar

# Lightness rises from one end to the other in both, so that order survives grey print; and blue against
# amber is told apart in every common kind of colour blindness.
_BLUE_TO_AMBER = ["#08306b", "#3f6ea8", "#8c8c8c", "#d9a441", "#fff0a8"]
_SIGNED = LinearSegmentedColormap.from_list("against and for", _BLUE_TO_AMBER)
_UNSIGNED = LinearSegmentedColormap.from_list("for", ["#1c1c1c", "#6b4a1e", "#c98a2b", "#fff0a8"])

_BAR_PLACE: dict[str, Any] = {
    "location": "bottom",
    "fraction": 0.03,
    "pad": 0.01,
    "aspect": 12,
    "shrink": 0.9,
}

Scale = Literal["each map", "column"]


@dataclass(frozen=True)
class MapColumn:
    """The maps of one method, one an image.

    Args:
        title: name of the method.
        maps: (images, height, width) float.
        is_signed: whether negative values speak against the class; if not, all values are ≥ 0.
        unit: what a value is, such as "drop of the logit".
    """

    title: str
    maps: np.ndarray
    is_signed: bool
    unit: str = "evidence"


def draw_explanation_grid(
    images: np.ndarray,
    titles: Sequence[str],
    columns: Sequence[MapColumn],
    *,
    scale: Scale = "each map",
    percentile: float = 99.5,
) -> Figure:
    """Return a row an image: the picture, and over a pale copy of it the map of each method.

    Signed maps are centred at 0 (grey), with blue, dark, against the class and amber, light, for it.

    Args:
        images: (images, height, width, 1 or 3) uint8.
        titles: one title an image, such as its class and probability.
        columns: the methods' maps.
        scale: "each map" brings every map to its own range, "column" all maps of a method to one range. The
            label of the colour bar says which.
        percentile: of the sizes of a range's values, where its colours end, in (0, 100]; larger values get
            the last colour, so that a few pixels do not hide the others.
    """
    num_rows, num_columns = len(images), 1 + len(columns)
    title_lines = sum(1 + title.count("\n") for title in titles)
    height = (_INCHES_PER_IMAGE + 0.1) * num_rows + 0.15 * title_lines + 0.7
    figure = new_figure(_INCHES_PER_IMAGE * num_columns + 0.2, height)
    grid = np.empty((num_rows, num_columns), dtype=object)
    for row, (image, title) in enumerate(zip(images, titles, strict=True)):
        for number in range(num_columns):
            index = row * num_columns + number + 1
            grid[row, number] = _new_picture_axes(figure, num_rows, num_columns, index)
        grey = image.shape[2] == 1
        grid[row, 0].imshow(
            image[..., 0] if grey else image, cmap="gray" if grey else None, vmin=0, vmax=255,
            interpolation="nearest",
        )  # fmt: skip
        grid[row, 0].set_title(title, fontsize=8)
    _leave_room_for_bar(figure, list(grid[:, 0]))
    for number, column in enumerate(columns, start=1):
        ends = _find_ends(column.maps, scale, percentile)
        for row, (image, values, end) in enumerate(zip(images, column.maps, ends, strict=True)):
            grid[row, number].imshow(_overlay(image, values / end, column.is_signed), interpolation="nearest")
            if not values.any():
                grid[row, number].set_xlabel("zero everywhere", fontsize=7, labelpad=2)
        grid[0, number].set_title(column.title, fontsize=7.5, fontweight="bold")
        _draw_colour_bar(figure, list(grid[:, number]), column, ends, scale, percentile)
    return figure


def _new_picture_axes(figure: Figure, *index: int) -> Axes:
    axes = new_axes(figure, *index)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
    return axes


def _find_ends(maps: np.ndarray, scale: Scale, percentile: float) -> np.ndarray:
    """Return the size at which each map's colours end, (images,); 1 for a map of zeros."""
    sizes = np.abs(maps).reshape(len(maps), -1)
    if scale == "column":
        sizes = np.broadcast_to(sizes.reshape(1, -1), (len(maps), sizes.size))
    ends = np.percentile(sizes, percentile, axis=1)
    ends = np.where(ends > 0, ends, sizes.max(1))  # a map with few values that are not 0
    return np.where(ends > 0, ends, 1.0)


def _overlay(image: np.ndarray, shares: np.ndarray, is_signed: bool) -> np.ndarray:
    """Return (height, width, 3) float in [0, 1]: the map's colours, through which the grey picture shows."""
    colours = _colours_of(is_signed)((shares + 1) / 2 if is_signed else shares)[..., :3]
    return _mix(colours, 0.5 + _CONTRAST * (image.mean(2, keepdims=True) / 255 - 0.5))


def _mix(colours: np.ndarray, grey: np.ndarray | float) -> np.ndarray:
    mixed: np.ndarray = (1 - _PICTURE_SHARE) * colours + _PICTURE_SHARE * grey
    return mixed


def _colours_of(is_signed: bool) -> Colormap:
    return _SIGNED if is_signed else _UNSIGNED


def _colours_over_grey(is_signed: bool) -> Colormap:
    """Return the colours as they look over a mid-grey picture, for the colour bar."""
    return ListedColormap(_mix(_colours_of(is_signed)(np.linspace(0, 1, 256))[:, :3], 0.5))


def _leave_room_for_bar(figure: Figure, axes: list[Axes]) -> None:
    """Take as much room from the pictures as the maps give to their colour bars: rows stay in line."""
    blank = figure.colorbar(ScalarMappable(), ax=axes, **_BAR_PLACE).ax
    blank.set_xticks([])
    for drawn in (*blank.collections, *blank.spines.values()):
        drawn.set_visible(False)


def _draw_colour_bar(
    figure: Figure, axes: list[Axes], column: MapColumn, ends: np.ndarray, scale: Scale, percentile: float
) -> None:
    end = float(ends[0]) if scale == "column" else 1.0
    bar = figure.colorbar(
        ScalarMappable(Normalize(-end if column.is_signed else 0, end), _colours_over_grey(column.is_signed)),
        ax=axes,
        **_BAR_PLACE,
    )
    bar.outline.set_visible(False)
    lowest = -end if column.is_signed else 0.0
    bar.set_ticks([lowest, end] if lowest == 0 else [lowest, 0, end])
    written = f"{end:.2g}" if scale == "column" else "1"
    bar.set_ticklabels(["0", written] if lowest == 0 else [f"−{written}", "0", f"+{written}"], fontsize=7)
    of_what = "one scale for all maps" if scale == "column" else "each map its own scale"
    ends_at = "the largest size" if percentile == 100 else f"the {percentile:g} % quantile"
    bar.set_label(f"{column.unit}\n{of_what},\nup to {ends_at}", fontsize=6.5)
