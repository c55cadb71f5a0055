from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from loupe.figures.mosaic import label_rows, label_tiles, lay_tiles
from loupe.figures.style import new_axes, new_figure
from loupe.wording import every_of


def draw_filter_history(
    weights: Mapping[int, np.ndarray], layer: str, *, most_filters: int = 16, most_epochs: int = 12
) -> Figure:
    """Return a row an epoch, a column a filter: how filters became what they are, on one scale.

    Beside each row stands how far all filters of the layer have moved from where they began, as a share of
    how large they were there (of Euclidean norms). Filters of one input channel are grey, of three coloured;
    of a deeper layer the first input channel is drawn, and the title says so.

    Args:
        weights: by epoch, 0 before training; each (filters, channels, height, width) float.
        layer: name of the layer, for the title.
        most_filters: columns; the title says how many of how many.
        most_epochs: rows, evenly from the first to the last.
    """
    epochs = _choose_evenly(sorted(weights), most_epochs)
    first = np.asarray(weights[epochs[0]])
    count, channels, height, width = first.shape
    shown = min(count, most_filters)
    stack = np.stack([np.asarray(weights[epoch])[:shown] for epoch in epochs])
    reach = float(np.abs(stack).max()) or 1.0
    is_colour = channels == 3
    tiles = (np.moveaxis(stack, 2, 4) / reach / 2 + 0.5) if is_colour else stack[:, :, 0] / reach
    tiles = tiles.reshape(-1, *tiles.shape[2:])
    inches = 0.42
    figure = new_figure(inches * shown + 2.3, inches * len(epochs) * height / width + 0.7)
    axes = new_axes(figure)
    picture = lay_tiles(tiles, shown)
    if is_colour:
        axes.imshow(np.nan_to_num(picture, nan=1.0), interpolation="nearest")
    else:
        axes.imshow(picture, cmap="gray", vmin=-1, vmax=1, interpolation="nearest")
    label_tiles(axes, len(tiles), shown, height, width, goes_on=False)
    axes.set_yticklabels([f"epoch {epoch}" if epoch else "before" for epoch in epochs], fontsize=8)
    moved = ["as begun", *(_say_moved(first, np.asarray(weights[epoch])) for epoch in epochs[1:])]
    label_rows(axes, list(axes.get_yticks()), moved)
    of = f"filters 0 to {shown - 1} of {count}" if shown < count else every_of(count, "filter")
    part = "" if channels in (1, 3) else ", input channel 0"
    axes.set_title(f"{layer}: {of}{part}; one scale, ±{reach:.3g}", fontsize=9, loc="left")
    return figure


def _choose_evenly(epochs: list[int], most: int) -> list[int]:
    if len(epochs) <= most:
        return epochs
    return [epochs[index] for index in np.linspace(0, len(epochs) - 1, most).round().astype(int)]


def _say_moved(first: np.ndarray, now: np.ndarray) -> str:
    size = float(np.linalg.norm(first))
    return f"moved {100 * float(np.linalg.norm(now - first)) / size:.0f} %" if size else ""
