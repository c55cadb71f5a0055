"""The curves of many runs in one CSV file, for a spreadsheet, pandas or R."""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

from filelock import FileLock
from pydantic import Field

from loupe.runs.writing import write_text
from loupe.trackers import Location, TrackedRun, Tracker, register_tracker

_OF_THE_RUN = ("run", "folder", "seed", "epoch")
_PATIENCE_SECONDS = 60.0  # for another process to have written its row


@register_tracker("csv")
class CsvTable(Tracker):
    """One CSV file with a row for every epoch of every run that names it; runs may write at the same time.

    A run's own `history.csv` holds its curves alone; this file gathers those of a study or a search, with the
    columns `run`, `folder`, `seed` and `epoch` before them. A run is known by its folder: one that is
    resumed, or trained anew in the same folder, replaces its rows. A column that a run lacks is left empty.
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

    def start(self, run: TrackedRun) -> None:
        folder = str(run.folder.resolve())
        self._run = {"run": run.name, "folder": folder, "seed": str(run.recipe["run"]["seed"])}
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with self._locked():
            others = [row for row in self._read_rows() if row.get("folder") != folder]
            self._write(self._read_header(), others)

    def log_epoch(self, epoch: int, values: Mapping[str, float]) -> None:
        chosen = self._columns or tuple(values)
        row = {**self._run, "epoch": str(epoch)}
        row |= {name: repr(values[name]) for name in chosen if name in values}
        with self._locked():
            header = self._read_header()
            new = [name for name in row if name not in header]
            if new or not self._ends_with_a_line():
                self._write([*header, *new], [*self._read_rows(), row])
            else:
                with self._file.open("a", newline="", encoding="utf-8") as file:
                    csv.DictWriter(file, header, restval="", lineterminator="\n").writerow(row)

    def _locked(self) -> FileLock:
        return FileLock(f"{self._file}.lock", timeout=_PATIENCE_SECONDS)

    def _read_header(self) -> list[str]:
        if not self._file.exists():
            return list(_OF_THE_RUN)
        with self._file.open(newline="", encoding="utf-8") as file:
            return next(csv.reader(file), list(_OF_THE_RUN))

    def _read_rows(self) -> list[dict[str, str]]:
        """Return the whole rows; one that a killed process left half written is not whole."""
        if not self._file.exists():
            return []
        with self._file.open(newline="", encoding="utf-8") as file:
            header, *rows = list(csv.reader(file)) or [[]]
        return [dict(zip(header, row, strict=True)) for row in rows if len(row) == len(header)]

    def _ends_with_a_line(self) -> bool:
        with self._file.open("rb") as file:
            return file.seek(0, io.SEEK_END) > 0 and file.seek(-1, io.SEEK_END) >= 0 and file.read() == b"\n"

    def _write(self, header: Sequence[str], rows: Sequence[Mapping[str, str]]) -> None:
        text = io.StringIO()
        writer = csv.DictWriter(text, header, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        write_text(self._file, text.getvalue(), durable=False)
