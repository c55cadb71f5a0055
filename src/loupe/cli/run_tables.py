"""Runs as lines of text: the table of `loupe list`, and what `loupe train` prints at the end."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import fmean

from loupe.errors import LoupeError, RunError, suggest
from loupe.metrics import Metric, MetricValue, headline_of
from loupe.recipe import Recipe
from loupe.runs import RunRecord, RunResult, is_run_folder, list_run_folders
from loupe.runs.looks import count_own_looks, describe_looks, read_test_content
from loupe.runs.metric_values import Split, choose_score, find_metric, find_value, headline_of_history
from loupe.runs.result import Score
from loupe.statistics import summarise_seeds
from loupe.statistics.intervals import SeedSummary
from loupe.wording import format_duration

_EXIT = {"finished": 0, "failed": 1, "interrupted": 130}


HEADINGS = ("run", "state", "model", "epoch", "validation", "test", "interval", "looks", "time")
_SPLITS: tuple[Split, ...] = ("validation", "test")


def list_runs(place: Path, metrics: Sequence[str] = ()) -> list[tuple[str, ...]]:
    """Return a row of text for each run in a folder, oldest first; seeds follow their summary.

    Columns: those of `HEADINGS` (accuracy, or error of what is given back), then each further metric on
    validation and on test, with its interval.

    Args:
        place: where the run folders are, or one of them.
        metrics: names of further metrics; those that a recipe does not name are computed from its run's
            stored answers.

    Raises:
        RunError: there is no such folder.
        UnknownNameError: there is no such metric.
    """
    if not place.is_dir():
        beside = [path.name for path in place.parent.iterdir()] if place.parent.is_dir() else []
        raise RunError(
            f"There is no folder {place}.",
            got="a file" if place.exists() else str(place),
            allowed="a folder with runs in it, or a run folder",
            nearest=suggest(place.name, beside),
            next_step="`loupe list` shows the runs in runs",
        )
    paths = [place] if is_run_folder(place) else list_run_folders(place)
    asked = [find_metric(name, _list_single(paths), prefers_record=True) for name in metrics]
    rows = []
    for path in paths:
        try:
            rows += _list_one(RunRecord(path), asked)
        except LoupeError as error:  # one damaged run must not hide the others
            rest = [""] * (len(HEADINGS) - 2 + len(_SPLITS) * len(asked))
            rows.append((path.name, f"damaged: {error.message}", *rest))
    return rows


def list_headings(place: Path, metrics: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the heads of the columns of `list_runs`; arguments as there."""
    paths = [place] if is_run_folder(place) else list_run_folders(place)
    asked = [find_metric(name, _list_single(paths), prefers_record=True) for name in metrics]
    return (*HEADINGS, *(f"{split} {metric.heading}" for metric in asked for split in _SPLITS))


def _list_single(paths: Iterable[Path]) -> list[RunRecord]:
    """Return the runs with one network each, the seeds of a series in its place."""
    return [RunRecord(one) for path in paths for one in (sorted(path.glob("seed-*")) or [path])]


def describe_listed_looks(place: Path) -> list[str]:
    """Return in words how often the runs in a folder, and others, looked at each of their test sets."""
    by_content: dict[str | None, list[RunRecord]] = {}
    for run in _list_single([place] if is_run_folder(place) else list_run_folders(place)):
        if count_own_looks(run) != 0:
            by_content.setdefault(read_test_content(run), []).append(run)
    return [f"looks at the test set: {describe_looks(runs)}" for runs in by_content.values()]


def _list_one(folder: RunRecord, metrics: Sequence[Metric]) -> list[tuple[str, ...]]:
    recipe = folder.read_recipe()
    if not recipe.run.seeds:
        return [_make_row(folder.path.name, recipe, folder, metrics)]
    seeds = [RunRecord(folder.path / f"seed-{seed}") for seed in recipe.run.seeds]
    rows = [_make_row(f"  {one.path.name}", recipe, one, metrics) for one in seeds if one.path.is_dir()]
    return [_make_series_row(folder.path.name, recipe, seeds, metrics), *rows]


