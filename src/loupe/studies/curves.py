"""Learning curves of a study: for each place, every arm's losses over the epochs, averaged over its seeds."""

from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

from markupsafe import Markup

from loupe.errors import RunError
from loupe.reports.charts import LineChart, Series, draw_line_chart, name_loss
from loupe.studies.analysis import StudyAnalysis
from loupe.studies.folder import StudyRow, find_run
from loupe.training import EpochRecord

_COLOURS = ("c1", "c2", "c4", "c5", "c3")
_MOST_ARMS = len(_COLOURS)
_MOST_PLACES = 24


def draw_curves(analysis: StudyAnalysis, pool: Path | None) -> list[Markup]:
    """Return a chart for each place: validation loss and, dashed, training loss of each arm.

    Means over seeds, as far as all of an arm's seeds have trained. Nothing for more arms or places than one
    can look at, nor where the run folders are elsewhere.
    """
    by_place: dict[tuple[str, ...], dict[str, list[StudyRow]]] = {}
    for row in analysis.run_rows:
        if row.is_finished:
            place = tuple(row.at.get(axis, "") for axis in analysis.study.axes)
            by_place.setdefault(place, {}).setdefault(row.arm, []).append(row)
    if pool is None or len(analysis.study.arms) > _MOST_ARMS or len(by_place) > _MOST_PLACES:
        return []
    charts = [_draw_place(analysis, place, arms, pool) for place, arms in by_place.items()]
    return [chart for chart in charts if chart is not None]


def _draw_place(
    analysis: StudyAnalysis, place: tuple[str, ...], arms: dict[str, list[StudyRow]], pool: Path
) -> Markup | None:
    series: list[Series] = []
    averaged = {arm: _average(rows, pool) for arm, rows in arms.items()}
    longest = max((len(validation) for validation, _ in averaged.values()), default=0)
    if not longest:
        return None
    for index, (arm, (validation, train)) in enumerate(averaged.items()):
        colour, rest = _COLOURS[index], [None] * (longest - len(validation))
        series += [
            Series(f"{arm}, validation", [*validation, *rest], colour),
            Series(f"{arm}, training", [*train, *rest], colour, is_dashed=True),
        ]
    names = [f"{axis} {value}" for axis, value in zip(analysis.study.axes, place, strict=True)]
    title = ", ".join(names) or "Losses"
    label = name_loss(analysis.figure.metric.objective != "reconstruction")
    return draw_line_chart(LineChart(title, label, list(range(1, longest + 1)), series, digits=4))


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
