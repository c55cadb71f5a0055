from collections.abc import Sequence

from matplotlib.figure import Figure

from loupe.figures.style import BLUE, GREEN, ORANGE, new_axes, new_figure


def draw_layer_statistics(
    layers: Sequence[str],
    sparsity: Sequence[float],
    dead: Sequence[float],
    selectivity: Sequence[float | None],
) -> Figure:
    """Return sparsity, dead units and class selectivity from the first layer to the last.

    Args:
        layers: names, in the order of the forward pass.
        sparsity: share of zeros of each layer, in [0, 1].
        dead: share of its units that never answer, in [0, 1].
        selectivity: mean class selectivity of the others, in [0, 1]; None where there are none.
    """
    panels = (
        ("zeros (%)", sparsity, BLUE),
        ("dead units (%)", dead, ORANGE),
        ("class selectivity (%)", selectivity, GREEN),
    )
    figure = new_figure(7.2, 2.5)
    indices = range(len(layers))
    for number, (name, values, colour) in enumerate(panels, start=1):
        axes = new_axes(figure, 1, 3, number)
        heights = [float("nan") if value is None else 100 * value for value in values]
        axes.plot(indices, heights, "o-", color=colour, lw=1.4, ms=4)
        axes.set_title(name, fontsize=9, loc="left")
        axes.set_ylim(-3, 103)
        axes.set_xlim(-0.4, len(layers) - 0.6)
        step = max(1, len(layers) // 8)
        axes.set_xticks(list(indices)[::step])
        axes.set_xticklabels(list(layers)[::step], rotation=60, ha="right", fontsize=6.5)
        axes.grid(axis="y", lw=0.4, alpha=0.5)
    return figure
