"""Rows of a user's CSV file, read with a bound."""

import csv
from collections.abc import Sequence
from pathlib import Path

from loupe.data.readers.tables import parse_table
from loupe.errors import describe_cause


def read_csv_rows(path: Path, most_mebibytes: int) -> tuple[Sequence[str], list[dict[str, str]]]:
    """Return the columns of a CSV file (UTF-8), and its rows by column; cells that a row lacks are empty.

    Between cells stand commas, or semicolons, tabs or bars as spreadsheets save it (`readers/tables.py`).

    Args:
        path: the file.
        most_mebibytes: larger ones are refused.

    Raises:
        ValueError: it is no regular file, too large, no UTF-8 or no CSV; the text says which.
    """
    try:
        if path.exists() and not path.is_file():  # a pipe would be waited for
            raise ValueError("not a file")
        with path.open("rb") as file:
            content = file.read(most_mebibytes * 2**20 + 1)
        if len(content) > most_mebibytes * 2**20:
            raise ValueError(f"more than {most_mebibytes} MiB")
        header, rows = parse_table(content)
        cells = [row + [""] * (len(header) - len(row)) for _, row in rows]
        return header, [dict(zip(header, row, strict=False)) for row in cells]
    except (OSError, ValueError, csv.Error) as error:
        raise ValueError(describe_cause(error)) from None
