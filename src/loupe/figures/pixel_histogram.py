from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from loupe.figures.style import BLUE, GREEN, GREY, ORANGE, new_axes, new_figure

_MARGIN = 5  # values that the axis goes on beyond the darkest and the lightest
_ENDS = (0, 255)


def draw_pixel_histogram(counts: np.ndarray, means: Sequence[float]) -> Figure:
    """Return the distribution of pixel values, one line a channel, with each channel's mean.

    Where one value dwarfs all others, such as black paper, the vertical axis is logarithmic. In grey
    images the darkest and the lightest value have a dot with their share where it is far above the next.

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
    shares = 100 * counts / counts.sum(1, keepdims=True)
    is_peaked = shares.max() > 20 * np.median(shares)
    for (name, colour, line), of_channel, mean in zip(styles, shares, means, strict=True):
        axes.plot(of_channel, line, color=colour, label=f"{name}, mean {mean:.1f}", lw=1.4)
        axes.axvline(mean, color=colour, ls=":", lw=1)
        for end, inner in zip(_ENDS, (1, 254), strict=True):
            if len(counts) == 1 and of_channel[end] > 2 * of_channel[inner]:
                _mark_end(axes, end, of_channel[end], colour)
    axes.set_yscale("log" if is_peaked else "linear")
    if is_peaked:
        axes.set_ylim(
            shares[shares > 0].min() / 2, 2 * shares.max()
        )  # the lowest is seen, the highest has room
        axes.yaxis.set_major_locator(LogLocator(subs=_choose_ticks(shares[shares > 0])))
        axes.yaxis.set_minor_locator(NullLocator())
    else:
        axes.set_ylim(0, 1.08 * shares.max())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.6g} %"))
    axes.set_xlim(_ENDS[0] - _MARGIN, _ENDS[1] + _MARGIN)
    axes.set_xticks([0, 50, 100, 150, 200, 255])
    axes.set_xlabel("pixel value")
    axes.set_ylabel("pixels (log scale)" if is_peaked else "pixels")
    axes.legend(frameon=False, fontsize=8, loc="lower right", bbox_to_anchor=(1, 1), ncols=3, borderaxespad=0)
    return figure


def _mark_end(axes: Axes, end: int, share: float, colour: str) -> None:
    """Draw a dot at a value that a line alone would not show, as it stands at the edge."""
    axes.plot([end], [share], "o", color=colour, ms=4, zorder=3)
    axes.annotate(
        f"{share:.2g} %" if share < 10 else f"{share:.0f} %",
        (end, share),
        (7 if end == 0 else -7, 0),
        textcoords="offset points",
        ha="left" if end == 0 else "right",
        va="center",
        fontsize=8,
        color=colour,
    )


def _choose_ticks(shares: np.ndarray) -> tuple[float, ...]:
    """Return which multiples of powers of ten are ticks: of less than two powers more than the powers."""
    return (1.0,) if np.log10(shares.max() / shares.min()) >= 2 else (1.0, 2.0, 5.0)
