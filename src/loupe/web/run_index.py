"""The runs of one folder: found by identifiers that cannot leave it, summed up, read again if changed."""

import math
from collections.abc import Mapping
from pathlib import Path
from threading import Lock

from loupe.data.ledger import find_ledger
from loupe.errors import LoupeError, RunError, suggest
from loupe.models import objective_of
from loupe.recipe import Recipe
from loupe.reports.compared_run import figure_of
from loupe.runs import RunFolder, is_run_folder, list_run_folders, read_tags
from loupe.runs.looks import count_own_looks, describe_looks
from loupe.runs.result import Score
from loupe.statistics import summarise_seeds
from loupe.training import EpochRecord
from loupe.web.folder_index import is_file_name
from loupe.web.run_answers import Figure, Objective, RunSummary, Status

_SEPARATOR = ":"  # between a series and its seed; in no file name of any system
_ELSEWHERE = "@"  # before the name of a place of runs that is not the folder itself
_CURVE_POINTS = 60


class RunIndex:
    """The runs in a folder, and those of studies and searches in places of their own.

    Args:
        parent: the folder; it may not be there yet.
        places: further places by name. A run there is `@NAME:FOLDER:…`, and is found but not listed.
    """

    def __init__(self, parent: Path, places: Mapping[str, Path] | None = None) -> None:
        self.parent = parent
        self.places = dict(places or {})
        self._known: dict[Path, tuple[object, RunSummary]] = {}
        self._lock = Lock()

    def find(self, identifier: str) -> RunFolder:
        """Return the run, series or seed with an identifier.

        Raises:
            RunError: there is none in this folder.
        """
        base, parts, most = self.parent, identifier.split(_SEPARATOR), 2
        if parts[0].startswith(_ELSEWHERE) and parts[0][1:] in self.places:
            base, parts, most = self.places[parts[0][1:]], parts[1:], 3
        if 0 < len(parts) <= most and all(map(is_file_name, parts)):
            path = base.joinpath(*parts)
            if is_run_folder(path) and path.resolve().is_relative_to(base.resolve()):
                return RunFolder(path)
        names = [folder.name for folder in list_run_folders(self.parent)]
        raise RunError(
            f"There is no run {identifier[:80]!r}.",
            got=identifier[:80],
            allowed=", ".join(names[-8:]) or "no run yet",
            nearest=suggest(identifier, names),
            next_step="GET /api/runs lists the runs",
        )

    def find_single(self, identifier: str) -> RunFolder:
        """Return the run with one network that has an identifier.

        Raises:
            RunError: there is none, or it is a series of seeds.
        """
        folder = self.find(identifier)
        seeds = list_seeds(folder)
        if seeds and not folder.environment_file.exists():
            raise RunError(
                f"{identifier} is a series of seeds: as many networks.",
                got=identifier,
                allowed=", ".join(f"{identifier}{_SEPARATOR}{seed.path.name}" for seed in seeds),
                next_step="name one of its seeds",
            )
        return folder

    def name(self, folder: RunFolder) -> str:
        """Return the identifier of a run, series or seed of this folder or of one of the other places."""
        for name, place in self.places.items():
            if folder.path.is_relative_to(place):
                return _SEPARATOR.join([_ELSEWHERE + name, *folder.path.relative_to(place).parts])
        return _SEPARATOR.join(folder.path.relative_to(self.parent).parts)

    def list_all(self) -> list[RunSummary]:
        """Return all runs, newest first."""
        tags = self._read_tags()
        inside = self.parent.resolve()
        paths = [path for path in list_run_folders(self.parent) if path.resolve().is_relative_to(inside)]
        summaries = [self.summarise(RunFolder(path), tags) for path in paths]
        return sorted(summaries, key=lambda one: -one.started)

    def summarise(self, folder: RunFolder, tags: dict[str, list[str]] | None = None) -> RunSummary:
        """Return a run, or a series with its seeds, in a few figures; what is damaged is said, not raised."""
        identifier = self.name(folder)
        tags = self._read_tags() if tags is None else tags
        seeds = list_seeds(folder)
        try:
            if seeds:
                summary = _summarise_series(folder, identifier, [self.summarise(one, tags) for one in seeds])
            else:
                summary = self._summarise_run(folder, identifier)
        except LoupeError as error:
            summary = RunSummary(
                id=identifier, name=folder.path.name, kind="run", status="damaged", problem=error.message
            )
        return summary.model_copy(update={"tags": tags.get(identifier, [])})

    def _summarise_run(self, folder: RunFolder, identifier: str) -> RunSummary:
        files = (folder.recipe_file, folder.history_file, folder.result_file, folder.best_file)
        is_running = folder.is_being_trained()
        more = (folder.progress_file, folder.openings_file, find_ledger() or folder.path)
        now = (is_running, *map(stamp, (*files, *more)))
        with self._lock:
            before = self._known.get(folder.path)
        if before is not None and before[0] == now:
            return before[1]
        summary = _summarise_run(folder, identifier, is_running=is_running)
        with self._lock:
            self._known[folder.path] = now, summary
        return summary

    def _read_tags(self) -> dict[str, list[str]]:
        try:
            return read_tags(self.parent)
        except RunError:  # a damaged file of tags is worth no table of runs
            return {}


