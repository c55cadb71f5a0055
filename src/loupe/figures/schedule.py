from collections.abc import Sequence

from matplotlib.figure import Figure

from loupe.figures.style import BLUE, ORANGE, new_axes, new_figure


def draw_schedule(
    epochs: Sequence[float], rates: Sequence[float], momenta: Sequence[float | None], title: str
) -> Figure:
    """Return the learning rate over a training, and below it the momentum if the schedule moves it.

    Args:
        epochs: epochs done before each step drawn, from 0.
        rates: learning rate of each step.
        momenta: momentum of each step (Adam: beta1); None where the optimizer's own holds.
        title: what stands above.
    """
    moves = any(momentum is not None for momentum in momenta)
    figure = new_figure(6.4, 4.6 if moves else 3.2)
    upper = new_axes(figure, 2 if moves else 1, 1, 1)
    upper.plot(epochs, rates, color=BLUE, lw=1.4)
    upper.set_ylabel("learning rate")
    upper.set_title(title, fontsize=10, loc="left")
    upper.set_ylim(bottom=0)
    lowest = upper
    if moves:
        lowest = new_axes(figure, 2, 1, 2)
        lowest.plot(epochs, [float("nan") if one is None else one for one in momenta], color=ORANGE, lw=1.4)
        lowest.set_ylabel("momentum")
    lowest.set_xlabel("epoch")
    return figure
