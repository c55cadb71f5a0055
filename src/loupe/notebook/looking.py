"""The verbs that look, as functions: a recipe shown, a network inspected, runs compared, data described."""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from os import PathLike, fspath
from pathlib import Path
from typing import Any

from loupe.markup import render_table, render_text
from loupe.models.layer_table import OUTSIDE, LayerTable
from loupe.publishing import ReportTable, gather_tables
from loupe.publishing.table import write_markdown
from loupe.recipe import Recipe
from loupe.running import load_recipe
from loupe.running.describe_data import write_card
from loupe.running.describe_network import describe_recipe_layers
from loupe.using.compare_runs import compare_runs, read_compared
from loupe.using.inspect_run import inspect_run
from loupe.wording import list_names

_HEIGHT = 640  # pixels of a page in a notebook
_PLACES, _LISTS = ("image", "out", "data"), ("layers", "why", "plugins")  # among what `inspect` is told


@dataclass(frozen=True)
class Page:
    """A page that Loupe wrote; a notebook shows it.

    Args:
        path: the HTML file.
    """

    path: Path

    def __fspath__(self) -> str:
        return str(self.path)

    def _repr_html_(self) -> str:
        page = escape(self.path.read_text(encoding="utf-8"))
        style = f"width:100%;height:{_HEIGHT}px;border:1px solid #ccc"
        return f'<iframe srcdoc="{page}" style="{style}" title="{escape(self.path.name)}"></iframe>'


@dataclass(frozen=True)
class ShownRecipe:
    """A recipe with every setting filled in, and its network layer by layer.

    Args:
        recipe: resolved.
        layers: of its network.
        notes: what else there is to say of it.
    """

    recipe: Recipe
    layers: LayerTable
    notes: tuple[str, ...]

    def __str__(self) -> str:
        rows = [" ".join(row) for row in self._list_rows()]
        return "\n".join([self.recipe.to_toml(), *rows, *self.notes])

    def _list_rows(self) -> list[list[str]]:
        rows = [
            [
                row.name,
                row.kind,
                *row.window,
                " × ".join(map(str, row.output_shape)),
                f"{row.parameters:,}",
                f"{row.multiply_adds:,}",
            ]
            for row in self.layers.rows
        ]
        outside = [[OUTSIDE, *6 * [""], f"{self.layers.outside:,}"]] if self.layers.outside else []
        return [
            *rows,
            *outside,
            ["together", *5 * [""], f"{self.layers.parameters:,}", f"{self.layers.multiply_adds:,}"],
        ]

    def _repr_html_(self) -> str:
        heads = ("layer", "kind", "kernel", "stride", "padding", "output", "parameters", "multiply-adds")
        table = render_table(heads, self._list_rows(), (2, 3, 4, 6, 7), " ".join(self.notes))
        return render_text(f"Recipe {self.recipe.name}", self.recipe.to_toml()) + table


@dataclass(frozen=True)
class Comparison:
    """Runs side by side.

    Args:
        names: of the runs and series.
        results: their results with intervals.
        settings: the settings that differ.
        page: the page that compares them.
    """

    names: tuple[str, ...]
    results: ReportTable
    settings: ReportTable
    page: Page

    def __str__(self) -> str:
        return f"{write_markdown(self.results)}\n{self.page.path}"

    def to_frame(self) -> Any:
        """Return the results as a pandas DataFrame."""
        return self.results.to_frame()

    def _repr_html_(self) -> str:
        head = f"<strong>Comparison of {escape(list_names(self.names))}</strong>"
        return head + self.results._repr_html_() + self.settings._repr_html_() + self.page._repr_html_()


def show(
    recipe: str | Path | Mapping[str, Any] | Recipe = "digits",
    *overrides: str,
    plugins: Sequence[str | Path] = (),
) -> ShownRecipe:
    """Return a recipe with every setting filled in, and its network layer by layer.

    Raises:
        LoupeError: the recipe has mistakes.
    """
    resolved = load_recipe(recipe, overrides, plugins=plugins)
    layers, notes = describe_recipe_layers(resolved)
    return ShownRecipe(resolved, layers, tuple(notes))


def inspect(run: str | PathLike[str], **choices: Any) -> Page:
    """Return the page of what a run's network learned; `choices` are those of `loupe inspect`.

    Args:
        run: a run, its folder, or its name inside runs/.
        choices: image, index, class_name, layers, number, why, own_scale, out, plugins, data; places as text
            or paths, one layer or method by its name alone.

    Raises:
        LoupeError: no such run, image, class, layer or number.
    """
    places = {name: Path(fspath(choices[name])) for name in _PLACES if choices.get(name) is not None}
    lists = {name: [choices[name]] for name in _LISTS if isinstance(choices.get(name), str)}
    return Page(inspect_run(run, **{**choices, **places, **lists}))


def compare(
    *runs: str | PathLike[str],
    out: str | PathLike[str] | None = None,
    data: str | PathLike[str] | None = None,
) -> Comparison:
    """Return runs side by side: results with intervals, settings, and the page that compares them.

    Args:
        runs: two or more runs, folders, or names in runs/; a series of seeds counts as one.
        out: the HTML file; one that goes with the session if left out.
        data: where the images lie now; where they were if left out.

    Raises:
        RunError: fewer than two runs, one named twice, one without a result, or runs that are judged by
            different figures.
    """
    file = (
        Path(fspath(out)) if out is not None else Path(tempfile.mkdtemp(prefix="loupe-")) / "comparison.html"
    )
    where = Path(fspath(data)) if data is not None else None
    page = Page(compare_runs(runs, file, data=where))
    results, settings = gather_tables(runs, ["results", "recipe"])
    return Comparison(tuple(run.name for run in read_compared(runs)), results, settings, page)


def describe_data(name: str, *overrides: str, out: str | PathLike[str] = "cards") -> Page:
    """Return the data card of a dataset or of a recipe's data; of test images only counts are read.

    Args:
        name: a dataset's name, a packaged recipe's name, or a recipe file.
        overrides: changes such as `data.path=crops`.
        out: folder that receives a folder for the card.

    Raises:
        LoupeError: no such dataset or recipe, or data that is missing or damaged.
    """
    return Page(write_card(name, overrides, out=Path(fspath(out))).page)
