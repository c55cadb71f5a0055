"""The folder of a search: its description, its journal, a row a trial, a row a fresh run."""

import contextlib
import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal, get_args

from loupe.runs.folder import RunFolder
from loupe.runs.kept_recipes import keep_recipes
from loupe.runs.locking import is_locked, locked
from loupe.runs.metric_values import find_value
from loupe.runs.reading import read_table, reading
from loupe.runs.writing import remove_leftovers, write_text
from loupe.searches.schema import Search
from loupe.statistics import Interval
from loupe.studies.rows import read_figures, read_further

TrialStatus = Literal["finished", "pruned", "failed", "under way"]


@dataclass(frozen=True)
class TrialRow:
    """One trial of a search, as it stands in `trials.csv`.

    Args:
        number: from 0, in the order they were started.
        status: how it ended.
        score: what is sought, of the weights of the best epoch, on validation; of a pruned trial what it had
            reached.
        best_epoch: epoch whose weights were kept.
        epochs: epochs trained.
        seconds: training and validation of all epochs.
        started: UTC, ISO 8601.
        ended: UTC, ISO 8601.
        reason: why it is not finished, if it is not.
        settings: what it tried, by field; those that do not apply are left out.
        low, high: ends of the score's interval over validation images; None where none is on record.
        parameters: numbers in the network.
        multiply_adds: of one image's forward pass.
    """

    number: int
    status: TrialStatus
    score: float | None
    best_epoch: int | None
    epochs: int | None
    seconds: float | None
    started: str
    ended: str
    reason: str
    settings: Mapping[str, Any]
    low: float | None = None
    high: float | None = None
    parameters: int | None = None
    multiply_adds: int | None = None


@dataclass(frozen=True)
class FreshRow:
    """A run of one of the best trials' settings with a seed the search has not used, as in `fresh.csv`.

    Args:
        rank: of the trial by the search's score, from 1.
        number: of the trial.
        score: on validation, of the weights of the best epoch; None if the run failed.
    """

    rank: int
    number: int
    seed: int
    status: str
    reason: str
    score: float | None
    validation_accuracy: float | None
    validation_loss: float | None
    test_accuracy: float | None
    test_loss: float | None
    seconds: float | None
    test_score: float | None = None


