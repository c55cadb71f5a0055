"""Words that people put on runs, kept in one file beside the run folders."""

import contextlib
import json
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from loupe.errors import HeldError, LoupeError
from loupe.runs.locking import holding_lock
from loupe.runs.reading import read_text, reading
from loupe.runs.writing import write_json
from loupe.wording import shorten_name

_FILE, _LOCK = "tags.json", ".tags.lock"
_PATIENCE = 10.0  # seconds; a write that waits for the disk takes a few hundredths
MOST_TAGS, LONGEST_TAG = 12, 32
TAG = rf"[^\W_][\w .+#=-]{{0,{LONGEST_TAG - 1}}}"
_ALLOWED = (
    f"up to {MOST_TAGS} tags of 1 to {LONGEST_TAG} letters, digits, blanks and . + # = _ - "
    "with a letter or digit first"
)


def read_tags(parent: Path) -> dict[str, list[str]]:
    """Return the tags of the runs in `parent`, by run; runs without any are left out.

    Raises:
        RunError: the file is damaged.
    """
    path = parent / _FILE
    if not path.exists():
        return {}
    with reading(path, "mend or delete the file"):
        values = json.loads(read_text(path))
        return {str(run): [str(tag) for tag in tags] for run, tags in values.items()}


def write_tags(parent: Path, run: str, tags: Sequence[str]) -> list[str]:
    """Put tags on a run in place of those it had, and return them: without blanks around, each once.

    Other processes may write at the same time; none loses what another wrote of other runs.

    Raises:
        LoupeError: a tag that is no tag, or too many.
        BlockingIOError: somebody else keeps the file locked.
    """
    cleaned = _clean(tags)
    return _change(parent, run, lambda before: cleaned)


def change_tags(parent: Path, run: str, *, add: Sequence[str] = (), remove: Sequence[str] = ()) -> list[str]:
    """Take tags from a run, put others on it behind those it keeps, and return all it has then.

    Others may change the same run at the same time; no change is lost. A tag that is to be removed and is not
    there is passed over.

    Raises:
        LoupeError: a tag to add that is no tag, or too many.
        HeldError: somebody else keeps the file locked.
    """
    added, gone = _clean(add), {" ".join(tag.split()) for tag in remove}

    def change(before: Sequence[str]) -> list[str]:
        after = list(dict.fromkeys([*(tag for tag in before if tag not in gone), *added]))
        if added:
            _refuse_too_many(after)
        return after

    return _change(parent, run, change)


def _clean(tags: Sequence[str]) -> list[str]:
    """Return tags without blanks around, each once; a `LoupeError` if one is none, or they are too many."""
    cleaned = list(dict.fromkeys(" ".join(tag.split()) for tag in tags))
    wrong = [tag for tag in cleaned if not re.fullmatch(TAG, tag)]
    if wrong:
        raise LoupeError(
            f"{shorten_name(wrong[0], 60)!r} is no tag.",
            got=shorten_name(wrong[0], 60),
            allowed=_ALLOWED,
            next_step="choose a shorter, plainer word",
        )
    _refuse_too_many(cleaned)
    return cleaned


def _refuse_too_many(tags: Sequence[str]) -> None:
    if len(tags) > MOST_TAGS:
        raise LoupeError(
            "These are too many tags for one run.",
            got=f"{len(tags)} tags",
            allowed=_ALLOWED,
            next_step="take some away",
        )


@contextlib.contextmanager
def _locked(parent: Path) -> Iterator[None]:
    """Hold the lock of a folder's tags; others, who hold it for the length of a write, are waited for."""
    with contextlib.ExitStack() as held:
        try:
            held.enter_context(holding_lock(parent / _LOCK, patience=_PATIENCE))
        except BlockingIOError:
            raise HeldError(
                "The tags are being written by another process.",
                got=f"a lock held for more than {_PATIENCE:g} seconds, {parent / _LOCK}",
                allowed="one process at a time",
                next_step="try again",
            ) from None
        yield


def _change(parent: Path, run: str, change: Callable[[Sequence[str]], list[str]]) -> list[str]:
    """Write what a change makes of a run's tags, and return it; nobody else writes meanwhile."""
    with _locked(parent):
        everything = read_tags(parent)
        changed = change(everything.pop(run, []))
        if changed:
            everything[run] = changed
        write_json(parent / _FILE, everything)
    return changed