def describe_outcome(path: Path) -> tuple[list[str], int]:
    """Return what to print when a run, or a series of seeds, has ended, and the exit status."""
    recipe = RunRecord(path).read_recipe()
    if recipe.run.seeds:
        seeds = [RunRecord(path / f"seed-{seed}") for seed in recipe.run.seeds]
        lines, status = _describe_series([seed.read_result() for seed in seeds], path)
    else:
        lines, status = _describe_run(RunRecord(path).read_result(), path)
    return [*lines, f"report: {path / 'report.html'}"], status


def _describe_run(result: RunResult | None, path: Path) -> tuple[list[str], int]:
    if result is None:
        return [f"not finished; `loupe resume {path}` goes on"], 1
    lines = [f"{result.status} after {format_duration(result.seconds)} of training"]
    if result.status != "finished":
        lines[0] += f"; `loupe resume {path}` goes on"
    lines += result.notes
    lines += [f"warning: {warning}" for warning in result.warnings]
    if result.best is not None:
        lines.append(f"best epoch {result.best.epoch} by validation {result.selected_by}")
        lines += _describe_split("validation", result.best.validation, result.best.validation_tta)
        if result.best.test is not None:
            lines += _describe_split("test", result.best.test, result.best.test_tta)
            lines.append(f"looks at the test set: {describe_looks([RunRecord(path)])}")
    return lines, _EXIT[result.status]


def _describe_series(results: list[RunResult | None], path: Path) -> tuple[list[str], int]:
    lines = []
    for result in results:
        if result is not None and result.best is not None and result.best.test is not None:
            described = _describe_split("test", result.best.test, result.best.test_tta)
            lines += [f"seed {result.seed}: {line}" for line in described]
    found = [result for result in results if result is not None]
    for index, values in enumerate(_gather_values(found, "test")):
        metric, summary = values[0].metric, _summarise(values, found)
        if summary is None or summary.interval is None:
            continue
        name = "" if index == 0 else f" {metric.title}"
        low, high = metric.write(summary.interval.low), metric.write(summary.interval.high)
        with_tta = _write_tta(*_list_tta(found)) if index == 0 else ""
        lines.append(
            f"mean{name} over {summary.num_seeds} seeds: {metric.write(summary.mean)}, "
            f"std {metric.write(summary.std)}, interval of the mean {low} to {high}{_name_chance(summary)}"
            f"{with_tta}"
        )
    if not _gather_values(found, "test"):
        for index, values in enumerate(_gather_values(found, "validation")):
            mean, metric = _average(values), values[0].metric
            name, locked = (f" {metric.title}", "") if index else ("", "; the test set is locked")
            lines.append(f"mean{name} on validation {metric.write(mean)}{locked}")
    begun = [RunRecord(one) for one in sorted(path.glob("seed-*")) if one.is_dir()]
    lines.append(f"looks at the test set: {describe_looks(begun)}")
    unfinished = [result for result in results if result is None or result.status != "finished"]
    if unfinished:
        lines.append(f"{len(unfinished)} of {len(results)} seeds not finished; `loupe resume {path}` goes on")
        return lines, 130
    return lines, 0


def _describe_split(split: str, score: Score, with_tta: Score | None = None) -> list[str]:
    """Return a line for a split, with what test-time augmentation makes of it, and one a further metric."""
    headline = f"{split} {score.describe()}{_write_tta(with_tta)}"
    return [headline, *(f"{split} {value.describe()}" for value in score.metrics.values())]


def _write_tta(*scores: Score | None) -> str:
    """Return the mean with test-time augmentation, to stand beside the plain one; empty without."""
    values = [score.headline for score in scores if score is not None]
    return f", with tta {values[0].metric.write(_average(values))}" if values else ""


def _gather_values(results: Sequence[RunResult], split: Split) -> list[list[MetricValue]]:
    """Return the values of each metric over the runs that have it, the headline first."""
    scores = [choose_score(result.best, split) for result in results]
    found: dict[str, list[MetricValue]] = {}
    for score in scores:
        for value in (score.headline, *score.metrics.values()) if score is not None else ():
            found.setdefault(value.metric.name, []).append(value)
    return list(found.values())


def _average(values: Iterable[MetricValue]) -> float | None:
    numbers = [one.value for one in values if one.value is not None]
    return fmean(numbers) if numbers else None


