"""The rows of a run's history: one an epoch, as text and back."""

import csv
import io
from collections.abc import Sequence
from dataclasses import fields
from typing import get_args

from loupe.training.epoch_record import EPOCH_COLUMNS, METRIC_PREFIX, EpochRecord

_MAY_BE_LEFT_OUT = {one.name for one in fields(EpochRecord) if type(None) in get_args(one.type)}


def write_records(history: Sequence[EpochRecord]) -> str:
    """Return the epochs as CSV, with a column for each further metric that one of them has."""
    text, rows = io.StringIO(), [record.to_row() for record in history]
    columns = dict.fromkeys([*EPOCH_COLUMNS, *(name for row in rows for name in row)])
    writer = csv.DictWriter(text, list(columns), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def read_record(row: dict[str, str]) -> EpochRecord:
    """Return the epoch of a row.

    Raises:
        KeyError, ValueError: it is none.
    """
    more = set(row) - set(EPOCH_COLUMNS)
    if not set(EPOCH_COLUMNS) <= set(row) or not all(str(name).startswith(METRIC_PREFIX) for name in more):
        raise ValueError(f"columns {', '.join(map(str, row))}")
    values = {name: float(text) if text else None for name, text in row.items() if name != "epoch"}
    metrics = {name.removeprefix(METRIC_PREFIX): values.pop(name) for name in row if name in more}
    missing = [name for name, value in values.items() if value is None and name not in _MAY_BE_LEFT_OUT]
    if missing:
        raise ValueError(f"no {missing[0]} in epoch {row['epoch']}")
    epoch = int(row["epoch"])
    return EpochRecord(epoch, **values, validation_metrics=metrics)  # type: ignore[arg-type]  # None where allowed
