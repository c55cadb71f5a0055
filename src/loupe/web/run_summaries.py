"""A run, or a series of seeds, in the few figures that a table of runs has."""

import math
from collections.abc import Sequence

from loupe.errors import LoupeError, UnknownNameError
from loupe.metrics import Metric, MetricValue
from loupe.models import objective_of
from loupe.recipe import Recipe
from loupe.runs import Outcome, RunFolder
from loupe.runs.looks import count_own_looks, describe_looks
from loupe.runs.metric_values import find_metric, headline_of_history
from loupe.statistics import Interval, summarise_seeds
from loupe.training import EpochRecord
from loupe.web.run_answers import Figure, MetricAnswer, Objective, Over, RunSummary, Status

_CURVE_POINTS = 60


def list_seeds(folder: RunFolder) -> list[RunFolder]:
    """Return the runs of a series that have begun, by seed; none of a single run."""
    places = [file.parent for file in folder.path.glob("seed-*/environment.json")]
    places = [path for path in places if not path.is_symlink()]  # which may lead out of the folder
    return [RunFolder(path) for path in sorted(places, key=lambda path: (len(path.name), path.name))]


def summarise_run(folder: RunFolder, identifier: str, *, is_running: bool) -> RunSummary:
    """Return a run in a few figures, as its files say.

    Raises:
        LoupeError: one of them is damaged.
    """
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


def summarise_series(folder: RunFolder, identifier: str, seeds: list[RunSummary]) -> RunSummary:
    """Return a series in a few figures: means over the seeds that have finished.

    Raises:
        LoupeError: its recipe is damaged.
    """
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
