"""Figures of a reproduction: published values beside ours."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from loupe.figures.confusion_matrix import draw_confusion
from loupe.figures.style import BLUE, CURVE_COLOURS, GREY, ORANGE, new_axes, new_figure, place_legend
from loupe.reproductions.details import RunDetails
from loupe.statistics import Interval


@dataclass(frozen=True)
class OurCourse:
    """Validation accuracy in [0, 1] after each epoch of a training, as far as it got."""

    name: str
    accuracies: Sequence[float]
    num_epochs: int


def draw_classes(classes: Sequence[tuple[str, float, float, Interval]]) -> Figure:
    """Return a row a class: the published recall, and ours with its interval.

    Args:
        classes: name, published recall, ours, interval of ours; shares in [0, 1], from the top.
    """
    figure = new_figure(4.6, 0.8 + 0.24 * len(classes))
    axes = new_axes(figure)
    rows = np.arange(len(classes))
    ours = 100 * np.array([one for _, _, one, _ in classes])
    ends = 100 * np.array([(interval.low, interval.high) for *_, interval in classes])
    axes.errorbar(
        ours,
        rows - 0.12,
        xerr=np.abs(ends.T - ours),
        fmt="o",
        color=BLUE,
        ms=4.5,
        elinewidth=1.2,
        label="ours",
    )
    published = [100 * one for _, one, _, _ in classes]
    axes.plot(published, rows + 0.12, "D", color=ORANGE, mfc="white", ms=4.5, label="published")
    axes.set_yticks(rows, [name for name, *_ in classes])
    axes.invert_yaxis()
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color="#e3e6ea", lw=0.6)
    axes.set_axisbelow(True)
    axes.set_xlabel("recall on test (%)")
    place_legend(axes)
    return figure


def draw_confusions(runs: Sequence[RunDetails]) -> Figure:
    """Return the confusion matrices of runs, added up."""
    counts = np.sum([np.array(one.confusion) for one in runs], axis=0)
    title = f"{counts.sum():,} answers on test" + (f" of {len(runs)} networks" if len(runs) > 1 else "")
    return draw_confusion(counts, runs[0].class_names, title=title)


def draw_course(published: Sequence[tuple[int, float]], num_epochs: int, ours: Sequence[OurCourse]) -> Figure:
    """Return accuracies over the part of the planned training that was done.

    Args:
        published: epoch and accuracy in [0, 1].
        num_epochs: of the published training.
        ours: one a run.
    """
    figure = new_figure(4.6, 3.0)
    axes = new_axes(figure)
    for number, one in enumerate(ours):
        epochs = 100 * np.arange(1, len(one.accuracies) + 1) / one.num_epochs
        colour = CURVE_COLOURS[(0, 2, 3, 4)[number % 4]]
        name = f"{one.name}: {one.num_epochs} epochs, validation"
        axes.plot(epochs, 100 * np.array(one.accuracies), "-o", color=colour, lw=1.4, ms=3.5, label=name)
    places = [100 * epoch / num_epochs for epoch, _ in published]
    told = f"published: {num_epochs} epochs, test"
    values = [100 * one for _, one in published]
    axes.plot(places, values, "D", ls=(0, (5, 2)), color=ORANGE, mfc="white", ms=4.5, lw=1.0, label=told)
    axes.set_xlim(0, 102)
    axes.grid(axis="y", color="#e3e6ea", lw=0.6)
    axes.set_axisbelow(True)
    axes.axhline(100, color=GREY, lw=0.4)
    axes.set_xlabel("part of the planned training done (%)")
    axes.set_ylabel("accuracy (%)")
    axes.legend(fontsize=8, loc="lower right")
    return figure
