"""Several seeds of one recipe as one HTML page."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from markupsafe import Markup

from loupe.metrics import Metric, headline_of
from loupe.reports.charts import Series, chart_metric, draw_line_chart
from loupe.reports.page import format_level, render_page, write_page
from loupe.runs import RunFolder, RunResult
from loupe.runs.looks import describe_looks
from loupe.runs.metric_values import list_history_metrics
from loupe.runs.series_folder import FigureSummary

_COLOURS = ("c1", "c2", "c3", "c4", "c5")


def write_seeds_report(path: Path, runs: Sequence[RunFolder], summaries: Mapping[str, FigureSummary]) -> None:
    """Write `report.html` beside the folders of the seeds.

    Args:
        path: the folder that holds `recipe.toml` and one folder a seed.
        runs: the seeds' run folders, each with a result.
        summaries: figures over the finished seeds, by name.
    """
    recipe = RunFolder(path).read_recipe()
    results = [result for run in runs if (result := run.read_result()) is not None]
    metric = headline_of(results[0].objective if results else "classification")
    split = "test" if f"best test {metric.name}" in summaries else "validation"
    write_page(
        path / "report.html",
        "seeds.html",
        name=path.name,
        recipe=recipe,
        recipe_toml=recipe.to_toml(),
        runs=results,
        looks=describe_looks(runs),
        links={result.seed: f"seed-{result.seed}/report.html" for result in results},
        headline=summaries.get(f"best {split} {metric.name}"),
        headline_split=split,
        metric=metric,
        further=_list_further(results),
        confidence=format_level(recipe.evaluate.confidence),
        rows=[_make_row(summary) for summary in summaries.values()],
        charts=_draw_curves(runs),
    )


def render_seeds(
    path: Path,
    results: Sequence[RunResult],
    summaries: Mapping[str, FigureSummary],
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
        metric=headline_of(results[0].objective),
        further=_list_further(results),
        confidence=format_level(recipe.evaluate.confidence),
        rows=[_make_row(summary) for summary in summaries.values()],
    )


def _list_further(results: Sequence[RunResult]) -> list[Metric]:
    """Return the further metrics of the runs' recipe."""
    scores = [result.best.validation for result in results if result.best is not None]
    return list({name: value.metric for one in scores for name, value in one.metrics.items()}.values())


def _make_row(summary: FigureSummary) -> dict[str, str]:
    metric, interval = summary.metric, summary.interval
    row = {"name": summary.title if metric is None else metric.name_with_unit(summary.title)}
    row["num_seeds"] = str(summary.num_seeds)
    if metric is not None:
        spread = metric.write_spread(summary.std)
        return {
            **row,
            "mean": metric.write(summary.mean),
            "std": spread,
            "interval": metric.write_interval(interval) if summary.counts_images else "",
            "seeds_interval": metric.write_interval(summary.seeds_interval),
        }
    ends = "" if interval is None else f"{interval.low:.1f} to {interval.high:.1f}"
    spread = "" if summary.std is None else f"{summary.std:.1f}"
    return {**row, "mean": f"{summary.mean:.1f}", "std": spread, "interval": "", "seeds_interval": ends}


def _draw_curves(runs: Sequence[RunFolder]) -> list[Markup]:
    histories = {run.path.name.replace("-", " "): run.read_history() for run in runs}
    longest = max((len(history) for history in histories.values()), default=0)
    if not longest:
        return []
    epochs = list(range(1, longest + 1))

    def make_series(metric: str) -> list[Series]:
        return [
            Series(
                name,
                [record.validation_of(metric) for record in history] + [None] * (longest - len(history)),
                _COLOURS[index % len(_COLOURS)],
            )
            for index, (name, history) in enumerate(histories.items())
        ]

    metrics = list_history_metrics(runs)
    return [
        draw_line_chart(chart_metric(f"Validation {metric.title}", metric, epochs, make_series(metric.name)))
        for metric in metrics
    ]
