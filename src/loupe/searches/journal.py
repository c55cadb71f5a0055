"""Optuna's journal of a search: opened, mended where a power cut tore it, refused where it is damaged."""

import json
import os
from pathlib import Path

from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.storages.journal._storage import JournalOperation

from loupe.errors import RunError
from loupe.runs.reading import read_bytes, reading

_MOST_BYTES = 512 * 2**20


ADVICE = "restore it, or remove the last lines: the search goes on from what is left"


def open_journal(file: Path) -> tuple[JournalStorage, str]:
    """Return the storage in a journal, begun anew if there is none, and what was mended; lock the folder.

    A last line that is not whole was never acknowledged, and is taken off: the next one would be written
    behind it, and neither could be read.

    Raises:
        RunError: the journal is damaged.
    """
    mended = ""
    if file.exists() or file.is_symlink():
        with reading(file, ADVICE):
            content = read_bytes(file, _MOST_BYTES)
        torn = content[content.rfind(b"\n") + 1 :]
        if torn:
            os.truncate(file, len(content) - len(torn))
            mended = f"{file}: a last line that was half written was taken off"
        _refuse_damage(file, content[: len(content) - len(torn)])
    with reading(file, ADVICE):
        return JournalStorage(JournalFileBackend(str(file))), mended
    raise AssertionError


def _refuse_damage(file: Path, content: bytes) -> None:
    num_trials = 0
    for number, line in enumerate(content.splitlines(), start=1):
        operation = _read_operation(line, num_trials)
        if operation is None or (number == 1 and operation != JournalOperation.CREATE_STUDY):
            raise RunError(
                f"{file} is damaged.",
                got=f"line {number}: {line[:60].decode('utf-8', 'replace')!r}",
                allowed="the file as Loupe wrote it",
                next_step=f"restore it, or delete the lines from {number} on; the search goes on from there",
            )
        num_trials += operation == JournalOperation.CREATE_TRIAL


def _read_operation(line: bytes, num_trials: int) -> int | None:
    """Return what a line does; None if it is none, or one about a trial that no line before it began."""
    try:
        values = json.loads(line)
        operation = values["op_code"]
        trial = values.get("trial_id")
    except (ValueError, RecursionError, TypeError, KeyError, AttributeError):
        return None
    is_told = trial is None or (type(trial) is int and 0 <= trial < num_trials)
    return operation if type(operation) is int and is_told else None
