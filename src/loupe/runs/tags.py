"""Words that people put on runs, kept in one file beside the run folders."""

import json
import re
from collections.abc import Sequence
from pathlib import Path

from loupe.errors import LoupeError
from loupe.runs.locking import holding_lock
from loupe.runs.reading import read_text, reading
from loupe.runs.writing import write_json

_FILE, _LOCK = "tags.json", ".tags.lock"
MOST_TAGS, LONGEST_TAG = 12, 32
TAG = rf"[^\W_][\w .+#=-]{{0,{LONGEST_TAG - 1}}}"


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

    Other processes may write at the same time; none loses what another wrote.

    Raises:
        LoupeError: a tag that is no tag, or too many.
        BlockingIOError: somebody else keeps the file locked.
    """
    cleaned = list(dict.fromkeys(" ".join(tag.split()) for tag in tags))
    wrong = [tag for tag in cleaned if not re.fullmatch(TAG, tag)]
    if wrong or len(cleaned) > MOST_TAGS:
        raise LoupeError(
            f"{wrong[0]!r} is no tag." if wrong else "These are too many tags for one run.",
            got=wrong[0] if wrong else f"{len(cleaned)} tags",
            allowed=f"up to {MOST_TAGS} tags of 1 to {LONGEST_TAG} letters, digits, blanks and . + # = _ - "
            "with a letter or digit first",
            next_step="choose a shorter, plainer word" if wrong else "take some away",
        )
    with holding_lock(parent / _LOCK):
        everything = read_tags(parent)
        everything.pop(run, None)
        if cleaned:
            everything[run] = cleaned
        write_json(parent / _FILE, everything)
    return cleaned
