from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from loupe.figures.style import BLUE, GREEN, GREY, ORANGE, PINK, new_axes, new_figure
from loupe.statistics.largest import pick_most_frequent
from loupe.wording import count_of, measure_width, shorten_name

_COLOURS = (BLUE, ORANGE, GREEN, PINK, "#e69f00", "#56b4e9", "#000000", GREY)  # Okabe and Ito (2008)
_LONGEST = 24  # letters of a name
_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")


def draw_image_map(
    positions: np.ndarray,
    labels: Sequence[int],
    is_wrong: Sequence[bool],
    class_names: Sequence[str],
    axis_labels: tuple[str, str],
) -> Figure:
    """Return a map of images in a figure of its own; arguments as `plot_image_map`."""
    room = 0.5 + 0.085 * min(_LONGEST, max(map(measure_width, class_names)))
    figure = new_figure(5.2 + room, 4.2)
    plot_image_map(new_axes(figure), positions, labels, is_wrong, class_names, axis_labels)
    return figure


def plot_image_map(
    axes: Axes,
    positions: np.ndarray,
    labels: Sequence[int],
    is_wrong: Sequence[bool],
    class_names: Sequence[str],
    axis_labels: tuple[str, str],
) -> None:
    """Draw images as points of a plane into axes: a colour and a shape a class, a ring where one is wrong.

    Of more classes than a legend can hold, those with the most images have a colour; the others are grey.

    Args:
        axes: receive them.
        positions: (images, 2) float.
        labels: class of each image.
        is_wrong: whether the network takes it for another.
        class_names: one name a class.
        axis_labels: of both axes.
    """
    points, classes, wrong = np.asarray(positions), np.asarray(labels), np.asarray(is_wrong, bool)
    size = 14 if len(points) < 800 else 8
    named = pick_most_frequent(classes.tolist())
    others = ~np.isin(classes, named)
    if others.any():
        num_others = len(set(classes[others].tolist()))
        axes.scatter(
            points[others, 0], points[others, 1], s=size, color="#b9bec6", alpha=0.6, linewidths=0,
            label=f"{count_of(num_others, 'other')}, with no more images",
        )  # fmt: skip
    for label in named:
        some = points[classes == label]
        marker = _MARKERS[(label + label // len(_COLOURS)) % len(_MARKERS)]
        axes.scatter(
            some[:, 0], some[:, 1], s=size, marker=marker, color=_COLOURS[label % len(_COLOURS)], alpha=0.75,
            linewidths=0, label=shorten_name(class_names[label], _LONGEST),
        )  # fmt: skip
    if wrong.any():
        axes.scatter(
            points[wrong, 0], points[wrong, 1], s=4 * size + 10, facecolors="none", edgecolors="black",
            linewidths=0.8, label="taken for another",
        )  # fmt: skip
    for label in sorted(set(classes.tolist())) if len(class_names) <= 12 else ():
        x, y = np.median(points[classes == label], axis=0)
        axes.annotate(
            shorten_name(class_names[label], _LONGEST), (x, y), ha="center", va="center", fontsize=7.5,
            fontweight="bold",
            bbox={"boxstyle": "round,pad=0.15", "fc": "white", "ec": "none", "alpha": 0.7},
        )  # fmt: skip
    axes.set_aspect("equal", adjustable="datalim")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_xlabel(axis_labels[0])
    axes.set_ylabel(axis_labels[1])
    handles, names = axes.get_legend_handles_labels()
    if others.any():  # drawn first, named last
        handles, names = [*handles[1:], handles[0]], [*names[1:], names[0]]
    axes.legend(
        handles, names, frameon=False, fontsize=7.5, loc="center left", bbox_to_anchor=(1.0, 0.5),
        ncols=1 + len(names) // 24, handletextpad=0.2, markerscale=1.2,
    )  # fmt: skip
