"""Runs side by side: found, checked that they can be compared, and handed to the page."""

from collections.abc import Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path

from loupe.data import ImageDataset
from loupe.errors import LoupeError, RunError
from loupe.evaluations import Looks
from loupe.reports.compared_run import ComparedRun, describe_series, find_shared, list_single
from loupe.reports.comparison import write_comparison
from loupe.running.recipe_data import load_validation_images
from loupe.runs import RunFolder, RunResult, SeriesFolder, find_run_folder
from loupe.runs.plugins import load_run_plugins
from loupe.using.compare_pairs import compare_pairs
from loupe.using.evaluation_setup import MARGIN


def compare_runs(
    places: Sequence[str | PathLike[str]],
    out: Path = Path("comparison.html"),
    *,
    margin: float = MARGIN,
    data: Path | None = None,
) -> Path:
    """Write a page that compares runs, and return its path.

    Args:
        places: two or more run folders, or names in runs/; a series of seeds counts as one.
        out: the HTML file.
        margin: points of accuracy that would not matter: whether a run is worse by no more is said.
        data: where the images lie now; where they were if left out.

    Raises:
        RunError: fewer than two runs, one named twice, one without a result, or runs that are judged by
            different figures.
    """
    runs = read_compared(places)
    if len(runs) < 2:
        raise RunError(
            "A comparison needs two runs or more.",
            got=", ".join(map(str, places)) or "no run",
            allowed="two or more run folders, or names in runs/",
            next_step="loupe compare RUN RUN; `loupe list` shows the runs",
        )
    _refuse_what_cannot_be_compared(runs)
    out.parent.mkdir(parents=True, exist_ok=True)
    images, why_not = _find_images(runs, data)
    pairs = compare_pairs(runs, images, margin, data) if runs[0].is_classifier else Looks()
    write_comparison(out, runs, images, why_not, pairs)
    return out


def read_compared(places: Sequence[str | PathLike[str]]) -> list[ComparedRun]:
    """Return runs, or series of seeds, with their results, each under a name of its own.

    Raises:
        RunError: there is no such run, or it has no result yet.
    """
    runs = [_read(place) for place in places]
    names = [run.name for run in runs]
    return [replace(run, shares_name=names.count(run.name) > 1) for run in runs]


def _read(place: str | PathLike[str]) -> ComparedRun:
    path = find_run_folder(place)
    recipe = RunFolder(path).read_recipe()
    folders = [RunFolder(path)]
    if recipe.run.seeds:
        folders = [RunFolder(path / f"seed-{seed}") for seed in recipe.run.seeds]
    found = [(folder, result) for folder in folders if (result := _read_judged(folder)) is not None]
    if not found:
        raise RunError(
            f"Run {path.name} has no result to compare.",
            got="no epoch judged yet",
            allowed="a run that has ended, or was interrupted after an epoch",
            next_step=(SeriesFolder if recipe.run.seeds else RunFolder)(path).advise(),
        )
    kept, results = zip(*found, strict=True)
    return ComparedRun(path, recipe, tuple(kept), tuple(results), is_series=bool(recipe.run.seeds))


def _read_judged(folder: RunFolder) -> RunResult | None:
    result = folder.read_result() if folder.path.is_dir() else None
    return result if result is not None and result.best is not None else None


def _refuse_what_cannot_be_compared(runs: Sequence[ComparedRun]) -> None:
    paths = [run.path.resolve() for run in runs]
    for run in runs:
        if paths.count(run.path.resolve()) > 1:
            raise RunError(
                f"Run {run.name} is named twice.",
                got=", ".join(one.name for one in runs),
                allowed="each run once",
                next_step="name another run; `loupe list` shows them",
            )
    objectives = {run.name: run.results[0].objective for run in runs}
    if len(set(objectives.values())) > 1:
        raise RunError(
            "Runs that name classes cannot be compared with runs that give images back.",
            got=", ".join(f"{name}: {objective}" for name, objective in objectives.items()),
            allowed="runs judged by the same figure: all accuracies, or all errors",
            next_step="compare runs of one kind",
        )


def _find_images(runs: Sequence[ComparedRun], data: Path | None) -> tuple[ImageDataset | None, str]:
    """Return the validation images the runs share; None, and why, if they cannot be shown."""
    if not runs[0].is_classifier:
        return None, ""
    single = list_single(runs)
    reason = describe_series(runs) if len(single) < 2 else find_shared(single, "validation")
    if reason:  # some may be shared all the same: the tests are of these
        return None, f"{reason} Pictures are shown of runs that share all of them."
    run = single[0].folders[0]
    try:
        load_run_plugins(run)
        return load_validation_images(run, data), ""
    except LoupeError as error:
        return None, f"The images cannot be shown: {error.message}"
