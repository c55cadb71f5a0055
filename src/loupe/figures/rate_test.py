from collections.abc import Sequence

from matplotlib.figure import Figure

from loupe.figures.style import BLUE, GREY, ORANGE, new_axes, new_figure


def draw_rate_test(
    rates: Sequence[float],
    losses: Sequence[float],
    smoothed: Sequence[float],
    title: str,
    suggestion: float | None,
    current: float | None,
) -> Figure:
    """Return the training loss over the learning rate of a range test.

    Args:
        rates: of each step, ascending.
        losses: of each step.
        smoothed: their exponential mean.
        title: what stands above.
        suggestion: rate that is suggested; None for none.
        current: the recipe's own; None where it is not known.
    """
    figure = new_figure(6.4, 3.6)
    axes = new_axes(figure)
    axes.plot(rates, losses, color=GREY, lw=0.8, alpha=0.6, label="loss of a batch")
    axes.plot(rates, smoothed, color=BLUE, lw=1.8, label="smoothed")
    top, bottom = max(smoothed[0], min(smoothed)), min(smoothed)
    axes.set_ylim(max(0.0, bottom - 0.2 * (top - bottom)), top + 0.6 * (top - bottom) + 1e-9)
    if suggestion is not None:
        axes.axvline(suggestion, color=ORANGE, lw=1.4, label=f"suggested: {suggestion:g}")
    if current is not None and rates[0] <= current <= rates[-1]:
        axes.axvline(current, color=GREY, lw=1.2, ls="--", label=f"in the recipe: {current:g}")
    axes.set_xscale("log")
    axes.set_xlabel("learning rate")
    axes.set_ylabel("training loss")
    axes.set_title(title, fontsize=10, loc="left")
    axes.legend(frameon=False, fontsize=8)
    return figure
