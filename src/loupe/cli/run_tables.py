"""Runs as lines of text: the table of `loupe list`, and what `loupe train` prints at the end."""

import math
from collections.abc import Callable
from pathlib import Path
from statistics import fmean

from loupe.errors import LoupeError, RunError, suggest
from loupe.metrics import Metrics
from loupe.recipe import Recipe
from loupe.reports.compared_run import figure_of
from loupe.reports.page import (
    describe_baselines,
    describe_error,
    format_duration,
    format_error,
    format_interval,
    format_percent,
)
from loupe.runs import RunFolder, RunResult, is_run_folder, list_run_folders
from loupe.runs.looks import count_own_looks, describe_looks, read_test_content
from loupe.runs.result import Score
from loupe.statistics import summarise_seeds
from loupe.statistics.intervals import SeedSummary

_EXIT = {"finished": 0, "failed": 1, "interrupted": 130}


def list_runs(place: Path) -> list[tuple[str, ...]]:
    """Return a row of text for each run in a folder, oldest first; seeds follow their summary.

    Columns: run, state, model, best epoch, validation, test (accuracy, or error of what is given back),
    interval, looks at the test set, time.

    Args:
        place: where the run folders are, or one of them.

    Raises:
        RunError: there is no such folder.
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
    rows = []
    for path in [place] if is_run_folder(place) else list_run_folders(place):
        try:
            rows += _list_one(RunFolder(path))
        except LoupeError as error:  # one damaged run must not hide the others
            rows.append((path.name, f"damaged: {error.message}", *[""] * 7))
    return rows


def describe_listed_looks(place: Path) -> list[str]:
    """Return in words how often the runs in a folder, and others, looked at each of their test sets."""
    listed = [place] if is_run_folder(place) else list_run_folders(place)
    by_content: dict[str | None, list[RunFolder]] = {}
    for path in listed:
        for one in [path] if (path / "environment.json").exists() else sorted(path.glob("seed-*")):
            run = RunFolder(one)
            if count_own_looks(run) != 0:
                by_content.setdefault(read_test_content(run), []).append(run)
    return [f"looks at the test set: {describe_looks(runs)}" for runs in by_content.values()]


def _list_one(folder: RunFolder) -> list[tuple[str, ...]]:
    recipe = folder.read_recipe()
    if not recipe.run.seeds:
        return [_make_row(folder.path.name, recipe, folder)]
    seeds = [RunFolder(folder.path / f"seed-{seed}") for seed in recipe.run.seeds]
    series = _make_series_row(folder.path.name, recipe, [seed.read_result() for seed in seeds], seeds)
    return [series, *(_make_row(f"  {one.path.name}", recipe, one) for one in seeds if one.path.is_dir())]


def describe_outcome(path: Path) -> tuple[list[str], int]:
    """Return what to print when a run, or a series of seeds, has ended, and the exit status."""
    recipe = RunFolder(path).read_recipe()
    if recipe.run.seeds:
        seeds = [RunFolder(path / f"seed-{seed}") for seed in recipe.run.seeds]
        lines, status = _describe_series([seed.read_result() for seed in seeds], path)
    else:
        lines, status = _describe_run(RunFolder(path).read_result(), path)
    return [*lines, f"report: {path / 'report.html'}"], status


def _describe_run(result: RunResult | None, path: Path) -> tuple[list[str], int]:
    if result is None:
        return [f"not finished; `loupe resume {path}` goes on"], 1
    lines = [f"{result.status} after {format_duration(result.seconds)}"]
    if result.status != "finished":
        lines[0] += f"; `loupe resume {path}` goes on"
    lines += result.notes
    lines += [f"warning: {warning}" for warning in result.warnings]
    if result.best is not None:
        lines.append(f"best epoch {result.best.epoch} by validation {result.selected_by}")
        lines.append(f"validation {_describe_score(result.best.validation, result.best.validation_tta)}")
        if result.best.test is not None:
            lines.append(f"test {_describe_score(result.best.test, result.best.test_tta)}")
            lines.append(f"looks at the test set: {describe_looks([RunFolder(path)])}")
    return lines, _EXIT[result.status]


def _describe_series(results: list[RunResult | None], path: Path) -> tuple[list[str], int]:
    lines = []
    for result in results:
        if result is not None and result.best is not None and result.best.test is not None:
            described = _describe_score(result.best.test, result.best.test_tta)
            lines.append(f"seed {result.seed}: test {described}")
    found = [result for result in results if result is not None]
    summary = _summarise(found)
    validation = [figure_of(result.best.validation) for result in found if result.best]
    write = _find_writer(found)
    if validation and summary is None:
        lines.append(f"mean on validation {write(fmean(validation))}; the test set is locked")
    if summary is not None and summary.interval is not None and summary.sd is not None:
        low, high = write(summary.interval.low), write(summary.interval.high)
        spread = f"sd {write(summary.sd)}, interval of the mean {low} to {high}"
        with_tta = _write_tta(*_list_tta(found))
        lines.append(f"mean over {summary.num_seeds} seeds: {write(summary.mean)}, {spread}{with_tta}")
    begun = [RunFolder(one) for one in sorted(path.glob("seed-*")) if one.is_dir()]
    lines.append(f"looks at the test set: {describe_looks(begun)}")
    unfinished = [result for result in results if result is None or result.status != "finished"]
    if unfinished:
        lines.append(f"{len(unfinished)} of {len(results)} seeds not finished; `loupe resume {path}` goes on")
        return lines, 130
    return lines, 0


def _describe_score(score: Score, with_tta: Score | None = None) -> str:
    """Return a score in words, and beside it what test-time augmentation makes of it, if there is any."""
    if isinstance(score, Metrics):
        plain = f"accuracy {format_percent(score.accuracy)} ({format_interval(score.interval)})"
        return f"{plain}{_write_tta(with_tta)}"
    return f"{describe_error(score)}; {describe_baselines(score)}"


def _write_tta(*scores: Score | None) -> str:
    """Return the mean accuracy with test-time augmentation, to stand beside the plain one; empty without."""
    accuracies = [score.accuracy for score in scores if isinstance(score, Metrics)]
    return f", with tta {format_percent(fmean(accuracies))}" if accuracies else ""


def _summarise(results: list[RunResult]) -> SeedSummary | None:
    values = [figure_of(result.best.test) for result in results if result.best and result.best.test]
    high = 1 if results and results[0].objective == "classification" else math.inf
    return summarise_seeds(values, results[0].confidence, low=0, high=high) if values else None


def _list_tta(results: list[RunResult]) -> list[Score | None]:
    return [result.best.test_tta for result in results if result.best]


def _find_writer(results: list[RunResult]) -> Callable[[float], str]:
    """Return how the figures of these runs are written: as percentages, or as errors."""
    return format_error if any(one.objective == "reconstruction" for one in results) else format_percent


def _write_interval(score: Score) -> str:
    if isinstance(score, Metrics):
        return format_interval(score.interval)
    return f"{format_error(score.interval.low)} to {format_error(score.interval.high)}"


def _make_row(name: str, recipe: Recipe, folder: RunFolder) -> tuple[str, ...]:
    result = folder.read_result()
    if result is None or result.best is None:
        history = folder.read_history()
        state = result.status if result else "unfinished"
        accuracies = [one.validation_accuracy for one in history if one.validation_accuracy is not None]
        losses = [one.validation_loss for one in history]
        reached = (
            format_percent(max(accuracies)) if accuracies else format_error(min(losses)) if losses else ""
        )
        return (
            name,
            state,
            recipe.model.name,
            f"({len(history)})",
            reached,
            "",
            "",
            _write_looks(folder),
            "",
        )
    test, write = result.best.test, _find_writer([result])
    return (
        name,
        result.status,
        recipe.model.name,
        str(result.best.epoch),
        write(figure_of(result.best.validation)),
        write(figure_of(test)) + _write_tta(result.best.test_tta) if test else "locked",
        _write_interval(test) if test else "",
        _write_looks(folder),
        format_duration(result.seconds),
    )


def _write_looks(*folders: RunFolder) -> str:
    """Return how often runs looked at the test set; a missing record is no zero."""
    counts = [count_own_looks(folder) for folder in folders if folder.path.is_dir()]
    known = [count for count in counts if count is not None]
    return str(sum(known)) if len(known) == len(counts) else "unknown"


def _make_series_row(
    name: str, recipe: Recipe, results: list[RunResult | None], folders: list[RunFolder]
) -> tuple[str, ...]:
    finished = [result for result in results if result is not None and result.status == "finished"]
    state = "finished" if len(finished) == len(results) else f"{len(finished)} of {len(results)} seeds"
    summary = _summarise(finished)
    validation = [figure_of(result.best.validation) for result in finished if result.best]
    write = _find_writer(finished)
    interval = summary.interval if summary else None
    return (
        name,
        state,
        recipe.model.name,
        "",
        write(fmean(validation)) if validation else "",
        write(summary.mean) + _write_tta(*_list_tta(finished)) if summary else "",
        f"mean: {write(interval.low)} to {write(interval.high)}" if interval else "",
        _write_looks(*folders),
        format_duration(sum(result.seconds for result in finished)),
    )
