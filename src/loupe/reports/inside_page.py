"""The page and the pictures of `loupe inspect`."""

from collections.abc import Sequence
from pathlib import Path

from loupe.figures.style import save_figure
from loupe.models.layer_table import LayerTable
from loupe.reports.inside import InsideFigure
from loupe.reports.page import write_page
from loupe.reports.pictures import encode_bytes
from loupe.runs import RunFolder

_DPI = 150


def write_inside_page(
    folder: Path, run: RunFolder, figures: Sequence[InsideFigure], looked_at: str, layers: LayerTable
) -> Path:
    """Write each figure as a PNG, and all of them into `inside.html`; return the page.

    Args:
        folder: receives the files; made if it is not there.
        run: whose network it is.
        figures: in the order of the page.
        looked_at: a sentence on which images these are.
        layers: of the network.
    """
    folder.mkdir(parents=True, exist_ok=True)
    pictures = []
    for figure in figures:
        path = folder / f"{figure.name}.png"
        save_figure(figure.figure, path, dpi=_DPI)
        pictures.append(encode_bytes(path.read_bytes()))
    recipe = run.read_recipe()
    page = folder / "inside.html"
    write_page(
        page,
        "inside.html",
        recipe=recipe,
        run_name=run.path.name,
        looked_at=looked_at,
        layers=layers,
        figures=list(zip(figures, pictures, strict=True)),
    )
    return page
