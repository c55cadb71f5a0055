"""What a study found, as tables: arms and places with intervals and differences, and their settings."""

import math
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

from loupe.publishing.report_figure import join_sentences
from loupe.publishing.study_figures import describe_runs
from loupe.publishing.table import Cell, ReportColumn, ReportTable
from loupe.statistics import Interval, arms
from loupe.studies.analysis import StudyAnalysis
from loupe.studies.folder import StudyFolder
from loupe.studies.report import describe_changes, write_p_value
from loupe.studies.wording import name_cell, tell_shared_seeds


def tabulate_study(analysis: StudyAnalysis, folder: StudyFolder) -> ReportTable:
    """Return a row for each arm and place: mean with interval, spread, difference, what follows."""
    metric, level = analysis.figure.metric, 100 * analysis.study.confidence
    unit, digits = ("%", 2) if metric.is_percent else (metric.unit, None)
    change = "times" if analysis.is_ratio else metric.difference_unit
    columns = (
        ReportColumn("arm"),
        ReportColumn("seeds"),
        ReportColumn(_ON_VALIDATION, unit, digits),
        ReportColumn(f"mean {analysis.figure.name}", unit, digits, has_interval=True),
        ReportColumn("std over seeds", metric.difference_unit, None if digits is None else 2),
        ReportColumn(
            "difference", change, None if analysis.is_ratio or digits is None else 2, has_interval=True
        ),
        ReportColumn("p"),
        ReportColumn("what follows"),
    )
    rows = tuple(_make_row(analysis, cell) for cell in analysis.cells)
    of_reference = f"Differences are from {analysis.reference}" if analysis.reference else ""
    kept = tuple(
        place
        for place, column in enumerate(columns)
        if (column.heading not in _COMPARED or any(row[place] not in ("", None) for row in rows))
        and (column.heading != _ON_VALIDATION or analysis.figure.split != "validation")
    )
    judged = {columns[place].heading for place in kept} & set(_JUDGED)
    sentences = [
        f"Means over seeds with {level:g} % intervals of the mean in brackets",
        of_reference,
        ""
        if judged or not analysis.reference
        else "Rows are judged one by one only where arms differ on the whole",
        tell_shared_seeds(analysis).rstrip("."),
        describe_runs(analysis, folder),
    ]
    return ReportTable(
        "study",
        join_sentences(sentences),
        tuple(columns[place] for place in kept),
        tuple(tuple(row[place] for place in kept) for row in rows),
    )


_ON_VALIDATION = "mean on validation"
"""Beside another figure; it is left out where the figure compared is validation's own."""
_JUDGED = ("p", "what follows")
_COMPARED = ("difference", *_JUDGED)


def _make_row(analysis: StudyAnalysis, cell: arms.Cell) -> tuple[Cell, ...]:
    summary, difference = cell.summary, cell.difference
    factor = 100 if analysis.figure.metric.is_percent else 1
    change: Cell = None
    if difference is not None:
        ends = difference.interval
        change = (
            _as_change(difference.mean, analysis, factor),
            Interval(_as_change(ends.low, analysis, factor), _as_change(ends.high, analysis, factor))
            if ends is not None
            else None,
        )
    return (
        name_cell(analysis, cell),
        summary.num_seeds,
        analysis.validation_mean(cell),
        (summary.mean, summary.interval),
        None if summary.std is None else factor * summary.std,
        change,
        "" if difference is None else write_p_value(difference.p_value),
        "" if difference is None or difference.conclusion == "not looked at" else difference.conclusion,
    )


def _as_change(value: float, analysis: StudyAnalysis, factor: int) -> float:
    return math.exp(min(value, 700.0)) if analysis.is_ratio else factor * value


def tabulate_arms(analysis: StudyAnalysis) -> ReportTable:
    """Return what makes each part of the study: a row a part, with its settings."""
    columns = (ReportColumn("part"), ReportColumn("settings"))
    rows = tuple(
        (heading, "; ".join(_list_settings(tomllib.loads(changes))) or "as the recipe says")
        for heading, changes in describe_changes(analysis.whole)
    )
    return ReportTable("arms", f"Settings of the study; recipe {analysis.whole.recipe_name}.", columns, rows)


def _list_settings(changes: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """Yield each setting with its value, a part with its own: "train.optimizer = sgd (momentum 0)"."""
    for name, value in changes.items():
        if isinstance(value, Mapping) and "name" not in value:
            yield from _list_settings(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name} = {_write_setting(value)}"


def _write_setting(value: Any) -> str:
    if isinstance(value, Mapping):
        own = [f"{name} {_write_setting(one)}" for name, one in value.items() if name != "name"]
        return f"{value['name']} ({', '.join(own)})" if own else str(value["name"])
    if isinstance(value, list):
        return ", ".join(map(_write_setting, value)) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)
