"""What `loupe.train` and `loupe.load_run` return: a run, or a series of runs, that draws itself."""

from os import PathLike
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from loupe.errors import LoupeError
from loupe.figures.line_chart import Curve, plot_lines
from loupe.figures.style import new_axes, new_figure
from loupe.markup import render_card
from loupe.notebook.drawing import figure_of
from loupe.notebook.run import Run, import_pandas
from loupe.publishing import ReportTable, gather_tables
from loupe.publishing.curve_figures import list_charts
from loupe.runs import RunFolder, SeriesFolder, find_run_folder, open_run_folder
from loupe.wording import count_of


class Series(SeriesFolder):
    """Runs that differ in their seed, each of which draws itself."""

    @property
    def runs(self) -> dict[int, RunFolder]:
        """The runs that were begun, by seed, each a `Run`."""
        return {seed: Run(folder.path) for seed, folder in super().runs.items()}

    def table(self, name: str = "results") -> ReportTable:
        """Return a table of all seeds: results (with the means), cost, recipe."""
        return gather_tables([self], [name])[-1]

    def to_frame(self) -> Any:
        """Return the histories as one pandas DataFrame, a row an epoch, with a column `seed`.

        Raises:
            LoupeError: pandas is not installed.
        """
        pandas = import_pandas()
        rows = [
            {"seed": seed, **record.to_row()}
            for seed, run in self.runs.items()
            for record in run.read_history()
        ]
        return pandas.DataFrame(rows)

    def plot_curves(self, what: str = "accuracy", *, ax: Axes | None = None) -> Figure:
        """Draw a curve of every seed's validation: "accuracy", "loss", "gap", "learning-rate"."""
        ax = ax if ax is not None else new_axes(new_figure(4.4, 2.9))
        found = {
            seed: charts[what] for seed, run in self.runs.items() if what in (charts := list_charts(run))
        }
        if not found:
            raise LoupeError(
                f"There is no curve {what!r}.", got=what, allowed="accuracy, loss, gap, learning-rate",
                next_step="choose one of these",
            )  # fmt: skip
        chart = max(found.values(), key=lambda one: len(one.curves[0].values))
        longest = len(chart.curves[0].values)
        curves = [
            Curve(f"seed {seed}", [*values, *[None] * (longest - len(values))], has_markers=not chart.x)
            for seed, chart in found.items()
            for values in [chart.curves[0].values]
        ]
        y_label = f"{chart.curves[0].name} {chart.y_label}"
        plot_lines(ax, chart.x or range(1, longest + 1), curves, x_label="epoch", y_label=y_label)
        return figure_of(ax)

    def _repr_html_(self) -> str:
        facts = {"folder": str(self.path), "seeds": ", ".join(map(str, self.runs))}
        try:
            table = self.table()._repr_html_()
        except LoupeError:
            table = ""
        return render_card(f"Series {self.path.name}: {count_of(len(self.runs), 'run')}", facts, table)


def load_run(place: str | PathLike[str]) -> Run | Series:
    """Return a run on disk, by path or by name inside `runs/`; several seeds come as a `Series`.

    Raises:
        RunError: there is no such run.
    """
    return as_run(find_run_folder(place))


def as_run(path: Path) -> Run | Series:
    """Return the folder of a run, or of a series of seeds."""
    return Series(path) if isinstance(open_run_folder(path), SeriesFolder) else Run(path)
