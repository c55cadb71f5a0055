"""The folder of a study: its description, one row a run, and the pages drawn from them."""

import contextlib
import csv
import io
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any, get_args

from loupe.metrics import describe_metric, headline_of
from loupe.metrics.reported import LOSS
from loupe.runs.folder import RunFolder
from loupe.runs.kept_recipes import keep_recipes
from loupe.runs.locking import is_locked, locked
from loupe.runs.metric_values import Split, find_value
from loupe.runs.reading import read_text, reading
from loupe.runs.result import RunResult, Status
from loupe.runs.writing import remove_leftovers, write_text
from loupe.statistics import Interval, compute_wilson_interval
from loupe.studies.schema import Study
from loupe.wording import guard_cell, read_guarded_cell


@dataclass(frozen=True)
class StudyRow:
    """One run of a study, as it stands in `results.csv`.

    A field that comes later gets a default and stands last: tables without its column are read as before.

    Losses are negative log likelihoods in nats, or mean squared errors per pixel of an autoencoder; figures
    are those of the weights of the best epoch on validation.

    Args:
        stage: stage of the study; empty for the arms.
        arm: arm of the study; empty for a stage.
        at: value names by axis.
        seed: the run's seed.
        status: how the run ended.
        reason: why it is not finished, if it is not.
        best_epoch: epoch whose weights were kept.
        epochs: epochs trained.
        train_accuracy: on clean training images after the best epoch, in [0, 1].
        num_train: training images.
        seconds: training and validation of all epochs.
        key: names what determines the run's numbers.
        metrics: further metrics, by split and name: "test_macro_f1"; None where one is not defined.
        multiply_adds: of one image's forward pass; None where that is not on record.
    """

    stage: str
    arm: str
    at: Mapping[str, str]
    seed: int
    status: Status
    reason: str | None
    best_epoch: int | None
    epochs: int | None
    train_accuracy: float | None
    train_loss: float | None
    validation_accuracy: float | None
    validation_loss: float | None
    test_accuracy: float | None
    test_loss: float | None
    num_train: int | None
    num_test: int | None
    parameters: int | None
    seconds: float | None
    key: str
    metrics: Mapping[str, float | None] = field(default_factory=dict)
    multiply_adds: int | None = None

    @property
    def is_finished(self) -> bool:
        return self.status == "finished"

    def judge_images(self, level: float) -> Interval | None:
        """Return Wilson's interval of the test accuracy over the test images; None without either."""
        if self.test_accuracy is None or not self.num_test:
            return None
        return compute_wilson_interval(round(self.test_accuracy * self.num_test), self.num_test, level)

    def value(self, column: str) -> float | None:
        """Return a figure by its column: "test_loss", "best_epoch", "test_macro_f1"; None without one."""
        value = self.metrics[column] if column in self.metrics else getattr(self, column, None)
        return None if value is None else float(value)


def find_run(pool: Path | None, row: StudyRow) -> RunFolder | None:
    """Return the folder of a run of a study, if it is in the pool of run folders."""
    found = next(iter(pool.glob(f"*-{row.key}")), None) if pool is not None else None
    return RunFolder(found) if found is not None else None


def make_row(
    run: RunFolder,
    *,
    stage: str,
    arm: str,
    at: Mapping[str, str],
    seed: int,
    key: str,
    failure: str = "",
    further: Sequence[str] = (),
) -> StudyRow:
    """Return the row of a run, from its folder.

    Args:
        failure: why there is no result, if the run broke down before it had one.
        further: metrics that the row is to have, whether the run's recipe names them or not.
    """
    result = run.read_result() if run.path.is_dir() else None
    figures = read_figures(result, run) if result is not None else {}
    return StudyRow(
        stage=stage,
        arm=arm,
        at=dict(at),
        seed=seed,
        status=result.status if result is not None else "failed",
        reason=(result.reason if result is not None else failure) or None,
        key=key,
        **{name: figures.get(name) for name in _FIGURES},
        metrics=read_further(result, run, further) if result is not None else {},
    )


def read_figures(result: RunResult, run: RunFolder) -> dict[str, Any]:
    """Return the figures of a run by the names they have in a `StudyRow`."""
    figures: dict[str, Any] = {
        "num_train": result.num_images["train"],
        "num_test": result.num_images["test"],
        "parameters": result.parameters,
        "multiply_adds": result.multiply_adds,
        "seconds": result.seconds,
    }
    if result.best is None:
        return figures
    history = run.read_history()
    record = next((one for one in history if one.epoch == result.best.epoch), None)
    figures |= {"best_epoch": result.best.epoch, "epochs": len(history)}
    if record is not None:
        figures |= {"train_accuracy": record.clean_train_accuracy, "train_loss": record.clean_train_loss}
    for split, score in (("validation", result.best.validation), ("test", result.best.test)):
        for one in (score.headline, score.reported_loss) if score is not None else ():
            figures[f"{split}_{one.metric.name}"] = one.value
    return figures


def read_further(result: RunResult, run: RunFolder, names: Sequence[str] = ()) -> dict[str, float | None]:
    """Return further metrics of a run by column: those its recipe names, and others computed if need be.

    Raises:
        LoupeError: there is no such metric.
    """
    named = result.best.validation.metrics if result.best is not None else {}
    found = {}
    for name in dict.fromkeys([*named, *names]):
        for split in _SPLITS:
            value = find_value(run, result, split, name)
            column = f"{split}_{name}"
            if value is not None and column not in _TYPES:
                found[column] = value.value
    return found


_SPLITS: tuple[Split, ...] = ("validation", "test")
_PLACE = ("stage", "arm", "at", "seed", "status", "reason", "key", "metrics")
_FIGURES = tuple(column.name for column in fields(StudyRow) if column.name not in _PLACE)
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
        places = [*_PLACE[:2], *(_name_column(axis) for axis in axes), *_PLACE[3:6]]
        columns = [*places, *_FIGURES, *further, "key"]
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
    for split in ("train", *_SPLITS):
        for metric in (headline_of("classification"), describe_metric(LOSS)):
            value, bounds = found[f"{split}_{metric.name}"], metric.bounds
            if value is not None and math.isfinite(value) and not bounds["low"] <= value <= bounds["high"]:
                raise ValueError(f"{split}_{metric.name} {value}")
    return StudyRow(at=at, metrics=metrics, **found)


_METRIC_PREFIXES = tuple(f"{split}_" for split in _SPLITS)


def _is_metric(column: object, text: object) -> bool:
    """Return whether a column is a further metric's: another table may have columns of its own."""
    return isinstance(column, str) and isinstance(text, str) and column.startswith(_METRIC_PREFIXES)
