"""A grid of feature maps whose index counts rows where it should count columns (D-002-6).

The notebook shows the maps of a layer in a grid of so many rows and columns, and takes for row r and column c
the map r * rows + c. Where there are more columns than rows, maps come again and most are never shown.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from matplotlib.figure import Figure

from loupe.data import EvaluationBatches
from loupe.data.normalization import Normalization
from loupe.figures.mosaic import lay_tiles
from loupe.figures.style import new_axes, new_figure, save_figure
from loupe.inspection.capture import capture_layers
from loupe.reproductions.report import Demonstration
from loupe.running.recipe_data import load_run_splits
from loupe.runs import RunFolder, load_model
from loupe.studies.report import FIGURE_DPI

COLUMNS = {"stage1": 8, "stage2": 32, "stage3": 32, "stage4": 32}
"""Columns of the notebook's grid, by the stage of the network."""

_DRAWN = "stage3"
_PICTURE = "repeated-maps.png"


def show_repeated_maps(runs: Sequence[RunFolder], folder: Path) -> Demonstration:
    """Return how many maps of each stage the notebook's grid shows, and draw one, wrong and right.

    Args:
        runs: finished ones, one a seed; the first one's network is drawn.
        folder: of the page; receives the picture.
    """
    run = runs[0]
    model, description = load_model(run)
    validation = load_run_splits(run).validation
    names = description["class_names"]
    place = int((validation.labels == len(names) - 1).nonzero()[0])
    batches = EvaluationBatches(
        validation.select(torch.tensor([place])), Normalization.from_dict(description["normalization"])
    )
    stages = [name for name, _ in model.named_children() if name in COLUMNS]
    outputs = capture_layers(model, next(iter(batches)).images, stages)
    rows = []
    for stage in stages:
        count = outputs[stage].shape[1]
        shown = list_published_maps(count, COLUMNS[stage])
        rows.append((f"{stage}: {count} maps, {COLUMNS[stage]} columns", str(len(set(shown))), str(count)))
    figure = draw_grids(outputs[_DRAWN][0].float().numpy(), COLUMNS[_DRAWN], _DRAWN)
    save_figure(figure, folder / _PICTURE, dpi=FIGURE_DPI)
    return Demonstration(
        "D-002-6",
        "Feature maps shown again and again",
        "The notebook's grid takes for row r and column c the map r * rows + c in place of r * columns + c. "
        f"Maps of {run.read_recipe().name}, seed {run.read_recipe().run.seed}, for a validation image "
        f"({names[-1]}).",
        tuple(rows),
        figure="maps shown as published",
        last="as corrected",
        picture=_PICTURE,
        caption=f"{_DRAWN} in the notebook's grid, where pale maps have been shown before, and each map once",
    )


def list_published_maps(count: int, columns: int) -> list[int]:
    """Return which map the notebook shows at each place of its grid, row by row."""
    rows = count // columns
    return [row * rows + column for row in range(rows) for column in range(columns)]


def draw_grids(maps: np.ndarray, columns: int, layer: str) -> Figure:
    """Return the notebook's grid of a layer above the one that shows each map once.

    Args:
        maps: (channels, height, width) float.
        columns: of both grids.
        layer: its name.
    """
    count, height, width = maps.shape
    shown = list_published_maps(count, columns)
    rows = count // columns
    figure = new_figure(7.0, 0.9 + 2 * 7.0 * rows * (height + 1) / (columns * (width + 1)))
    top = float(np.quantile(maps, 0.995)) or 1.0  # one bright pixel would leave the rest dark
    for number, order in enumerate((shown, list(range(rows * columns)))):
        axes = new_axes(figure, 2, 1, number + 1)
        is_repeated = np.array([one in order[:place] for place, one in enumerate(order)])
        tiles = lay_tiles(maps[order], columns)
        pale = lay_tiles(
            np.where(is_repeated, 0.3, 1.0)[:, None, None] * np.ones((1, height, width)), columns
        )
        axes.imshow(
            tiles, cmap="viridis", vmin=min(0.0, float(maps.min())), vmax=top, interpolation="nearest",
            alpha=np.nan_to_num(pale),
        )  # fmt: skip
        axes.set_axis_off()
        told = f"{len(set(order))} of {count} maps"
        says = f"as published: {told}, the others come again (pale)" if number == 0 else f"corrected: {told}"
        axes.set_title(f"{layer}, {says}", fontsize=9, loc="left")
    return figure
