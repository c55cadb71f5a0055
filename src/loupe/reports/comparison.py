"""Several runs as one HTML page: figures, curves, recipes, classes, and the images on which they differ."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from markupsafe import Markup

from loupe.data import ImageDataset
from loupe.evaluations import Looks
from loupe.metrics import Metric, Metrics
from loupe.recipe import Recipe
from loupe.reports.charts import Series, chart_metric, draw_line_chart
from loupe.reports.common_images import describe_image_differences
from loupe.reports.compared_run import ComparedRun, list_single
from loupe.reports.looks import render_looks
from loupe.reports.page import format_percent, write_page
from loupe.reports.picture_sheet import Picture, PictureSheet
from loupe.reports.run_verdicts import SPLITS, Test, judge_runs
from loupe.runs.metric_values import Split, list_history_metrics
from loupe.statistics import summarise_seeds
from loupe.training import EpochRecord
from loupe.wording import count_of

_COLOURS = ("c1", "c2", "c4", "c5", "c3")  # by place on the command line, the same on the whole page
_MOST_FLIPPED = 24  # pictures each way


@dataclass(frozen=True)
class Flipped:
    """Images that one run gets right and the other wrong: how many, and some of them."""

    heading: str
    count: int
    shown: list[tuple[Picture, str, str]]


def write_comparison(
    out: Path,
    runs: Sequence[ComparedRun],
    images: ImageDataset | None,
    why_no_pictures: str,
    pairs: Looks | None = None,
) -> None:
    """Write the page.

    Args:
        out: the HTML file.
        runs: two or more that are judged by the same figure.
        images: the validation images they share, if they do and these are at hand.
        why_no_pictures: why they are not, if they are shared and not at hand.
        pairs: what looks at two networks found of the first run and each other one, a chapter a pair.
    """
    sheet = PictureSheet(images.image_size) if images is not None else None
    verdicts, flips = judge_runs(runs), []
    if images is not None and sheet is not None:
        single = list_single(runs)
        flips = list(_show_flips(verdicts["tests"]["validation"][: len(single) - 1], single, images, sheet))
    split = "test" if all(run.scores("test") for run in runs) else "validation"
    metrics = list({metric.name: metric for run in runs for metric in run.metrics}.values())
    write_page(
        out,
        "compare.html",
        runs=[
            {
                "name": run.name,
                "colour": _COLOURS[place % len(_COLOURS)],
                "run": run,
                "values": [_write_values(run, split, metric) for metric in metrics for split in SPLITS],
            }
            for place, run in enumerate(runs)
        ],
        headings=[f"{split} {metric.heading}" for metric in metrics for split in SPLITS],
        **verdicts,
        charts=draw_curves(runs),
        differences=list(find_recipe_differences([run.recipe for run in runs])),
        classes=compare_classes(runs, split) if runs[0].is_classifier else [],
        class_split=split,
        image_differences=list(describe_image_differences(runs)),
        flips=flips,
        why_no_pictures=why_no_pictures,
        pairs=render_looks(pairs, {}, ()) if pairs is not None and pairs.looks else None,
        sheet_style=sheet.render_style() if sheet is not None else "",
    )


def _write_values(run: ComparedRun, split: Split, metric: Metric) -> str:
    """Return a metric with its interval: over images for a run, over seeds for a series."""
    if not run.scores(split):
        return "locked"
    values = run.values(split, metric)
    numbers = [one.value for one in values if one.value is not None]
    if not run.is_series or not numbers:
        return values[0].write() if values else ""
    over_images = [one.interval for one in values if one.value is not None]
    level = run.recipe.evaluate.confidence
    summary = summarise_seeds(numbers, level, over_images=over_images, **metric.bounds)
    spread = "" if summary.std is None else f", std {metric.write(summary.std)}"
    ends = "" if summary.interval is None else f" ({metric.write_interval(summary.interval)})"
    return f"mean {metric.write(summary.mean)}{ends}{spread}, {count_of(summary.num_seeds, 'seed')}"


def find_recipe_differences(recipes: Sequence[Recipe]) -> Iterator[tuple[str, list[str]]]:
    """Yield each field in which recipes differ, with the value in each; "–" where it is left out."""
    flat = [dict(_flatten(recipe.to_dict())) for recipe in recipes]
    fields = dict.fromkeys(field for one in flat for field in one)
    for field in fields:
        values = [one.get(field, "–") for one in flat]
        if any(value != values[0] for value in values):
            yield field, values


def _flatten(values: Any, place: str = "") -> Iterator[tuple[str, str]]:
    items = values.items() if isinstance(values, dict) else enumerate(values)
    for name, value in items:
        inside = f"{place}.{name}" if place else str(name)
        if isinstance(value, dict) or (isinstance(value, list) and any(isinstance(x, dict) for x in value)):
            yield from _flatten(value, inside)
        else:
            yield inside, str(value).lower() if isinstance(value, bool) else str(value)


def compare_classes(runs: Sequence[ComparedRun], split: str) -> list[dict[str, Any]]:
    """Return a row a class: its accuracy in each run (mean over seeds), and its gains on the first run.

    Nothing if the runs know different classes.
    """
    names = {score.class_names for run in runs for score in run.scores(split) if isinstance(score, Metrics)}
    if len(names) != 1:
        return []
    by_run = [_average_classes(run, split) for run in runs]
    rows = []
    for name in next(iter(names)):
        values = [of_run.get(name) for of_run in by_run]
        first = values[0]
        gains = [None if one is None or first is None else one - first for one in values[1:]]
        rows.append({"name": name, "values": values, "gains": gains})
    return rows


def _average_classes(run: ComparedRun, split: str) -> dict[str, float]:
    values: dict[str, list[float]] = {}
    for score in run.scores(split):
        assert isinstance(score, Metrics)
        for one in score.per_class:
            values.setdefault(one.name, []).append(one.accuracy)
    return {name: fmean(of_class) for name, of_class in values.items()}


def draw_curves(runs: Sequence[ComparedRun]) -> list[Markup]:
    """Return the charts of the metrics on validation, one curve a run; of a series the mean over seeds."""
    curves = [
        RunCurves(run.name, tuple(folder.read_history() for folder in run.folders), run.is_series)
        for run in runs
    ]
    return draw_histories(curves, list_history_metrics([folder for run in runs for folder in run.folders]))


@dataclass(frozen=True)
class RunCurves:
    """The histories of a run, or of each seed of a series, under one name."""

    name: str
    histories: Sequence[Sequence[EpochRecord]]
    is_series: bool = False


def draw_histories(runs: Sequence[RunCurves], metrics: Sequence[Metric]) -> list[Markup]:
    """Return the charts of metrics on validation, one curve a run that was measured by them.

    Of a series the mean over seeds, in a band from the lowest to the highest seed.
    """
    longest = max((len(history) for run in runs for history in run.histories), default=0)
    if not longest:
        return []

    def make_series(metric: str) -> list[Series]:
        return [
            Series(
                f"{run.name}, mean and range of seeds" if run.is_series else run.name,
                _average_histories(run.histories, metric, longest),
                _COLOURS[place % len(_COLOURS)],
                band=_find_range(run.histories, metric, longest) if run.is_series else None,
            )
            for place, run in enumerate(runs)
            if any(record.validation_of(metric) is not None for one in run.histories for record in one)
        ]

    epochs = list(range(1, longest + 1))
    return [
        draw_line_chart(chart_metric(f"Validation {metric.title}", metric, epochs, series))
        for metric in metrics
        if (series := make_series(metric.name))
    ]


def _find_range(
    histories: Sequence[Sequence[EpochRecord]], metric: str, longest: int
) -> tuple[list[float | None], list[float | None]]:
    """Return the lowest and highest value of each epoch, as far as every seed has come."""
    at_epochs = _gather_epochs(histories, metric, longest)
    lows = [min(values) if values else None for values in at_epochs]
    return lows, [max(values) if values else None for values in at_epochs]


def _average_histories(
    histories: Sequence[Sequence[EpochRecord]], metric: str, longest: int
) -> list[float | None]:
    """Return the mean over seeds of each epoch; None once a seed has ended: the others alone mean another."""
    return [fmean(values) if values else None for values in _gather_epochs(histories, metric, longest)]


def _gather_epochs(
    histories: Sequence[Sequence[EpochRecord]], metric: str, longest: int
) -> list[list[float]]:
    """Return what a metric says of each epoch, one value a seed; no value unless every seed has one."""
    at_epochs = []
    for epoch in range(longest):
        found = [one[epoch].validation_of(metric) if epoch < len(one) else None for one in histories]
        values = [value for value in found if value is not None]
        at_epochs.append(values if len(values) == len(found) else [])
    return at_epochs


def _show_flips(
    tests: Sequence[Test], runs: Sequence[ComparedRun], images: ImageDataset, sheet: PictureSheet
) -> Iterator[Flipped]:
    """Yield the images that flip between the first run and each other one, both ways."""
    predictions = {run.name: run.folders[0].read_predictions()["validation"] for run in runs}
    for test in tests:
        ways = [
            (test.first, test.second, test.paired.only_first),
            (test.second, test.first, test.paired.only_second),
        ]
        for right, wrong, flipped in ways:
            shown = []
            for index in flipped[:_MOST_FLIPPED].tolist():
                true = images.class_names[int(predictions[right].labels[index])]
                said = images.class_names[int(predictions[wrong].predicted[index])]
                sure = format_percent(float(predictions[wrong].confidence[index]), 1)
                alt = f"validation image {index}, {true}"
                shown.append((sheet.show_from(images, index, alt), true, f"{said} {sure}"))
            yield Flipped(f"Right in {right}, wrong in {wrong}", len(flipped), shown)
