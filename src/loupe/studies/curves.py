"""Learning curves of a study: for each place, every arm's losses over the epochs, averaged over its seeds."""

from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

from markupsafe import Markup

from loupe.errors import RunError
from loupe.reports.charts import LineChart, Series, draw_line_chart, name_loss
from loupe.studies.analysis import StudyAnalysis
from loupe.studies.rows import StudyRow, find_run
from loupe.training import EpochRecord

_COLOURS = ("c1", "c2", "c4", "c5", "c3")
_MOST_ARMS = len(_COLOURS)
_MOST_PLACES = 24


def draw_curves(analysis: StudyAnalysis, pool: Path | None) -> list[Markup]:
    """Return a chart for each place: validation loss and, dashed, training loss of each arm.

    Means over seeds, as far as all of an arm's seeds have trained. Nothing for more arms or places than one
    can look at, nor where the run folders are elsewhere.
    """
    label = name_loss(analysis.figure.metric.objective != "reconstruction")
    return [_draw_place(title, label, arms) for title, arms in average_losses(analysis, pool)]


Losses = tuple[list[float], list[float]]
"""Of an arm: validation loss and training loss of each epoch, means over seeds."""


def average_losses(analysis: StudyAnalysis, pool: Path | None) -> list[tuple[str, dict[str, Losses]]]:
    """Return what `draw_curves` draws: for each place its title, and the losses of each arm.

    Args:
        analysis: of the study.
        pool: folder of its run folders; None gives nothing.
    """
    by_place: dict[tuple[str, ...], dict[str, list[StudyRow]]] = {}
    for row in analysis.run_rows:
        if row.is_finished:
            place = tuple(row.at.get(axis, "") for axis in analysis.study.axes)
            by_place.setdefault(place, {}).setdefault(row.arm, []).append(row)
    if pool is None or len(analysis.study.arms) > _MOST_ARMS or len(by_place) > _MOST_PLACES:
        return []
    found = []
    for place, arms in by_place.items():
        names = [f"{axis} {value}" for axis, value in zip(analysis.study.axes, place, strict=True)]
        averaged = {arm: _average(rows, pool) for arm, rows in arms.items()}
        if any(validation for validation, _ in averaged.values()):
            found.append((", ".join(names), averaged))
    return found


def _draw_place(title: str, label: str, averaged: dict[str, Losses]) -> Markup:
    series: list[Series] = []
    longest = max(len(validation) for validation, _ in averaged.values())
    for index, (arm, (validation, train)) in enumerate(averaged.items()):
        colour, rest = _COLOURS[index], [None] * (longest - len(validation))
        series += [
            Series(f"{arm}, validation", [*validation, *rest], colour),
            Series(f"{arm}, training", [*train, *rest], colour, is_dashed=True),
        ]
    epochs = list(range(1, longest + 1))
    return draw_line_chart(LineChart(title or "Losses", label, epochs, series, digits=4))


def _average(rows: Sequence[StudyRow], pool: Path) -> tuple[list[float], list[float]]:
    """Return the mean validation and training loss of each epoch that all seeds have."""
    histories = [history for row in rows if (history := _read_history(row, pool))]
    if len(histories) < len(rows):
        return [], []
    shortest = min(map(len, histories))
    validation = [fmean(one[epoch].validation_loss for one in histories) for epoch in range(shortest)]
    return validation, [fmean(_train_loss(one[epoch]) for one in histories) for epoch in range(shortest)]


def _train_loss(record: EpochRecord) -> float:
    """Return the loss on clean training images where it was measured, else the running one."""
    return record.train_loss if record.clean_train_loss is None else record.clean_train_loss


def _read_history(row: StudyRow, pool: Path) -> list[EpochRecord]:
    run = find_run(pool, row)
    try:
        return run.read_history() if run is not None else []
    except RunError:
        return []
