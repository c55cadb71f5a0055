"""The curves of many runs in one CSV file, for a spreadsheet, pandas or R."""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from filelock import FileLock
from pydantic import Field

from loupe.runs.reading import read_text, reading
from loupe.runs.writing import open_to_append, write_text
from loupe.trackers import Location, TrackedRun, Tracker, register_tracker

_OF_THE_RUN = ("run", "folder", "seed", "epoch")
_PATIENCE_SECONDS = 60.0  # for another process to have written its row
_MOST_BYTES = 512 * 2**20


@dataclass(frozen=True)
class _Table:
    """What the file holds.

    Args:
        header: its columns.
        rows: by column.
        is_whole: whether a row can be written behind it.
        torn: what a killed process left of a row.
    """

    header: list[str]
    rows: list[dict[str, str]]
    is_whole: bool
    torn: str = ""


@register_tracker("csv")
class CsvTable(Tracker):
    """One CSV file with a row for every epoch of every run that names it; runs may write at the same time.

    A run's own `history.csv` holds its curves alone; this file gathers those of a study or a search, with the
    columns `run`, `folder`, `seed` and `epoch` before them. A run is known by its folder: one that is
    resumed, or trained anew in the same folder, replaces its rows. A column that a run lacks is left empty.
    A file that is no such table is left as it is.
    """

    def __init__(
        self,
        path: Annotated[Location, Field(description="The file; made if it is not there.")] = "curves.csv",
        columns: Annotated[
            tuple[str, ...], Field(description="Columns of history.csv to write; all of them if empty.")
        ] = (),
    ) -> None:
        self._file = Path(path)
        self._columns = columns
        self._run: dict[str, str] = {}
        self._say: Callable[[str], None] = lambda said: None

    def start(self, run: TrackedRun) -> None:
        folder = str(run.folder.resolve())
        self._run = {"run": run.name, "folder": folder, "seed": str(run.recipe["run"]["seed"])}
        self._say = run.say
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with self._locked():
            table = self._read()
            self._write(table.header, [row for row in table.rows if row["folder"] != folder])

    def log_epoch(self, epoch: int, values: Mapping[str, float]) -> None:
        chosen = self._columns or tuple(values)
        row = {**self._run, "epoch": str(epoch)}
        row |= {name: repr(values[name]) for name in chosen if name in values}
        with self._locked():
            table = self._read()
            new = [name for name in row if name not in table.header]
            if new or not table.is_whole:
                self._write([*table.header, *new], [*table.rows, row])
            else:
                with open_to_append(self._file) as file:
                    csv.DictWriter(file, table.header, restval="", lineterminator="\n").writerow(row)

    def _locked(self) -> FileLock:
        return FileLock(f"{self._file}.lock", timeout=_PATIENCE_SECONDS)

    def _read(self) -> _Table:
        """Return what the file holds, an empty table if there is none yet.

        Raises:
            RunError: it is no table of curves, or was damaged: to write it anew would lose what it holds.
        """
        if not self._file.exists() and not self._file.is_symlink():
            return _Table(list(_OF_THE_RUN), [], is_whole=False)
        with reading(self._file, "name another file (run.trackers), or restore this one"):
            table = _read_table(read_text(self._file, _MOST_BYTES))
        if table.torn:
            self._say(f"{self._file}: a last line that was half written was taken off ({table.torn[:60]!r})")
        return table

    def _write(self, header: Sequence[str], rows: Sequence[Mapping[str, str]]) -> None:
        text = io.StringIO()
        writer = csv.DictWriter(text, header, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        write_text(self._file, text.getvalue(), durable=False)


def _read_table(text: str) -> _Table:
    """Return the rows of a table; a last line without its end is one that a killed process left half written.

    Raises:
        ValueError: columns are missing or there twice, or a row has too few or too many cells.
    """
    begun = ",".join(_OF_THE_RUN)
    if "\n" not in text and begun.startswith(text[: len(begun)]):
        return _Table(list(_OF_THE_RUN), [], is_whole=False, torn=text)
    whole = text[: text.rfind("\n") + 1]
    header, *rows = list(csv.reader(io.StringIO(whole), strict=True)) or [[]]
    missing = [name for name in _OF_THE_RUN if name not in header]
    if missing:
        raise ValueError(f"no column {', '.join(missing)}")
    if len(set(header)) < len(header):
        raise ValueError("a column that is there twice")
    for number, row in enumerate(rows, start=2):
        if len(row) != len(header):
            raise ValueError(f"row {number} has {len(row)} cells, and there are {len(header)} columns")
    torn = text[len(whole) :]
    return _Table(header, [dict(zip(header, row, strict=True)) for row in rows], not torn, torn)
