from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from loupe.figures.style import new_axes, new_figure


def draw_gate_weights(
    by_class: Sequence[np.ndarray], layers: Sequence[str], class_names: Sequence[str]
) -> Figure:
    """Return a panel a gate: the mean weight each expert gets from the images of each class.

    Args:
        by_class: for each gate (classes, experts) in [0, 1].
        layers: names of the gates.
        class_names: one name a class.
    """
    columns = min(6, len(by_class))
    rows = -(-len(by_class) // columns)
    experts = by_class[0].shape[1]
    tile = max(0.34, min(0.6, 2.4 / experts))
    figure = new_figure(1.1 + columns * (tile * experts + 0.35), rows * (0.24 * len(class_names) + 0.6))
    drawn = None
    for number, (weights, layer) in enumerate(zip(by_class, layers, strict=True), start=1):
        axes = new_axes(figure, rows, columns, number)
        drawn = axes.imshow(weights, cmap="viridis", vmin=0, vmax=1, aspect="auto")
        axes.set_title(layer, fontsize=8)
        axes.set_xticks(range(experts))
        axes.set_xticklabels([str(expert + 1) for expert in range(experts)], fontsize=7)
        is_first = (number - 1) % columns == 0
        axes.set_yticks(range(len(class_names)) if is_first else [])
        if is_first:
            axes.set_yticklabels(class_names, fontsize=7)
        axes.tick_params(length=0)
        if number > len(by_class) - columns:
            axes.set_xlabel("expert", fontsize=8)
        if len(class_names) * experts <= 120:
            for row, column in np.ndindex(*weights.shape):
                shade = "white" if weights[row, column] < 0.6 else "black"
                text = f"{weights[row, column]:.2f}".lstrip("0")
                axes.text(column, row, text, ha="center", va="center", fontsize=5.5, color=shade)
    assert drawn is not None
    bar = figure.colorbar(drawn, ax=figure.axes, fraction=0.02, pad=0.01)
    bar.set_label("mean weight", fontsize=8)
    bar.ax.tick_params(labelsize=7)
    return figure
