from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from loupe.figures.style import BLUE, GREEN, ORANGE, new_axes, new_figure
from loupe.statistics.largest import MOST_NAMED
from loupe.wording import count_of, measure_width, shorten_name

MOST_CLASSES = MOST_NAMED
"""Classes that a figure with a row for each has at most: a page of them can be read."""

_PANELS, _LETTER = 8.0, 0.075  # inches of all panels, and of a letter
_LONGEST = 32  # letters of a name


def draw_class_balance(class_names: Sequence[str], counts: Mapping[str, Sequence[int]]) -> Figure:
    """Return bars of the number of images of each class, with the number on each bar.

    Of more than `MOST_CLASSES` classes those with the most and those with the fewest images, most first, as a
    title says. Long names are cut, and have room of their own beside the panels.

    Args:
        class_names: one name a class.
        counts: number of images of each class, by split; one panel each.
    """
    totals = {split: sum(of_split) for split, of_split in counts.items()}
    num_classes, kept = len(class_names), pick_extremes(next(iter(counts.values())))
    class_names = [shorten_name(class_names[one], _LONGEST) for one in kept]
    counts = {split: [of_split[one] for one in kept] for split, of_split in counts.items()}
    height = 0.9 + 0.24 * len(class_names)
    figure = new_figure(_PANELS + _LETTER * max(map(measure_width, class_names)), height)
    if len(kept) < num_classes:
        half = len(kept) // 2
        figure.suptitle(
            f"{half} classes with the most and {half} with the fewest training images, of {num_classes:,},\n"
            "most first"
        )
    for index, ((split, of_split), colour) in enumerate(
        zip(counts.items(), (BLUE, ORANGE, GREEN), strict=False)
    ):
        axes = new_axes(figure, 1, len(counts), index + 1)
        rows = np.arange(len(class_names))
        bars = axes.barh(rows, of_split, color=colour, height=0.7)
        axes.bar_label(bars, [f"{count:,}" for count in of_split], padding=3, fontsize=8)
        axes.set_xlim(0, 1.22 * max(1, *of_split))
        axes.set_yticks(rows, class_names if index == 0 else [""] * len(rows))
        axes.invert_yaxis()
        axes.set_title(f"{split}:\n{count_of(totals[split], 'image')}")
        axes.set_xlabel("images")
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        axes.tick_params(axis="y", length=0)
    return figure


def pick_extremes(counts: Sequence[int], most: int = MOST_CLASSES) -> list[int]:
    """Return the classes with the most and those with the fewest images, most first.

    If there are few enough it is all, as they are.

    Args:
        counts: images of each class.
        most: how many classes, even.
    """
    if len(counts) <= most:
        return list(range(len(counts)))
    by_count = sorted(range(len(counts)), key=lambda one: -counts[one])
    return [*by_count[: most // 2], *by_count[-(most // 2) :]]
