"""Looks at test sets on this machine, counted by what is in them: over runs, folders and copies of the data.

A line of JSON a look, in the user's state folder. `LOUPE_LEDGER` names another file, or turns it off ("off").
"""

import hashlib
import json
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

VARIABLE = "LOUPE_LEDGER"
_OFF = ("off", "none", "no", "0", "")
_MOST_BYTES = 256 * 2**20


@dataclass(frozen=True)
class Looks:
    """Looks at one test set.

    Args:
        count: of them.
        num_recipes: different recipes that took them.
        runs: where they were taken, with how many.
    """

    count: int
    num_recipes: int
    runs: dict[str, int]


def find_ledger() -> Path | None:
    """Return the file of the ledger; None if it is turned off, or there is no home to keep it in."""
    named = os.environ.get(VARIABLE)
    if named is not None:
        return None if named.strip().casefold() in _OFF else Path(named).absolute()
    state = os.environ.get("XDG_STATE_HOME")
    try:
        place = Path(state) if state else Path.home() / ".local" / "state"
    except RuntimeError:
        return None
    return place / "loupe" / "looks.jsonl"


def note_look(content: str, *, reason: str, at: str, recipe: str = "", run: str = "") -> bool:
    """Add a look to the ledger, and return whether it stands there.

    Args:
        content: of the test set, from `digest_content`.
        reason: what the look is for.
        at: when, UTC, ISO 8601.
        recipe: digest of what looks; empty where it is no recipe.
        run: folder of the run; empty where it is none.
    """
    path = find_ledger()
    if path is None:
        return False
    line = (
        json.dumps({"test": content, "at": at, "recipe": recipe, "run": run, "reason": reason[:500]}) + "\n"
    )
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
    flags |= getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, flags, 0o600)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                return False
            os.write(descriptor, line.encode())  # one write: lines of several processes do not mix
        finally:
            os.close(descriptor)
    except OSError:
        return False
    return True


def count_looks(content: str) -> Looks | None:
    """Return the looks at a test set on this machine; None where nobody knows: turned off, or unreadable."""
    path = find_ledger()
    if path is None:
        return None
    try:
        status = path.lstat()
    except OSError:
        return None
    key = (str(path), status.st_mtime_ns, status.st_size, status.st_ino)
    if _kept.get("key") != key:
        found = _read(path)
        if found is None:
            return None
        _kept.update(key=key, looks=found, summed={})
    looks, summed = _kept["looks"], _kept["summed"]
    assert isinstance(looks, dict)
    assert isinstance(summed, dict)
    if content not in summed:  # a table of runs asks for each of them
        summed[content] = _sum_up(looks.get(content, []))
    found_looks: Looks = summed[content]
    return found_looks


def _sum_up(listed: list[tuple[str, str]]) -> Looks:
    runs: dict[str, int] = {}
    for _, run in listed:
        runs[run] = runs.get(run, 0) + 1
    return Looks(len(listed), len({recipe for recipe, _ in listed}), runs)


_kept: dict[str, object] = {}


def _read(path: Path) -> dict[str, list[tuple[str, str]]] | None:
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0))
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                return None
            content = file.read(_MOST_BYTES)
    except OSError:
        return None
    looks: dict[str, list[tuple[str, str]]] = {}
    for test, recipe, run in _read_lines(content):
        looks.setdefault(test, []).append((recipe, run))
    return looks


def _read_lines(content: bytes) -> Iterator[tuple[str, str, str]]:
    """Yield test set, recipe and run of each line; a torn or damaged one counts as nothing."""
    for line in content.splitlines():
        try:
            values = json.loads(line)
            test, recipe, run = (values[name] for name in ("test", "recipe", "run"))
        except (ValueError, KeyError, TypeError, RecursionError):
            continue
        if isinstance(test, str) and isinstance(recipe, str) and isinstance(run, str):
            yield test, recipe, run


def digest_words(text: str) -> str:
    """Return a short digest of what describes a recipe."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]
