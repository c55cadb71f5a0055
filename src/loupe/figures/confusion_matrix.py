from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from loupe.figures.style import GREY, new_axes, new_figure
from loupe.wording import measure_width, shorten_name

_MOST_WRITTEN = 20  # classes whose cells hold their numbers; beyond, only shades
_LONGEST = 20  # letters of a name


def draw_confusion(
    counts: np.ndarray, class_names: Sequence[str], *, as_shares: bool = False, title: str = ""
) -> Figure:
    """Return a confusion matrix in a figure of its own; arguments as `plot_confusion`."""
    count = len(class_names)
    side = max(2.6, min(8.0, 0.36 * count))
    longest = max(map(measure_width, class_names))
    margin = 0.5 + 0.07 * min(longest, _LONGEST)
    figure = new_figure(side + margin + 0.7, side + margin)
    plot_confusion(new_axes(figure), counts, class_names, as_shares=as_shares, title=title)
    return figure


def plot_confusion(
    axes: Axes, counts: np.ndarray, class_names: Sequence[str], *, as_shares: bool = False, title: str = ""
) -> None:
    """Draw a confusion matrix into axes: rows are true classes, columns predicted ones.

    Shades are the share of the row, on a square-root scale, so that rare mistakes are seen beside a full
    diagonal; the colour bar says so. Whatever the shades, each cell that is not empty holds its number.

    Args:
        axes: receive it.
        counts: (classes, classes) int; row = true class, column = predicted class.
        class_names: one name a class.
        as_shares: write percent of the row in place of counts.
        title: above the axes.
    """
    counts = np.asarray(counts)
    totals = counts.sum(1, keepdims=True)
    shares = counts / np.where(totals > 0, totals, 1)
    drawn = axes.imshow(np.sqrt(shares), cmap="Blues", vmin=0, vmax=1, interpolation="nearest")
    rows = range(len(class_names))
    names = [shorten_name(name, _LONGEST) for name in class_names]
    is_crowded = len(names) > 40
    size = 8 if len(names) <= _MOST_WRITTEN else 5.5
    step = max(1, len(names) // 40) if is_crowded else 1
    axes.set_xticks(list(rows)[::step], names[::step], fontsize=size)
    axes.set_yticks(list(rows)[::step], names[::step], fontsize=size)
    if max(map(len, names)) > 2:
        axes.tick_params(axis="x", labelrotation=90)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_xlabel("predicted class")
    axes.set_ylabel("true class")
    if title:
        axes.set_title(title, fontsize=9, loc="left")
    if len(names) <= _MOST_WRITTEN:
        _write_cells(axes, counts, shares, as_shares=as_shares)
    _add_bar(axes, drawn)


def _write_cells(axes: Axes, counts: np.ndarray, shares: np.ndarray, *, as_shares: bool) -> None:
    for row, column in np.ndindex(*counts.shape):
        if not counts[row, column]:
            continue
        colour = "white" if np.sqrt(shares[row, column]) > 0.55 else "black"
        share = 100 * shares[row, column]
        percent = f"{share:.0f}" if share >= 99.95 else f"{share:.1f}"
        text = percent if as_shares else f"{counts[row, column]}"
        axes.text(column, row, text, ha="center", va="center", fontsize=6.5, color=colour)


def _add_bar(axes: Axes, drawn: object) -> None:
    figure = axes.get_figure()
    assert figure is not None
    bar = figure.colorbar(drawn, ax=axes, fraction=0.045, pad=0.02)  # type: ignore[arg-type]
    ticks = [0, 1, 5, 25, 50, 100]
    bar.set_ticks([(tick / 100) ** 0.5 for tick in ticks], labels=[f"{tick}" for tick in ticks])
    bar.ax.tick_params(labelsize=7, length=2, color=GREY)
    bar.outline.set_visible(False)
    bar.set_label("% of the true class", fontsize=8)
