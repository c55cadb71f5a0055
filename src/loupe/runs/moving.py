"""A run folder as bytes, to be sent to another machine and put in place there."""

import tempfile
from collections.abc import Mapping
from pathlib import Path

from loupe.runs.reading import is_plain
from loupe.runs.writing import is_leftover

PackedRun = dict[str, bytes]
"""The files of a run folder by their paths within it."""


def pack_run(folder: Path) -> PackedRun:
    """Return what is in a run folder, without what is half written; empty if there is no such folder."""
    files = sorted(path for path in folder.rglob("*") if is_plain(path))
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in files
        if path.name != ".lock" and not is_leftover(path)
    }


def unpack_run(files: Mapping[str, bytes], folder: Path) -> None:
    """Put a packed run in place: the folder holds all of it, or what it held before.

    Args:
        files: from `pack_run`.
        folder: the run folder; what stands there is replaced.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as temporary:
        new, old = Path(temporary) / "new", Path(temporary) / "old"
        new.mkdir()
        for name, content in files.items():
            (new / name).parent.mkdir(parents=True, exist_ok=True)
            (new / name).write_bytes(content)
        if folder.exists():
            folder.rename(old)
        new.rename(folder)
