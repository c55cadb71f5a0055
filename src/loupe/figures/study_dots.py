"""Arms of a study side by side, with intervals."""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure

from loupe.figures.style import BLUE, GREY, new_axes, new_figure

_SHORT = 24  # letters of a name beside which there is room enough


@dataclass(frozen=True)
class Dot:
    """One arm.

    Args:
        name: of the arm.
        mean: over seeds.
        low: lower end of the interval of the mean; None for one seed.
        high: upper end.
        values: of the metric, one a seed.
        is_open: whether these runs cannot tell if it differs from the reference; such arms are drawn grey.
    """

    name: str
    mean: float
    low: float | None
    high: float | None
    values: Sequence[float]
    is_open: bool


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
    figure = new_figure(6.4 + max(0.0, 0.07 * (longest - _SHORT)), 0.9 + 0.27 * len(dots))
    axes = new_axes(figure)
    for row, dot in enumerate(dots):
        colour = GREY if dot.is_open and dot.name != reference else BLUE
        axes.plot(dot.values, [row + 0.24] * len(dot.values), "|", color=colour, ms=4, alpha=0.8)
        if dot.low is not None and dot.high is not None:
            axes.plot([dot.low, dot.high], [row, row], color=colour, lw=1.6, solid_capstyle="butt")
        axes.plot([dot.mean], [row], "o", color=colour, ms=5, mfc="white" if colour == GREY else colour)
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
    return figure
