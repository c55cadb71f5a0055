"""Optuna's journal of a search: opened, mended where a power cut tore it, refused where it is damaged."""

import json
from pathlib import Path

from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from loupe.errors import RunError


def open_journal(file: Path) -> JournalStorage:
    """Return the storage in a journal, begun anew if there is none; the search's folder is locked.

    A last line that is not whole was never acknowledged, and is taken off: the next one would be written
    behind it, and neither could be read.

    Raises:
        RunError: the journal is damaged.
    """
    if file.exists():
        _take_off_torn_line(file)
        _refuse_damage(file)
    return JournalStorage(JournalFileBackend(str(file)))


def _take_off_torn_line(file: Path) -> None:
    with file.open("r+b") as journal:
        text = journal.read()
        whole = text.rfind(b"\n") + 1
        if whole < len(text):
            journal.truncate(whole)


def _refuse_damage(file: Path) -> None:
    for number, line in enumerate(file.read_bytes().splitlines(), start=1):
        try:
            is_entry = isinstance(json.loads(line), dict)
        except (ValueError, RecursionError):
            is_entry = False
        if not is_entry:
            raise RunError(
                f"{file} is damaged.",
                got=f"line {number}: {line[:60].decode('utf-8', 'replace')!r}",
                allowed="the file as Loupe wrote it",
                next_step=f"restore it, or delete the lines from {number} on; the search goes on from there",
            )
