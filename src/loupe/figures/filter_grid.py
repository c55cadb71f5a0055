import textwrap

import numpy as np
from matplotlib.figure import Figure

from loupe.figures.mosaic import choose_columns, label_tiles, lay_tiles
from loupe.figures.style import new_axes, new_figure
from loupe.wording import count_of

_MOST_CHANNELS = 16  # input channels drawn of a deeper layer, unless more are asked for


def draw_filters(
    weights: np.ndarray,
    layer: str,
    *,
    own_scale: bool = False,
    most_channels: int = _MOST_CHANNELS,
    most_filters: int | None = None,
) -> Figure:
    """Return the filters of a layer: in colour if they see colour, else a row a filter, a column a channel.

    All filters share one scale, symmetric about zero (mid-grey), so that shades can be compared; the scale
    stands beside them. In grey print nothing is lost.

    Args:
        weights: (filters, channels, height, width) float.
        layer: name of the layer, for the title.
        own_scale: give each filter a scale of its own; the title then says so.
        most_channels: input channels to draw of a layer that has more than three; the title says how many.
        most_filters: to draw of a deeper layer; all if left out. The title says so too.
    """
    weights = np.asarray(weights)  # a tensor will do
    count, channels, height, width = weights.shape
    scale = np.abs(weights).max(axis=(1, 2, 3), keepdims=True) if own_scale else np.abs(weights).max()
    scaled = weights / np.where(scale > 0, scale, 1)
    end = "each filter on a scale of its own" if own_scale else f"one scale, ±{float(np.max(scale)):.3g}"
    if channels == 3:
        tiles = np.moveaxis(scaled, 1, 3) / 2 + 0.5
        what = f"{layer}: {count_of(count, 'filter')} in colour, {end}"
        return _draw(tiles, count, what, None, (height, width))
    shown = min(channels, most_channels)
    num_rows = count if most_filters is None or channels == 1 else min(count, most_filters)
    tiles = scaled[:num_rows, :shown].reshape(-1, height, width)
    of = "" if shown == channels else f", {shown} of {channels} input channels"
    filters = count_of(count, "filter") if num_rows == count else f"{num_rows} of {count} filters"
    what, count = f"{layer}: {filters}{of}, {end}", num_rows
    columns = shown if channels > 1 else None
    return _draw(tiles, count, what, None if own_scale else float(np.max(scale)), (height, width), columns)


def _draw(
    tiles: np.ndarray,
    count: int,
    title: str,
    end: float | None,
    size: tuple[int, int],
    columns: int | None = None,
) -> Figure:
    is_matrix = columns is not None
    columns = columns or choose_columns(len(tiles), *size)
    picture = lay_tiles(tiles, columns)
    inches_wide = max(3.2, min(7.0, 0.42 * columns), 0.1 * columns)  # a tile stays large enough to see
    inches_high = min(20.0, inches_wide * picture.shape[0] / picture.shape[1] + 0.6)
    figure = new_figure(inches_wide + (0.9 if end else 0.2), inches_high)
    axes = new_axes(figure)
    if tiles.ndim == 4:
        axes.imshow(np.nan_to_num(picture, nan=1.0), interpolation="nearest")
    else:
        drawn = axes.imshow(picture, cmap="gray", vmin=-1, vmax=1, interpolation="nearest")
        if end is not None:
            bar = figure.colorbar(drawn, ax=axes, fraction=0.05, pad=0.02, ticks=[-1, 0, 1])
            bar.ax.set_yticklabels([f"−{end:.3g}", "0", f"{end:.3g}"], fontsize=7)
            bar.set_label("weight", fontsize=8)
    label_tiles(axes, len(tiles), columns, *size)
    if is_matrix:  # a row is a filter
        step = max(1, count // 40)
        axes.set_yticklabels([str(row) if row % step == 0 else "" for row in range(count)], fontsize=6)
        axes.set_ylabel("filter", fontsize=8)
        axes.set_xlabel("input channel", fontsize=8)
        axes.xaxis.set_label_position("top")
    axes.set_title(textwrap.fill(title, round(13 * inches_wide)), fontsize=9, loc="left")
    return figure
