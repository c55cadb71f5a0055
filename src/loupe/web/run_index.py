"""The runs of one folder: found by identifiers that cannot leave it, summed up, read again if changed."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from urllib.parse import quote

from loupe.data.ledger import find_ledger
from loupe.errors import LoupeError, RunError, UnknownNameError, suggest
from loupe.metrics import Metric, MetricValue
from loupe.models import objective_of
from loupe.recipe import Recipe
from loupe.runs import Outcome, RunFolder, is_run_folder, list_run_folders, read_tags
from loupe.runs.looks import count_own_looks, describe_known_looks, describe_looks, read_test_content
from loupe.runs.metric_values import find_metric, headline_of_history
from loupe.statistics import Interval, summarise_seeds
from loupe.training import EpochRecord
from loupe.web.folder_index import is_file_name
from loupe.web.run_answers import Figure, MetricAnswer, Objective, Over, RunSummary, Status

_SEPARATOR = ":"  # between a series and its seed; in no file name of any system
_ELSEWHERE = "@"  # before the name of a place of runs that is not the folder itself
_CURVE_POINTS = 60


@dataclass(frozen=True)
class _Known:
    """A run as it was read last: what changes when its files do, when the ledger does, and what it is."""

    stamp: object
    ledger: object
    test_content: str | None
    summary: RunSummary


class RunIndex:
    """The runs in a folder, and those of studies and searches in places of their own.

    Args:
        parent: the folder; it may not be there yet.
        places: further places by name. A run there is `@NAME:FOLDER:…`, and is found but not listed.
    """

    def __init__(self, parent: Path, places: Mapping[str, Path] | None = None) -> None:
        self.parent = parent
        self.places = dict(places or {})
        self._known: dict[Path, _Known] = {}
        self._listed: list[RunSummary] = []
        self._version = 0
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

    def address(self, folder: RunFolder) -> str:
        """Return the page's address of a run, "" where its folder is not on this disk."""
        return f"#/run/{quote(self.name(folder), safe='')}" if is_run_folder(folder.path) else ""

    def list_all(self) -> list[RunSummary]:
        """Return all runs, newest first."""
        return self.list_version()[0]

    def list_version(self) -> tuple[list[RunSummary], int]:
        """Return all runs, newest first, and a number that is another whenever what they say is."""
        tags = self._read_tags()
        inside = self.parent.resolve()
        paths = [path for path in list_run_folders(self.parent) if path.resolve().is_relative_to(inside)]
        summaries = [self.summarise(RunFolder(path), tags) for path in paths]
        listed = sorted(summaries, key=lambda one: -one.started)
        with self._lock:
            if listed != self._listed:
                self._listed, self._version = listed, self._version + 1
            return listed, self._version

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
        now = (is_running, *map(stamp, (*files, folder.progress_file, folder.openings_file)))
        ledger = stamp(find_ledger() or folder.path)
        with self._lock:
            before = self._known.get(folder.path)
        if before is not None and (before.stamp, before.ledger) == (now, ledger):
            return before.summary
        if (
            before is not None and before.stamp == now
        ):  # others looked at a test set: no file of this run changed
            content, summary = before.test_content, before.summary
        else:
            content = read_test_content(folder)
            summary = _summarise_run(folder, identifier, is_running=is_running)
        looks = describe_known_looks([summary.test_looks], [content])
        if looks != summary.looks:
            summary = summary.model_copy(update={"looks": looks})
        with self._lock:
            self._known[folder.path] = _Known(now, ledger, content, summary)
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
    places = [path for path in places if not path.is_symlink()]  # which may lead out of the folder
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
        best_epoch=best.epoch if best else _find_best_epoch(folder, history, recipe),
        share=progress.share if progress else None,
        seconds=sum(record.seconds for record in history),
        seconds_left=progress.seconds_left if progress else None,
        validation=_make_figure(best.validation.headline) if best else _find_reached(folder, history, recipe),
        test=_make_figure(best.test.headline) if best and best.test else None,
        metrics=_list_further(best) if best else {},
        test_looks=count_own_looks(folder),
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


