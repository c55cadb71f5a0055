"""Curves over numbers, told apart by colour, line style and marker: grey print loses nothing."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from loupe.figures.style import (
    CURVE_COLOURS,
    CURVE_MARKERS,
    GREY,
    MOST_NAMES_INSIDE,
    new_axes,
    new_figure,
    place_legend,
)

_DASHES: tuple[object, ...] = (
    "-",
    (0, (5, 2)),
    (0, (1, 1.3)),
    (0, (6, 1.5, 1, 1.5)),
    (0, (3, 1, 1, 1, 1, 1)),
)
_MOST_MARKERS = 12


@dataclass(frozen=True)
class Curve:
    """A curve: a value for each x, None where there is none, with a band where ends are given.

    Args:
        name: in the legend.
        values: one for each x.
        low: lower ends of the band; empty for none.
        high: upper ends.
        is_level: whether it is a line to compare with: thin, grey, without markers.
        has_markers: whether its points are marked.
        beside: name of an earlier curve whose colour and marker it has, hollow and with dashes: the training
            curve of an arm beside its validation curve.
    """

    name: str
    values: Sequence[float | None]
    low: Sequence[float | None] = ()
    high: Sequence[float | None] = ()
    is_level: bool = False
    has_markers: bool = True
    beside: str = ""


def draw_lines(
    x: Sequence[float],
    curves: Sequence[Curve],
    *,
    x_label: str,
    y_label: str,
    title: str = "",
    mark: tuple[float, str] | None = None,
    has_zero_line: bool = False,
) -> Figure:
    """Return curves in a figure of their own; arguments as `plot_lines`."""
    is_wide = len(curves) + (mark is not None) > MOST_NAMES_INSIDE
    figure = new_figure(6.2 if is_wide else 4.4, 2.9)
    plot_lines(
        new_axes(figure), x, curves,
        x_label=x_label, y_label=y_label, title=title, mark=mark, has_zero_line=has_zero_line,
    )  # fmt: skip
    return figure


def plot_lines(
    axes: Axes,
    x: Sequence[float],
    curves: Sequence[Curve],
    *,
    x_label: str,
    y_label: str,
    title: str = "",
    mark: tuple[float, str] | None = None,
    has_zero_line: bool = False,
) -> None:
    """Draw curves into axes.

    Args:
        axes: receive them.
        x: ascending.
        curves: five at most are told apart without colour, 25 with it.
        x_label: quantity and unit.
        y_label: quantity and unit.
        title: above the axes.
        mark: an x to mark with a thin upright line, and its name.
        has_zero_line: whether a line goes through zero, which is kept in view.
    """
    if has_zero_line:
        axes.axhline(0, color=GREY, lw=0.8)
    numbers: dict[str, int] = {}
    has_pairs = any(curve.beside for curve in curves)
    for curve in curves:
        values = _to_floats(curve.values)
        if curve.is_level:
            axes.plot(x, values, ls=(0, (2, 2)), color=GREY, lw=1.0, label=curve.name)
            continue
        number = numbers[curve.beside] if curve.beside else len(numbers)
        numbers.setdefault(curve.beside or curve.name, number)
        turn, place = divmod(number, len(CURVE_COLOURS))  # colours come again with other dashes
        colour, dashes = CURVE_COLOURS[place], _DASHES[(place + turn) % len(_DASHES)]
        if has_pairs:
            dashes = _DASHES[bool(curve.beside)]
        if len(curve.low) and len(curve.high):
            ends = _to_floats(curve.low), _to_floats(curve.high)
            axes.fill_between(x, *ends, color=colour, alpha=0.16, lw=0)
        every = max(1, round(len(x) / _MOST_MARKERS))
        marker = CURVE_MARKERS[number % len(CURVE_MARKERS)] if curve.has_markers else None
        axes.plot(
            x, values, ls=dashes, color=colour, lw=1.4, label=curve.name, marker=marker, ms=3.5,
            mfc="white" if curve.beside else colour, markevery=(number * every // 3 % every, every),
        )  # fmt: skip
    if mark is not None:
        axes.axvline(mark[0], color=GREY, lw=1.2, ls=(0, (1, 1.5)), label=mark[1])
    if all(float(one).is_integer() for one in x):
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(axis="y", color="#e3e6ea", lw=0.6)
    axes.set_axisbelow(True)
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    if title:
        axes.set_title(title, fontsize=9, loc="left")
    place_legend(axes)


def _to_floats(values: Sequence[float | None]) -> np.ndarray:
    return np.array([np.nan if value is None else float(value) for value in values])
