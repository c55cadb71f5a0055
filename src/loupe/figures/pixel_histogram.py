from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from loupe.figures.style import BLUE, GREEN, GREY, ORANGE, new_axes, new_figure


def draw_pixel_histogram(counts: np.ndarray, means: Sequence[float]) -> Figure:
    """Return the distribution of pixel values, one line a channel, with each channel's mean.

    Args:
        counts: (channels, 256) number of pixels of each value.
        means: mean of each channel, in [0, 255].
    """
    if len(counts) == 3:
        styles = [("red", ORANGE, "-"), ("green", GREEN, "--"), ("blue", BLUE, "-.")]
    else:
        styles = [
            (f"channel {index}" if len(counts) > 1 else "grey", GREY, "-") for index in range(len(counts))
        ]
    figure = new_figure(6.5, 2.6)
    axes = new_axes(figure)
    for (name, colour, line), of_channel, mean in zip(styles, counts, means, strict=True):
        axes.plot(
            100 * of_channel / of_channel.sum(), line, color=colour, label=f"{name}, mean {mean:.1f}", lw=1.4
        )
        axes.axvline(mean, color=colour, ls=":", lw=1)
    shares = 100 * counts / counts.sum(1, keepdims=True)
    is_peaked = shares.max() > 20 * np.median(shares)  # one value (black paper, say) dwarfs all others
    axes.set_yscale("log" if is_peaked else "linear")
    if not is_peaked:
        axes.set_ylim(bottom=0)
    axes.set_xlim(0, 255)
    axes.set_xlabel("pixel value")
    axes.set_ylabel("pixels (%, log scale)" if is_peaked else "pixels (%)")
    axes.legend(frameon=False, fontsize=8)
    return figure
