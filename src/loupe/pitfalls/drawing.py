"""Figures of pitfalls, in the house's language."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure
from torch import Tensor

from loupe.figures.style import BLUE, GREEN, GREY, ORANGE, PINK, new_axes, new_figure

_COLOURS = (BLUE, ORANGE, GREEN, PINK, GREY)


def draw_curves(
    curves: Mapping[str, Sequence[float]],
    *,
    x: Sequence[float] | None = None,
    labels: tuple[str, str],
    limits: tuple[float, float] | None = None,
    lines: Mapping[str, float] | None = None,
    mark: tuple[float, str] | None = None,
    scale: str = "linear",
) -> Figure:
    """Return curves over epochs, or over `x`.

    Args:
        curves: by name; five at most.
        x: ascending; 1, 2, … if left out.
        labels: of the two axes, with units.
        limits: of the vertical axis, so that both ways can be compared.
        lines: levels drawn as dashed lines, by name.
        mark: an x to mark, and what it is.
        scale: of the horizontal axis, as matplotlib has it; one that is not linear is marked at `x`.
    """
    figure = new_figure(5.2, 3.3)
    axes = new_axes(figure)
    for colour, (name, values) in zip(_COLOURS, curves.items(), strict=False):
        across = x if x is not None else range(1, len(values) + 1)
        dots: dict[str, Any] = {"marker": "o", "markersize": 3.5} if len(values) < 20 else {}
        axes.plot(across, values, color=colour, label=name, linewidth=1.6, **dots)
    for index, (name, level) in enumerate((lines or {}).items()):
        axes.axhline(level, color=GREY, linestyle=("--", ":")[index % 2], linewidth=1.2, label=name)
    if mark is not None:
        axes.axvline(mark[0], color=GREY, linestyle=":", linewidth=1.4, label=mark[1])
    if limits is not None:
        axes.set_ylim(*limits)
    axes.set_xscale(scale)
    if scale != "linear" and x is not None:
        axes.set_xticks(list(x), [str(one) for one in x])
        axes.minorticks_off()
    axes.set_xlabel(labels[0])
    axes.set_ylabel(labels[1])
    axes.legend(frameon=False, fontsize=8)
    return figure


def draw_bars(
    values: Mapping[str, float],
    *,
    label: str,
    limits: tuple[float, float],
    form: str = ".1f",
    compared: Sequence[str] = (),
) -> Figure:
    """Return bars, one below the other, each with its number.

    Args:
        values: by name, first on top.
        label: of the axis, with its unit.
        limits: of the axis, so that both ways can be compared.
        form: of the numbers.
        compared: those that are set against each other, the others grey; all if left out.
    """
    figure = new_figure(5.2, 0.9 + 0.42 * len(values))
    axes = new_axes(figure)
    names = list(values)[::-1]
    numbers = [values[name] for name in names]
    colours = [BLUE if not compared or name in compared else GREY for name in names]
    bars = axes.barh(range(len(names)), numbers, color=colours, height=0.62)
    for bar, colour in zip(bars, colours, strict=True):
        bar.set_alpha(0.6 if colour == BLUE else 0.25)
    for index, one in enumerate(numbers):
        axes.text(max(one, 0), index, f" {one:{form}}", va="center", fontsize=8)
    axes.axvline(0, color=GREY, linewidth=0.8)
    axes.set_yticks(range(len(names)), names)
    axes.set_xlim(*limits)
    axes.set_xlabel(label)
    return figure


def draw_pictures(
    pictures: Sequence[Tensor],
    rows: int,
    columns: int,
    *,
    titles: Sequence[str] = (),
    limits: tuple[float, float],
) -> Figure:
    """Return grey pictures in a grid, all on one scale.

    Args:
        pictures: (height, width) tensors, `rows` x `columns` of them.
        rows: of the grid.
        columns: of the grid.
        titles: one above each.
        limits: what is black and what is white.
    """
    figure = new_figure(5.2, 5.2 * rows / columns + (0.25 * rows if titles else 0))
    for index, picture in enumerate(pictures):
        axes = new_axes(figure, rows, columns, index + 1)
        axes.imshow(picture.numpy(), cmap="gray", vmin=limits[0], vmax=limits[1])
        axes.set_xticks([])
        axes.set_yticks([])
        if titles:
            axes.set_title(titles[index], fontsize=7)
    return figure
