from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from loupe.figures.mosaic import choose_columns, label_tiles, lay_tiles
from loupe.figures.style import new_figure
from loupe.wording import count_of, every_of


def draw_feature_maps(
    picture: np.ndarray, maps: np.ndarray, layer: str, title: str = "", *, own_scale: bool = False
) -> Figure:
    """Return an image and beside it every channel of a layer, once, in order.

    Args:
        picture: (height, width, 1 or 3) uint8, what the network was shown.
        maps: (channels, height, width) float.
        layer: name of the layer.
        title: what stands above the image, such as its class.
        own_scale: give each map a scale of its own; else all share one, with a colour bar.
    """
    maps = np.asarray(maps)
    count, height, width = maps.shape
    columns = choose_columns(count, height, width)
    picture_of_maps = lay_tiles(_scale(maps) if own_scale else maps, columns)
    wide = 5.6
    high = max(1.9, wide * picture_of_maps.shape[0] / picture_of_maps.shape[1] + 0.6)
    figure = new_figure(wide + 2.2, high)
    layout = figure.add_gridspec(1, 2, width_ratios=[1.3, wide])
    _show_picture(figure, layout[0, 0], picture, title)
    axes = figure.add_subplot(layout[0, 1])
    drawn = axes.imshow(picture_of_maps, cmap="viridis", interpolation="nearest")
    label_tiles(axes, count, columns, height, width)
    size = f"{height} × {width}"
    scale = "each on a scale of its own" if own_scale else "one scale"
    axes.set_title(f"{layer}: {count_of(count, 'map')} of {size}, {scale}", fontsize=9, loc="left")
    if not own_scale:
        bar = figure.colorbar(drawn, ax=axes, fraction=0.04, pad=0.02)
        bar.ax.tick_params(labelsize=7)
        bar.set_label("activation", fontsize=8)
    return figure


def draw_maps_by_class(
    pictures: Sequence[np.ndarray],
    maps: np.ndarray,
    layer: str,
    titles: Sequence[str],
    *,
    most_channels: int = 12,
    own_scale: bool = False,
) -> Figure:
    """Return a row an image: the image, and what a layer's first channels make of it.

    Args:
        pictures: one (height, width, 1 or 3) uint8 an image.
        maps: (images, channels, height, width) float.
        layer: name of the layer.
        titles: one an image, such as its class.
        most_channels: channels to draw; the title says how many of how many.
        own_scale: give each map a scale of its own; else all share one, with a colour bar.
    """
    maps = np.asarray(maps)
    images, channels, height, width = maps.shape
    shown = min(channels, most_channels)
    some = maps[:, :shown]
    tiles = (_scale(some) if own_scale else some).reshape(-1, height, width)
    figure = new_figure(1.3 + 0.52 * shown + 0.7, 0.52 * images + 0.7)
    layout = figure.add_gridspec(1, 2, width_ratios=[1, shown])
    first = figure.add_subplot(layout[0, 0])
    side = pictures[0].shape[0]
    gap = max(1, round(side / height))  # as high as the gaps between the maps
    column = lay_tiles(np.stack([_to_colour(picture) for picture in pictures]), 1, gap)
    first.imshow(np.nan_to_num(column, nan=1.0), interpolation="nearest")
    first.set_yticks([row * (side + gap) + (side - 1) / 2 for row in range(images)])
    first.set_yticklabels(titles, fontsize=7)
    first.set_xticks([])
    first.tick_params(length=0)
    first.spines[:].set_visible(False)
    axes = figure.add_subplot(layout[0, 1])
    drawn = axes.imshow(lay_tiles(tiles, shown), cmap="viridis", interpolation="nearest")
    label_tiles(axes, len(tiles), shown, height, width, goes_on=False)
    axes.set_yticks([])
    of = every_of(channels, "channel") if shown == channels else f"channels 0 to {shown - 1} of {channels}"
    scale = "each map on a scale of its own" if own_scale else "one scale"
    axes.set_title(f"{layer}: {of}, {scale}", fontsize=9, loc="left")
    if not own_scale:
        bar = figure.colorbar(drawn, ax=axes, fraction=0.03, pad=0.02)
        bar.ax.tick_params(labelsize=7)
    return figure


def _show_picture(figure: Figure, place: object, picture: np.ndarray, title: str) -> None:
    axes = figure.add_subplot(place)  # type: ignore[call-overload]  # a place in a grid
    axes.imshow(_to_colour(picture), interpolation="nearest")
    axes.set_title(title, fontsize=8)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
    axes.set_anchor("N")


def _to_colour(picture: np.ndarray) -> np.ndarray:
    colour: np.ndarray = np.repeat(picture, 3, axis=2) if picture.shape[2] == 1 else picture[:, :, :3]
    return colour / 255


def _scale(maps: np.ndarray) -> np.ndarray:
    """Return each map stretched to [0, 1]; a map of one value becomes 0."""
    low, high = maps.min(axis=(-2, -1), keepdims=True), maps.max(axis=(-2, -1), keepdims=True)
    scaled: np.ndarray = (maps - low) / np.where(high > low, high - low, 1)
    return scaled
