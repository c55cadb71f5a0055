"""A table for a report: words, numbers, numbers with intervals; written as Markdown or CSV."""

import csv
import io
import math
from collections.abc import Iterator
from dataclasses import dataclass

from loupe.metrics.metric import write_number
from loupe.statistics import Interval
from loupe.wording import guard_cell

Cell = str | int | float | None | tuple[float, Interval | None]


@dataclass(frozen=True)
class ReportColumn:
    """A column: its heading, unit, and digits behind the point.

    Args:
        heading: what is in it.
        unit: in brackets behind the heading; "%" for shares, which are written times 100; "" for none.
        digits: behind the point; None writes three significant digits.
        has_interval: whether cells are pairs of a value and its interval.
    """

    heading: str
    unit: str = ""
    digits: int | None = None
    has_interval: bool = False

    @property
    def label(self) -> str:
        """Heading and unit: "accuracy (%)"."""
        return f"{self.heading} ({self.unit})" if self.unit else self.heading

    def write(self, value: float | int | str | None) -> str:
        """Return a value as text, without its unit; "–" for what is not defined."""
        if value is None or (isinstance(value, float) and math.isnan(value)):
            return "–"
        if isinstance(value, str):
            return value
        if isinstance(value, int) and self.unit != "%":
            return f"{value:,}"
        number = 100 * value if self.unit == "%" else float(value)
        return f"{number:.{self.digits}f}" if self.digits is not None else write_number(number).rstrip(".")

    def write_cell(self, cell: Cell) -> str:
        """Return a cell as one text, with its interval in square brackets: "97.5 [95.3, 98.7]"."""
        if not isinstance(cell, tuple):
            return self.write(cell)
        value, interval = cell
        if interval is None:
            return self.write(value)
        return f"{self.write(value)} [{self.write(interval.low)}, {self.write(interval.high)}]"


@dataclass(frozen=True)
class ReportTable:
    """A table.

    Args:
        name: part of its file's name and label: "results".
        caption: one or more sentences.
        columns: one a cell of each row.
        rows: cells; None is undefined, not 0.
        num_totals: rows at the end that sum up those above.
    """

    name: str
    caption: str
    columns: tuple[ReportColumn, ...]
    rows: tuple[tuple[Cell, ...], ...]
    num_totals: int = 0

    def write_rows(self) -> list[list[str]]:
        """Return the cells as text."""
        return [
            [column.write_cell(cell) for column, cell in zip(self.columns, row, strict=True)]
            for row in self.rows
        ]

    def to_frame(self) -> object:
        """Return the table as a pandas DataFrame; a value with an interval takes three columns.

        Raises:
            ImportError: pandas is not installed.
        """
        import pandas as pd  # type: ignore[import-untyped]  # there only where the user has it

        return pd.DataFrame([list(row) for row in self._spread_rows()], columns=self._spread_headings())

    def __str__(self) -> str:
        return write_markdown(self)

    def _repr_html_(self) -> str:
        from loupe.markup import render_table

        numbers = [index for index, _ in enumerate(self.columns) if self.is_number(index)]
        return render_table([one.label for one in self.columns], self.write_rows(), numbers, self.caption)

    def is_number(self, index: int) -> bool:
        """Return whether a column holds numbers, and no word."""
        cells = [row[index] for row in self.rows if row[index] is not None]
        return bool(cells) and not any(isinstance(cell, str) for cell in cells)

    def _spread_headings(self) -> list[str]:
        return [
            label
            for one in self.columns
            for label in (
                [one.label, f"{one.label} low", f"{one.label} high"] if one.has_interval else [one.label]
            )
        ]

    def _spread_rows(self) -> Iterator[list[str | int | float | None]]:
        """Yield each row with values and ends of intervals in columns of their own, in the column's unit."""
        for row in self.rows:
            spread: list[str | int | float | None] = []
            for column, cell in zip(self.columns, row, strict=True):
                value, interval = cell if isinstance(cell, tuple) else (cell, None)
                values = [value]
                if column.has_interval:
                    values += [interval.low if interval else None, interval.high if interval else None]
                spread += [_scale(one, column.unit) for one in values]
            yield spread


def write_csv(table: ReportTable) -> str:
    """Return the table as CSV: all digits, ends of intervals in columns of their own, no cell a formula."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(map(guard_cell, table._spread_headings()))
    for row in table._spread_rows():
        writer.writerow(guard_cell(_write_plainly(one)) for one in row)
    return text.getvalue()


def write_markdown(table: ReportTable) -> str:
    """Return the table as Markdown, its caption in bold above."""
    numbers = [table.is_number(index) for index in range(len(table.columns))]
    rule = ["---:" if one else "---" for one in numbers]
    lines = [[column.label for column in table.columns], rule, *table.write_rows()]
    rows = [f"| {' | '.join(_escape_markdown(cell) for cell in line)} |" for line in lines]
    return "\n".join([f"**Table.** {table.caption}", "", *rows, ""])


def _escape_markdown(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("|", r"\|").replace("\n", " ")
    return escaped.replace("<", "&lt;").replace("*", r"\*").replace("`", r"\`")


def _scale(value: str | int | float | None, unit: str) -> str | int | float | None:
    is_share = unit == "%" and isinstance(value, int | float)
    return 100 * value if is_share and value is not None and not isinstance(value, str) else value


def _write_plainly(value: str | int | float | None) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return f"{value:.9g}" if isinstance(value, float) else str(value)