class SearchFolder:
    """One search on disk.

    | file          | holds                                                               |
    |---------------|---------------------------------------------------------------------|
    | `search.toml` | the search; `loupe search` takes it as it is                        |
    | `recipes/`    | the recipe it starts from, as it was then                           |
    | `journal.log` | what was asked and told, line by line; a killed search goes on from |
    | `trials/`     | a run folder a trial                                                |
    | `fresh/`      | run folders of the best few with fresh seeds                        |
    | `trials.csv`  | one row a trial, its settings among the columns                     |
    | `fresh.csv`   | one row a fresh run                                                 |
    | `winner.toml` | the winner as a recipe                                              |
    | `figure.png`  | the search over time, importance, slices                            |
    | `cost.png`    | scores against what the trials' networks cost                       |
    | `report.html` | the report                                                          |
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.search_file = path / "search.toml"
        self.journal_file = path / "journal.log"
        self.trials_file = path / "trials.csv"
        self.fresh_file = path / "fresh.csv"
        self.winner_file = path / "winner.toml"
        self.figure_file = path / "figure.png"
        self.cost_file = path / "cost.png"
        self.report_file = path / "report.html"

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from searching in this folder.

        Raises:
            HeldError: another process does.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        with locked(self.path, f"Search {self.path.name} is being carried out by another process."):
            remove_leftovers(self.path, is_deep=False)
            remove_leftovers(self.path / "recipes")
            yield

    def is_under_way(self) -> bool:
        """Return whether a process searches in this folder now."""
        return is_locked(self.path / ".lock")

    def trial(self, number: int) -> RunFolder:
        """Return the run folder of a trial."""
        return RunFolder(self.path / "trials" / f"{number:04d}")

    def list_trials(self) -> Iterator[RunFolder]:
        """Yield the run folders of the trials, oldest first."""
        for path in sorted((self.path / "trials").glob("*")):
            yield RunFolder(path)

    def fresh(self, number: int, seed: int) -> RunFolder:
        """Return the run folder of a trial's settings with a fresh seed."""
        return RunFolder(self.path / "fresh" / f"{number:04d}-seed-{seed}")

    def write_search(self, search: Search) -> None:
        """Write the search and the recipe it starts from, as it is now.

        Raises:
            LoupeError: the recipe cannot be read.
        """
        (name,) = keep_recipes(self.path, [search.recipe]).values()
        write_text(self.search_file, search.model_copy(update={"recipe": name}).to_toml())

    def write_winner(self, text: str) -> None:
        write_text(self.winner_file, text)

    def write_trials(self, rows: Sequence[TrialRow], settings: Sequence[str]) -> None:
        """Write a row a trial; each parameter is a column, empty where it does not apply."""
        names = [one.name for one in fields(TrialRow) if one.name not in ("settings", "reason")]
        lines = [{**vars(row), **row.settings} for row in rows]
        _write_table(self.trials_file, [*names, *settings, "reason"], lines)

    def write_fresh(self, rows: Sequence[FreshRow]) -> None:
        _write_table(self.fresh_file, [one.name for one in fields(FreshRow)], [vars(row) for row in rows])

    def read_trials(self, read_setting: Callable[[str, str], Any]) -> list[TrialRow]:
        """Return the trials so far; an empty list before the first.

        Args:
            read_setting: returns a setting from its field and its text.

        Raises:
            RunError: the file cannot be read.
        """
        places = [one.name for one in fields(TrialRow) if one.name != "settings"]
        rows = []
        with reading(self.trials_file):
            for row in _read_table(self.trials_file):
                tried = {field: text for field, text in row.items() if field not in places and text}
                settings = {field: read_setting(field, text) for field, text in tried.items()}
                rows.append(TrialRow(**_read_fields(TrialRow, row), settings=settings))
        return rows

    def read_fresh(self) -> list[FreshRow]:
        """Return the fresh runs so far; an empty list before the first.

        Raises:
            RunError: the file cannot be read.
        """
        with reading(self.fresh_file):
            return [FreshRow(**_read_fields(FreshRow, row)) for row in _read_table(self.fresh_file)]


def read_run(run: RunFolder) -> dict[str, Any]:
    """Return the figures of a run by column, and its status and reason; empty before it has a result."""
    result = run.read_result() if run.path.is_dir() else None
    if result is None:
        return {}
    figures = {**read_figures(result, run), **read_further(result, run)}
    return {**figures, "status": result.status, "reason": result.reason or ""}


def find_interval(run: RunFolder, metric: str) -> Interval | None:
    """Return the interval of a run's validation score over images; None where none is on record."""
    result = run.read_result()
    value = find_value(run, result, "validation", metric) if result is not None else None
    return value.interval if value is not None else None


def _write_table(file: Path, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    writer.writerows({name: _write(row.get(name)) for name in columns} for row in rows)
    write_text(file, text.getvalue(), durable=False)


def _read_table(file: Path) -> list[dict[str, str]]:
    if not file.exists():
        return []
    return read_table(file)


def _read_fields(kind: type[TrialRow] | type[FreshRow], row: Mapping[str, str]) -> dict[str, Any]:
    """Return the typed fields of a row of text; where a field may be missing, an empty text is none."""
    values: dict[str, Any] = {}
    for one in fields(kind):
        if one.name == "settings":
            continue
        kinds, text = get_args(one.type) or (one.type,), row.get(one.name, "")
        if text == "" and type(None) in kinds:
            values[one.name] = None
        else:
            values[one.name] = int(text) if int in kinds else float(text) if float in kinds else text
    return values


def _write(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.9g}"
    return "" if value is None else str(value)
