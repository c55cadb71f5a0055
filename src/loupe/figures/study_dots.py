"""Arms of a study side by side, with intervals."""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from loupe.figures.style import BLUE, GREY, new_axes, new_figure

_SHORT = 24  # letters of a name beside which there is room enough
_FITS = 14  # letters of a name that the legend has room for
_REFERENCE = ("s", BLUE, BLUE)
_PLAIN = ("o", BLUE, BLUE)
_MARKS = {"shown": _PLAIN, "practically none": ("o", BLUE, "white"), "cannot tell": ("o", GREY, "white")}
"""Marker, colour and colour inside, by what follows from an arm's difference."""
_TOLD = {"shown": "shown to differ", "practically none": "practically the same", "cannot tell": "cannot tell"}


@dataclass(frozen=True)
class Dot:
    """One arm.

    Args:
        name: of the arm.
        mean: over seeds.
        low: lower end of the interval of the mean; None for one seed.
        high: upper end.
        values: of the metric, one a seed.
        conclusion: what follows from its difference from the reference: "shown" (filled), "practically none"
            (a ring), "cannot tell" (a grey ring); "" where nothing is compared.
    """

    name: str
    mean: float
    low: float | None
    high: float | None
    values: Sequence[float]
    conclusion: str = ""


def draw_study_dots(
    dots: Sequence[Dot], *, x_label: str, reference: str = "", title: str = "", least_span: float = 0.0
) -> Figure:
    """Return a row for each arm: mean and interval, and the seeds as small strokes below.

    Args:
        dots: the arms, from the top.
        x_label: metric and unit.
        reference: the arm that others are compared with; a dotted line goes through its mean.
        title: what stands above.
        least_span: what the x axis covers at the least, in the metric's unit.
    """
    longest = max((len(dot.name) for dot in dots), default=0)
    has_legend = any(dot.conclusion for dot in dots)
    height = 0.9 + 0.27 * len(dots) + (0.25 if has_legend else 0.0)
    figure = new_figure(6.4 + max(0.0, 0.07 * (longest - _SHORT)), height)
    axes = new_axes(figure)
    for row, dot in enumerate(dots):
        marker, colour, face = _REFERENCE if dot.name == reference else _MARKS.get(dot.conclusion, _PLAIN)
        axes.plot(dot.values, [row + 0.24] * len(dot.values), "|", color=colour, ms=4, alpha=0.8)
        if dot.low is not None and dot.high is not None:
            axes.plot([dot.low, dot.high], [row, row], color=colour, lw=1.6, solid_capstyle="butt")
        axes.plot([dot.mean], [row], marker, color=colour, ms=5, mfc=face)
        if dot.name == reference:
            axes.axvline(dot.mean, color=BLUE, lw=0.8, ls=":")
    axes.set_yticks(range(len(dots)), [dot.name for dot in dots])
    axes.set_ylim(len(dots) - 0.4, -0.6)
    low, high = axes.get_xlim()
    if high - low < least_span:
        axes.set_xlim((low + high - least_span) / 2, (low + high + least_span) / 2)
    axes.set_xlabel(x_label)
    axes.grid(axis="x", color="#e3e6ea", lw=0.6)
    axes.tick_params(axis="y", length=0)
    if title:
        axes.set_title(title, fontsize=10, loc="left")
    if has_legend:
        _place_legend(figure, dots, reference)
    return figure


def _place_legend(figure: Figure, dots: Sequence[Dot], reference: str) -> None:
    """Say below the axes what the marks that occur mean."""
    handles = []
    if any(dot.name == reference for dot in dots):
        marker, colour, face = _REFERENCE
        label = f"reference: {reference}" if len(reference) <= _FITS else "reference"
        handles.append(
            Line2D([], [], color=colour, marker=marker, mfc=face, ms=5, lw=0.8, ls=":", label=label)
        )
    for conclusion, (marker, colour, face) in _MARKS.items():
        if any(dot.conclusion == conclusion and dot.name != reference for dot in dots):
            label = _TOLD[conclusion]
            handles.append(Line2D([], [], color=colour, marker=marker, mfc=face, ms=5, lw=1.6, label=label))
    if any(len(dot.values) > 1 for dot in dots):
        handles.append(Line2D([], [], color=BLUE, marker="|", ms=4, ls="none", label="single seeds"))
    figure.legend(
        handles=handles,
        loc="outside lower center",
        ncols=len(handles),
        frameon=False,
        fontsize=8,
        handletextpad=0.4,
        columnspacing=1.2,
    )
