"""Rows of a user's CSV file, read with a bound."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from loupe.errors import describe_cause


def read_csv_rows(path: Path, most_mebibytes: int) -> tuple[Sequence[str], list[dict[str, str]]]:
    """Return the columns of a CSV file (UTF-8), and its rows by column.

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
        rows = csv.DictReader(io.StringIO(content.decode("utf-8-sig")), strict=True)
        return rows.fieldnames or (), list(rows)
    except (OSError, ValueError, csv.Error) as error:
        raise ValueError(describe_cause(error)) from None
