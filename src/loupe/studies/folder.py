"""The folder of a study: its description, one row a run, and the pages drawn from them."""

import contextlib
import csv
import io
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any, get_args

from loupe.metrics import describe_metric, headline_of
from loupe.metrics.reported import LOSS
from loupe.runs.kept_recipes import keep_recipes
from loupe.runs.locking import is_locked, locked
from loupe.runs.reading import read_text, reading
from loupe.runs.writing import remove_leftovers, write_text
from loupe.studies.rows import FIGURES, PLACE, SPLITS, StudyRow
from loupe.studies.schema import Study
from loupe.wording import guard_cell, read_guarded_cell

_TYPES = {column.name: column.type for column in fields(StudyRow) if column.name != "metrics"}
_LATER = {column.name for column in fields(StudyRow) if column.default is not MISSING}


class StudyFolder:
    """One study on disk.

    | file          | holds                                                       |
    |---------------|-------------------------------------------------------------|
    | `study.toml`  | the study; `loupe study` takes it as it is                  |
    | `recipes/`    | the recipes it starts from, as they were then               |
    | `results.csv` | one row a run, stages included                              |
    | `table.csv`   | one row an arm and place: mean, std, interval, difference   |
    | `figure.png`  | arms over the axis, or arms side by side, with intervals    |
    | `cost.png`    | the same figure against what the arms cost                  |
    | `report.html` | the report                                                  |
    | `earlier.csv` | finished rows of the study as it was before it was changed; |
    |               | only where there are some                                   |
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.study_file = path / "study.toml"
        self.results_file = path / "results.csv"
        self.earlier_file = path / "earlier.csv"
        self.table_file = path / "table.csv"
        self.figure_file = path / "figure.png"
        self.law_file = path / "learning-curve.png"
        self.cost_file = path / "cost.png"
        self.report_file = path / "report.html"

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from carrying this study out.

        Raises:
            HeldError: another process does.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        with locked(self.path, f"Study {self.path.name} is being carried out by another process."):
            remove_leftovers(self.path, is_deep=False)
            remove_leftovers(self.path / "recipes")
            yield

    def is_under_way(self) -> bool:
        """Return whether a process carries this study out now."""
        return is_locked(self.path / ".lock")

    def write_study(self, study: Study) -> None:
        """Write the study and the recipes it starts from, as they are now.

        Raises:
            LoupeError: a recipe cannot be read.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        names = keep_recipes(self.path, study.list_recipes())
        write_text(self.study_file, study.rename_recipes(names.__getitem__).to_toml())

    def write_earlier(self, rows: Sequence[StudyRow]) -> None:
        """Keep rows that are none of the study's any more, for when it is changed back."""
        if rows:
            self._write_rows(self.earlier_file, rows, ())

    def write_results(self, rows: Sequence[StudyRow], axes: Sequence[str]) -> None:
        """Write a row a run; each axis has a column, named `at <axis>` if its name is a column's."""
        self._write_rows(self.results_file, rows, axes)

    def _write_rows(self, file: Path, rows: Sequence[StudyRow], axes: Sequence[str]) -> None:
        further = dict.fromkeys(column for row in rows for column in row.metrics)
        places = [*PLACE[:2], *(_name_column(axis) for axis in axes), *PLACE[3:6]]
        columns = [*places, *FIGURES, *further, "key"]
        lines = []
        for row in rows:
            values = {
                **vars(row),
                **row.metrics,
                **{_name_column(axis): value for axis, value in row.at.items()},
            }
            lines.append({name: _write(values.get(name)) for name in columns})
        self.write_table(file, columns, lines)

    def write_table(self, file: Path, columns: Sequence[str], rows: Iterable[Mapping[str, str]]) -> None:
        """Write rows of text as CSV, atomically; no cell begins a formula where a spreadsheet opens it."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(map(guard_cell, columns))
        writer.writerows([guard_cell(row[name]) for name in columns] for row in rows)
        write_text(file, text.getvalue(), durable=False)

    def read_results(self, axes: Sequence[str] = ()) -> list[StudyRow]:
        """Return the rows so far; an empty list before the first.

        Args:
            axes: of the study; other columns that are no field of a row are left out.

        Raises:
            RunError: the file cannot be read.
        """
        return self.read_rows(self.results_file, axes) if self.results_file.exists() else []

    @staticmethod
    def read_rows(file: Path, axes: Sequence[str]) -> list[StudyRow]:
        """Return the rows of any `results.csv`.

        Raises:
            RunError: the file is not there, or cannot be read.
        """
        advice = "restore it, or name another"
        if file.name == "results.csv":
            advice = "restore it, or delete it: runs whose folders are there are found again"
        with reading(file, advice):
            lines = csv.reader(io.StringIO(read_text(file.resolve())))
            columns = [read_guarded_cell(cell) for cell in next(lines, [])]
            missing = {*_TYPES} - _LATER - {"at", *columns}
            if missing:
                raise ValueError(f"no column {', '.join(sorted(missing))}")
            return [_read_row(_name_cells(columns, line), axes) for line in lines if line]


def _name_column(axis: str) -> str:
    return f"at {axis}" if axis in _TYPES or axis.startswith(_METRIC_PREFIXES) else axis


def _write(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.9g}"
    return "" if value is None else str(value)


def _name_cells(columns: Sequence[str], line: Sequence[str]) -> dict[str, str]:
    if len(line) != len(columns):
        raise ValueError(f"a line of {len(line)} cells, for {len(columns)} columns")
    return {name: read_guarded_cell(cell) for name, cell in zip(columns, line, strict=True)}


def _read_row(row: Mapping[str, str], axes: Sequence[str]) -> StudyRow:
    def read(name: str) -> Any:
        text, kind = row[name], _TYPES[name]
        if text == "" and name not in ("stage", "arm"):
            return None
        kinds = get_args(kind) or (kind,)
        return int(text) if int in kinds else float(text) if float in kinds else text

    at = {axis: row[_name_column(axis)] for axis in axes if row.get(_name_column(axis))}
    found = {name: read(name) for name in _TYPES if name != "at" and (name in row or name not in _LATER)}
    further = {name: text for name, text in row.items() if name not in _TYPES and _is_metric(name, text)}
    metrics = {name: float(text) if text else None for name, text in further.items()}
    for name, value in {**found, **metrics}.items():
        if isinstance(value, float) and not math.isfinite(value) and found["status"] == "finished":
            raise ValueError(f"{name} {value}")
    for split in ("train", *SPLITS):
        for metric in (headline_of("classification"), describe_metric(LOSS)):
            value, bounds = found[f"{split}_{metric.name}"], metric.bounds
            if value is not None and math.isfinite(value) and not bounds["low"] <= value <= bounds["high"]:
                raise ValueError(f"{split}_{metric.name} {value}")
    return StudyRow(at=at, metrics=metrics, **found)


_METRIC_PREFIXES = tuple(f"{split}_" for split in SPLITS)


def _is_metric(column: object, text: object) -> bool:
    """Return whether a column is a further metric's: another table may have columns of its own."""
    return isinstance(column, str) and isinstance(text, str) and column.startswith(_METRIC_PREFIXES)