def _name_chance(summary: SeedSummary) -> str:
    return " for new images and new seeds" if summary.counts_images else " for new seeds on these images"


def _summarise(values: Sequence[MetricValue], results: Sequence[RunResult]) -> SeedSummary | None:
    numbers = [one.value for one in values if one.value is not None]
    if not numbers:
        return None
    over_images = [one.interval for one in values if one.value is not None]
    bounds = values[0].metric.bounds
    return summarise_seeds(numbers, results[0].confidence, over_images=over_images, **bounds)


def _list_tta(results: Iterable[RunResult]) -> list[Score | None]:
    return [result.best.test_tta for result in results if result.best]


def _make_row(name: str, recipe: Recipe, folder: RunRecord, metrics: Sequence[Metric]) -> tuple[str, ...]:
    result = folder.read_result()
    looks = _write_looks(folder)
    if result is None or result.best is None:
        history, state = folder.read_history(), result.status if result else "unfinished"
        headline = headline_of_history(history)
        values = [value for one in history if (value := one.validation_of(headline.name)) is not None]
        reached = headline.write(headline.choose_best(values)) if values else ""
        row = (name, state, recipe.model.name, f"({len(history)})", reached, "", "", looks, "")
        return (*row, *[""] * (2 * len(metrics)))
    test, validation = result.best.test, result.best.validation.headline
    return (
        name,
        result.status,
        recipe.model.name,
        str(result.best.epoch),
        validation.metric.write(validation.value),
        validation.metric.write(test.headline.value) + _write_tta(result.best.test_tta) if test else "locked",
        validation.metric.write_interval(test.headline.interval) if test else "",
        looks,
        format_duration(result.seconds),
        *(_write_value(folder, result, split, metric) for metric in metrics for split in _SPLITS),
    )


def _write_value(folder: RunRecord, result: RunResult, split: Split, metric: Metric) -> str:
    value = find_value(folder, result, split, metric.name)
    return value.write() if value is not None else ""


def _write_looks(*folders: RunRecord) -> str:
    """Return how often runs looked at the test set; a missing record is no zero."""
    counts = [count_own_looks(folder) for folder in folders if folder.path.is_dir()]
    known = [count for count in counts if count is not None]
    return str(sum(known)) if len(known) == len(counts) else "unknown"


def _make_series_row(
    name: str, recipe: Recipe, seeds: Sequence[RunRecord], metrics: Sequence[Metric]
) -> tuple[str, ...]:
    results = [seed.read_result() for seed in seeds]
    finished = [result for result in results if result is not None and result.status == "finished"]
    state = "finished" if len(finished) == len(results) else f"{len(finished)} of {len(results)} seeds"
    headline = headline_of(finished[0].objective if finished else "classification")
    validation = [result.best.validation.headline for result in finished if result.best]
    summary = _summarise([one.best.test.headline for one in finished if one.best and one.best.test], finished)
    interval = summary.interval if summary else None
    further = [_average_seeds(seeds, split, metric) for metric in metrics for split in _SPLITS]
    return (
        name,
        state,
        recipe.model.name,
        "",
        headline.write(_average(validation)),
        headline.write(summary.mean) + _write_tta(*_list_tta(finished)) if summary else "",
        f"mean: {headline.write(interval.low)} to {headline.write(interval.high)}" if interval else "",
        _write_looks(*seeds),
        format_duration(sum(result.seconds for result in finished)),
        *further,
    )


def _average_seeds(seeds: Sequence[RunRecord], split: Split, metric: Metric) -> str:
    """Return the mean of a metric over the finished seeds, with its interval."""
    results = [(seed, result) for seed in seeds if (result := seed.read_result()) is not None]
    finished = [(seed, result) for seed, result in results if result.status == "finished"]
    values = [find_value(seed, result, split, metric.name) for seed, result in finished]
    summary = _summarise([one for one in values if one is not None], [result for _, result in finished])
    if summary is None:
        return ""
    ends = f" ({metric.write_interval(summary.interval)})" if summary.interval is not None else ""
    return f"mean {metric.write(summary.mean)}{ends}"
