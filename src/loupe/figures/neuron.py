"""One unit of a network as a drawing: what it is given, its weights, the sum, and what is made of it."""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch

from loupe.figures.matrix import write_number
from loupe.figures.style import BLUE, GREEN, GREY, ORANGE, new_figure

_WIDTH, _LINE = 17.0, 1.5  # of the drawing and of a line in it; its units are free
_IN, _SUM = 3.2, 7.8  # where the inputs and the sum stand


@dataclass(frozen=True)
class DrawnNeuron:
    """What one unit computes.

    Args:
        inputs: name, value and weight of some of its inputs.
        rest: how many further inputs there are, and what their products add up to.
        bias: None if it has none.
        total: sum of all products and the bias.
        stages: name and value of what follows, each of one number: normalisation, activation.
    """

    inputs: Sequence[tuple[str, float, float]]
    rest: tuple[int, float]
    bias: float | None
    total: float
    stages: Sequence[tuple[str, float]]


def draw_neuron(neuron: DrawnNeuron, title: str) -> Figure:
    """Return a neuron with numbers: inputs times weights, their sum with the bias, and what follows.

    Args:
        neuron: its numbers.
        title: what stands above.
    """
    rows = len(neuron.inputs) + (1 if neuron.rest[0] else 0) + (1 if neuron.bias is not None else 0)
    height = _LINE * (rows + 0.6)
    figure = new_figure(7.0, 7.0 * height / _WIDTH + 0.35)
    axes = figure.add_subplot()
    axes.set_xlim(0, _WIDTH)
    axes.set_ylim(height, 0)
    axes.set_aspect("equal")
    axes.axis("off")
    middle = height / 2
    values = max((abs(value) for _, value, _ in neuron.inputs), default=1.0)
    weights = max((abs(weight) for _, _, weight in neuron.inputs), default=1.0)
    for number, (name, value, weight) in enumerate(neuron.inputs):
        y = _LINE * (number + 0.8)
        axes.add_patch(Circle((_IN, y), 0.62, fc="white", ec=BLUE, lw=1.2))
        axes.text(_IN, y, write_number(value, values), ha="center", va="center", size=7.5)
        axes.text(_IN - 0.8, y, name, ha="right", va="center", size=6.5, color=GREY)
        words = f"× {write_number(weight, weights)}"
        _draw_way(axes, y, middle, ORANGE if weight > 0 else GREY, words)
    y = _LINE * (len(neuron.inputs) + 0.8)
    if neuron.rest[0]:
        count, share = neuron.rest
        axes.text(_IN + 0.6, y, f"… {count:,} more", ha="right", va="center", size=7)
        _draw_way(axes, y, middle, GREY, f"together {write_number(share, max(abs(share), 0.1))}")
        y += _LINE
    if neuron.bias is not None:
        axes.text(_IN + 0.6, y, "the bias b", ha="right", va="center", size=7)
        _draw_way(axes, y, middle, GREY, f"+ {write_number(neuron.bias, max(abs(neuron.bias), 0.1))}")
    formula = "Σ w·x + b" if neuron.bias is not None else "Σ w·x"
    axes.add_patch(Circle((_SUM, middle), 1.15, fc="#fdf1e7", ec=ORANGE, lw=1.4))
    axes.text(_SUM, middle - 0.3, formula, ha="center", va="center", size=7.5)
    axes.text(_SUM, middle + 0.4, f"{neuron.total:.2f}", ha="center", va="center", size=8, weight="bold")
    _draw_stages(axes, neuron, middle)
    figure.suptitle(title, fontsize=10)
    return figure


def _draw_stages(axes: Axes, neuron: DrawnNeuron, middle: float) -> None:
    """Draw what follows the sum, from left to right, and the unit's number at the end."""
    room = (_WIDTH - 1.7 - _SUM - 1.15) / max(1, len(neuron.stages))
    x, last = _SUM + 1.15, neuron.total
    for name, value in neuron.stages:
        left, wide = x + 0.75, room - 0.75
        _draw_arrow(axes, (x, middle), (left, middle), "black")
        axes.add_patch(
            FancyBboxPatch(
                (left + 0.1, middle - 0.8), wide - 0.2, 1.6, boxstyle="round,pad=0.1", fc="#e6f4ef", ec=GREEN
            )
        )
        axes.text(left + wide / 2, middle - 0.3, name, ha="center", va="center", size=7)
        axes.text(left + wide / 2, middle + 0.4, f"{value:.2f}", ha="center", va="center", size=8)
        x, last = left + wide, value
    _draw_arrow(axes, (x, middle), (_WIDTH - 1.3, middle), "black")
    axes.text(_WIDTH - 1.2, middle, f"{last:.2f}", ha="left", va="center", size=9, weight="bold")


def _draw_way(axes: Axes, y: float, middle: float, colour: str, words: str) -> None:
    start, end = (_IN + 0.75, y), (_SUM - 1.15, middle + 0.12 * (y - middle))
    _draw_arrow(axes, start, end, colour)
    x = start[0] + 0.32 * (end[0] - start[0])
    at = y + 0.32 * (end[1] - y)
    axes.text(
        x, at, words, ha="center", va="center", size=7,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8},
    )  # fmt: skip


def _draw_arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float], colour: str) -> None:
    axes.add_patch(
        FancyArrowPatch(
            start, end, arrowstyle="-|>", mutation_scale=8, color=colour, lw=1, shrinkA=0, shrinkB=0
        )
    )
