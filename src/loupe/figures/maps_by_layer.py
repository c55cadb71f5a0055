from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from loupe.figures.style import new_axes, new_figure

_INCHES = 0.82


def draw_maps_by_layer(
    picture: np.ndarray, maps: Mapping[str, np.ndarray], title: str, *, most_channels: int = 6
) -> Figure:
    """Return an image, and below it a row a layer: what the layer's first channels make of it.

    Each row has one scale for its maps: shades of a row can be compared, those of two rows cannot.

    Args:
        picture: (height, width, 1 or 3) uint8, what the network was shown.
        maps: by layer, (channels, height, width) float.
        title: what stands beside the image, such as its class.
        most_channels: channels a row.
    """
    picture = np.asarray(picture)
    columns = min(most_channels, max(len(one) for one in maps.values()))
    figure = new_figure(_INCHES * (columns + 1) + 0.9, _INCHES * len(maps) + 0.35)
    grid = figure.add_gridspec(len(maps), columns + 1)
    first = new_axes(figure, grid[0, 0])
    is_grey = picture.shape[2] == 1
    first.imshow(
        picture[..., 0] if is_grey else picture,
        cmap="gray" if is_grey else None, vmin=0, vmax=255, interpolation="nearest",
    )  # fmt: skip
    first.set_title(title, fontsize=8)
    _clear(first)
    for row, (layer, of_layer) in enumerate(maps.items()):
        channels = np.asarray(of_layer)[:columns]
        low, high = float(channels.min()), float(channels.max())
        for column, channel in enumerate(channels):
            axes = new_axes(figure, grid[row, column + 1])
            axes.imshow(channel, cmap="viridis", vmin=low, vmax=high, interpolation="nearest")
            _clear(axes)
            if row == 0:
                axes.set_title(f"channel {column}", fontsize=7)
            if column == 0:
                size = " × ".join(map(str, channel.shape))
                axes.set_ylabel(f"{layer}\n{size}", fontsize=7, rotation=0, ha="right", va="center")
    return figure


def _clear(axes: object) -> None:
    axes.set_xticks([])  # type: ignore[attr-defined]
    axes.set_yticks([])  # type: ignore[attr-defined]
    axes.spines[:].set_visible(False)  # type: ignore[attr-defined]
