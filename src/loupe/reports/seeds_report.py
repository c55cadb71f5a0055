"""Several seeds of one recipe as one HTML page."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from markupsafe import Markup

from loupe.reports.charts import LineChart, Series, draw_line_chart, name_loss
from loupe.reports.page import format_level, render_page, write_page
from loupe.runs import RunFolder, RunResult
from loupe.runs.looks import describe_looks
from loupe.statistics.intervals import SeedSummary

_COLOURS = ("c1", "c2", "c3", "c4", "c5")


def write_seeds_report(path: Path, runs: Sequence[RunFolder], summaries: Mapping[str, SeedSummary]) -> None:
    """Write `report.html` beside the folders of the seeds.

    Args:
        path: the folder that holds `recipe.toml` and one folder a seed.
        runs: the seeds' run folders, each with a result.
        summaries: figures over the finished seeds, by name.
    """
    recipe = RunFolder(path).read_recipe()
    results = [result for run in runs if (result := run.read_result()) is not None]
    figure = "loss" if any(result.objective == "reconstruction" for result in results) else "accuracy"
    split = "test" if f"best test {figure}" in summaries else "validation"
    write_page(
        path / "report.html",
        "seeds.html",
        name=path.name,
        recipe=recipe,
        recipe_toml=recipe.to_toml(),
        runs=results,
        looks=describe_looks(runs),
        links={result.seed: f"seed-{result.seed}/report.html" for result in results},
        headline=summaries.get(f"best {split} {figure}"),
        headline_split=split,
        is_classifier=figure == "accuracy",
        confidence=format_level(recipe.evaluate.confidence),
        rows=[_make_row(name, summary) for name, summary in summaries.items()],
        charts=_draw_curves(runs),
    )


def render_seeds(
    path: Path,
    results: Sequence[RunResult],
    summaries: Mapping[str, SeedSummary],
    links: Mapping[int, str],
) -> str:
    """Return the tables of the page: each seed, and the figures over the seeds.

    Args:
        path: the folder of the series.
        results: of the seeds that have one.
        summaries: figures over the finished seeds, by name.
        links: where each seed's own page is, by seed.
    """
    recipe = RunFolder(path).read_recipe()
    return render_page(
        "seeds_tables.html",
        recipe=recipe,
        runs=results,
        looks=describe_looks([RunFolder(path / f"seed-{result.seed}") for result in results]),
        links=links,
        is_classifier=all(result.objective == "classification" for result in results),
        confidence=format_level(recipe.evaluate.confidence),
        rows=[_make_row(name, summary) for name, summary in summaries.items()],
    )


def _make_row(name: str, summary: SeedSummary) -> dict[str, str]:
    is_share = "accuracy" in name
    scale, unit = (100, " %") if is_share else (1, "")
    digits = 2 if is_share else 4 if "loss" in name else 1

    def write(value: float) -> str:
        return f"{value * scale:.{digits}f}"

    interval = summary.interval
    return {
        "name": name,
        "mean": write(summary.mean) + unit,
        "sd": "" if summary.sd is None else write(summary.sd),
        "interval": "" if interval is None else f"{write(interval.low)} to {write(interval.high)}{unit}",
        "num_seeds": str(summary.num_seeds),
    }


def _draw_curves(runs: Sequence[RunFolder]) -> list[Markup]:
    histories = {run.path.name.replace("-", " "): run.read_history() for run in runs}
    longest = max((len(history) for history in histories.values()), default=0)
    if not longest:
        return []
    epochs = list(range(1, longest + 1))

    def make_series(column: str) -> list[Series]:
        return [
            Series(
                name,
                [getattr(record, column) for record in history] + [None] * (longest - len(history)),
                _COLOURS[index % len(_COLOURS)],
                is_dashed=index >= len(_COLOURS),
            )
            for index, (name, history) in enumerate(histories.items())
        ]

    accuracy, loss = make_series("validation_accuracy"), make_series("validation_loss")
    is_classifier = any(value is not None for series in accuracy for value in series.values)
    charts = [LineChart("Validation loss", name_loss(is_classifier), epochs, loss, digits=4)]
    if is_classifier:
        charts.insert(
            0, LineChart("Validation accuracy", "accuracy (%)", epochs, accuracy, scale=100, digits=2)
        )
    return [draw_line_chart(chart) for chart in charts]