def _find_best_epoch(folder: RunFolder, history: list[EpochRecord], recipe: Recipe) -> int | None:
    if not history:
        return None
    name = recipe.evaluate.select_by
    try:
        metric = find_metric(name, [folder])
    except UnknownNameError:  # a plugin's, which is not loaded
        return None
    values = {one.epoch: value for one in history if (value := one.validation_of(name)) is not None}
    return (max if metric.is_higher_better else min)(values, key=lambda epoch: values[epoch], default=None)


def _find_reached(folder: RunFolder, history: list[EpochRecord], recipe: Recipe) -> Figure | None:
    epoch = _find_best_epoch(folder, history, recipe)
    if epoch is None:
        return None
    metric = headline_of_history(history)
    value = history[epoch - 1].validation_of(metric.name)
    if value is None or not math.isfinite(value):
        return None
    return _make_figure(MetricValue(metric, value))


def _make_figure(value: MetricValue, over: Over = "images") -> Figure:
    metric, interval = value.metric, value.interval
    return Figure(
        value=value.value,
        low=interval.low if interval is not None else None,
        high=interval.high if interval is not None else None,
        over=over,
        metric=describe_metric(metric),
        text=metric.write(value.value) or "not defined",
        interval=metric.write_interval(interval),
    )


def describe_metric(metric: Metric) -> MetricAnswer:
    """Return a metric as the interface answers it."""
    return MetricAnswer(**{name: getattr(metric, name) for name in MetricAnswer.model_fields})


def _list_further(best: Outcome) -> dict[str, dict[str, Figure]]:
    scores = {"validation": best.validation, "test": best.test}
    return {
        split: {name: _make_figure(value) for name, value in score.metrics.items()}
        for split, score in scores.items()
        if score is not None and score.metrics
    }


def _thin_out(history: list[EpochRecord]) -> list[float]:
    name = headline_of_history(history).name
    reached = [one.validation_of(name) for one in history]
    values = [value for value in reached if value is not None and math.isfinite(value)]
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
    confidence = recipe.evaluate.confidence
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
        validation=_average([seed.validation for seed in finished], confidence),
        test=_average([seed.test for seed in finished], confidence),
        metrics=_average_further(finished, confidence),
        test_looks=None
        if any(seed.test_looks is None for seed in seeds)
        else sum(seed.test_looks or 0 for seed in seeds),
        looks=describe_looks(list_seeds(folder)),
        parameters=next((seed.parameters for seed in finished), None),
        seeds=seeds,
        curve=max((seed.curve for seed in seeds), key=lambda curve: len(curve)),
    )


def _average(figures: Sequence[Figure | None], confidence: float) -> Figure | None:
    found = [figure for figure in figures if figure is not None and figure.value is not None]
    if not found or len(found) < len(figures):
        return None
    metric = Metric(**found[0].metric.model_dump(), objective=None)
    values = [figure.value for figure in found if figure.value is not None]
    over_images = [
        Interval(figure.low, figure.high) if figure.low is not None and figure.high is not None else None
        for figure in found
    ]
    summary = summarise_seeds(values, confidence, over_images=over_images, **metric.bounds)
    over: Over = "images and seeds" if summary.counts_images else "seeds"
    return _make_figure(MetricValue(metric, summary.mean, summary.interval), over)


def _average_further(seeds: Sequence[RunSummary], confidence: float) -> dict[str, dict[str, Figure]]:
    """Return the further metrics over the finished seeds, by split and name."""
    averages: dict[str, dict[str, Figure]] = {}
    for split, of_first in (seeds[0].metrics if seeds else {}).items():
        for name in of_first:
            mean = _average([seed.metrics.get(split, {}).get(name) for seed in seeds], confidence)
            if mean is not None:
                averages.setdefault(split, {})[name] = mean
    return averages
