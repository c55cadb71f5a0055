from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from loupe.figures.style import BLUE, GREEN, ORANGE, new_axes, new_figure


def draw_class_balance(class_names: Sequence[str], counts: Mapping[str, Sequence[int]]) -> Figure:
    """Return bars of the number of images of each class, with the number on each bar.

    Args:
        class_names: one name a class.
        counts: number of images of each class, by split; one panel each.
    """
    height = 0.9 + 0.24 * len(class_names)
    figure = new_figure(9, height)
    for index, ((split, of_split), colour) in enumerate(
        zip(counts.items(), (BLUE, ORANGE, GREEN), strict=False)
    ):
        axes = new_axes(figure, 1, len(counts), index + 1)
        rows = np.arange(len(class_names))
        bars = axes.barh(rows, of_split, color=colour, height=0.7)
        axes.bar_label(bars, [f"{count:,}" for count in of_split], padding=3, fontsize=8)
        axes.set_xlim(0, 1.22 * max(of_split))
        axes.set_yticks(rows, class_names if index == 0 else [""] * len(rows))
        axes.invert_yaxis()
        axes.set_title(f"{split}: {sum(of_split):,} images")
        axes.set_xlabel("images")
        axes.tick_params(axis="y", length=0)
    return figure