def stamp(path: Path) -> tuple[int, int] | None:
    """Return what changes when a file does; None if there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size


def list_seeds(folder: RunFolder) -> list[RunFolder]:
    """Return the runs of a series that have begun, by seed; none of a single run."""
    places = [file.parent for file in folder.path.glob("seed-*/environment.json")]
    return [RunFolder(path) for path in sorted(places, key=lambda path: (len(path.name), path.name))]


def _summarise_run(folder: RunFolder, identifier: str, *, is_running: bool) -> RunSummary:
    recipe, history, result = folder.read_recipe(), folder.read_history(), folder.read_result()
    progress = folder.read_progress() if is_running else None
    objective: Objective = result.objective if result else find_objective(recipe)
    status: Status = "running" if is_running else result.status if result else "unfinished"
    best = result.best if result is not None and not is_running else None
    return RunSummary(
        id=identifier,
        name=folder.path.name,
        kind="run",
        status=status,
        recipe=recipe.name,
        about=recipe.about,
        objective=objective,
        model=recipe.model.name,
        data=recipe.data.name,
        seed=recipe.run.seed,
        started=folder.environment_file.stat().st_mtime,
        epoch=len(history),
        num_epochs=recipe.train.epochs,
        best_epoch=best.epoch if best else _find_best_epoch(history, recipe),
        share=progress.share if progress else None,
        seconds=sum(record.seconds for record in history),
        seconds_left=progress.seconds_left if progress else None,
        validation=_make_figure(best.validation) if best else _find_reached(history, recipe),
        test=_make_figure(best.test) if best and best.test else None,
        test_looks=count_own_looks(folder),
        looks=describe_looks([folder]),
        parameters=result.parameters if result else None,
        has_weights=folder.best_file.exists(),
        curve=_thin_out(history),
        problem=(result.reason or "") if result and not is_running else "",
    )


def find_objective(recipe: Recipe) -> Objective:
    """Return what a recipe's network is for; a classifier where the model's plugin is not loaded."""
    try:
        return objective_of(recipe.model.name)
    except LoupeError:
        return "classification"


def _find_best_epoch(history: list[EpochRecord], recipe: Recipe) -> int | None:
    if not history:
        return None
    if recipe.evaluate.select_by == "accuracy" and history[0].validation_accuracy is not None:
        return max(history, key=lambda one: one.validation_accuracy or 0).epoch
    return min(history, key=lambda one: one.validation_loss).epoch


def _find_reached(history: list[EpochRecord], recipe: Recipe) -> Figure | None:
    epoch = _find_best_epoch(history, recipe)
    if epoch is None:
        return None
    record = history[epoch - 1]
    accuracy = record.validation_accuracy
    value = record.validation_loss if accuracy is None else accuracy
    if not math.isfinite(value):
        return None
    return Figure(value=value, low=None, high=None, over="images")


def _make_figure(score: Score) -> Figure:
    interval = score.interval
    return Figure(value=figure_of(score), low=interval.low, high=interval.high, over="images")


def _thin_out(history: list[EpochRecord]) -> list[float]:
    values = [
        value
        for one in history
        if math.isfinite(
            value := one.validation_loss if one.validation_accuracy is None else one.validation_accuracy
        )
    ]
    if len(values) <= _CURVE_POINTS:
        return values
    last = len(values) - 1
    return [values[round(place * last / (_CURVE_POINTS - 1))] for place in range(_CURVE_POINTS)]


def _summarise_series(folder: RunFolder, identifier: str, seeds: list[RunSummary]) -> RunSummary:
    recipe = folder.read_recipe()
    wanted, running = len(recipe.run.seeds or seeds), [seed for seed in seeds if seed.status == "running"]
    finished = [seed for seed in seeds if seed.status == "finished"]
    if running:
        status: Status = "running"
    elif len(finished) == wanted:
        status = "finished"
    else:
        status = "failed" if any(seed.status == "failed" for seed in seeds) else "unfinished"
    left = (running[0].seconds_left or 0) if running else None
    if left is not None and finished:  # those not begun take as long as those that ended
        left += (wanted - len(seeds)) * sum(seed.seconds for seed in finished) / len(finished)
    done = len(finished) + sum(seed.share or 0 for seed in running)
    confidence, is_classifier = recipe.evaluate.confidence, seeds[0].objective == "classification"
    return RunSummary(
        id=identifier,
        name=folder.path.name,
        kind="series",
        status=status,
        recipe=recipe.name,
        about=recipe.about,
        objective=seeds[0].objective,
        model=recipe.model.name,
        data=recipe.data.name,
        started=min(seed.started for seed in seeds),
        epoch=len(finished),
        num_epochs=wanted,
        share=done / max(1, wanted) if running else None,
        seconds=sum(seed.seconds for seed in seeds),
        seconds_left=left if finished or wanted == len(seeds) else None,
        validation=_average([seed.validation for seed in finished], confidence, is_classifier=is_classifier),
        test=_average([seed.test for seed in finished], confidence, is_classifier=is_classifier),
        test_looks=None
        if any(seed.test_looks is None for seed in seeds)
        else sum(seed.test_looks or 0 for seed in seeds),
        looks=describe_looks(list_seeds(folder)),
        parameters=next((seed.parameters for seed in finished), None),
        seeds=seeds,
        curve=max((seed.curve for seed in seeds), key=lambda curve: len(curve)),
    )


def _average(figures: list[Figure | None], confidence: float, *, is_classifier: bool) -> Figure | None:
    values = [figure.value for figure in figures if figure is not None]
    if not values or len(values) < len(figures):
        return None
    summary = summarise_seeds(values, confidence, low=0, high=1 if is_classifier else math.inf)
    interval = summary.interval
    return Figure(
        value=summary.mean,
        low=interval.low if interval else None,
        high=interval.high if interval else None,
        over="seeds",
    )
