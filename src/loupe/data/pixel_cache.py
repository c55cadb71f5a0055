"""Decoded images on disk: found again by what went into them, mapped into memory, forgotten when unused.

One entry is a folder with an .npy file an array and `meta.json`. Its name is a digest of the files' contents,
of what is done with the pixels, and of the version of the decoder. Processes of one machine share the mapped
pages.
"""

import contextlib
import json
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs
from filelock import FileLock

MOST_BYTES = 20 * 1024**3  # of all entries; the longest unused go first
_ROOM = 2**20  # of an entry, beside its arrays
_META, _LOCK = "meta.json", ".lock"


@dataclass(frozen=True)
class CacheEntry:
    """Decoded images on disk.

    Args:
        path: the folder, or the file of an earlier version.
        size_bytes: what it takes.
        used_seconds: when it was last used, in seconds since 1970.
        title: what it holds, for people.
    """

    path: Path
    size_bytes: int
    used_seconds: float
    title: str


def find_cache_folder() -> Path:
    """Return the folder that holds the entries."""
    return platformdirs.user_cache_path("loupe") / "pixels"


_is_passed_over: ContextVar[bool] = ContextVar("cache passed over", default=False)


@contextlib.contextmanager
def decoding_anew() -> Iterator[None]:
    """Have images decoded from their files, whatever the cache holds: it is there for speed, no proof."""
    token = _is_passed_over.set(True)
    try:
        yield
    finally:
        _is_passed_over.reset(token)


def read_entry(key: str, names: list[str]) -> tuple[dict[str, np.ndarray], dict[str, Any]] | None:
    """Return the arrays of an entry, mapped copy-on-write, and what stands beside them; None without one."""
    if _is_passed_over.get():
        return None
    folder = find_cache_folder() / key
    try:
        meta = json.loads((folder / _META).read_text(encoding="utf-8"))
        arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="c", allow_pickle=False) for name in names}
        if any(list(array.shape) != meta["shapes"][name] for name, array in arrays.items()):
            return None
        (folder / _META).touch()  # says when it was last used
    except (OSError, ValueError, EOFError, KeyError, TypeError, json.JSONDecodeError):
        return None  # not there or damaged: decode again
    return arrays, meta


@contextlib.contextmanager
def decoding_alone(key: str) -> Iterator[None]:
    """Let one process of this machine decode what goes under a key; the others wait, then find it there."""
    file = find_cache_folder() / f"{key}{_LOCK}"
    with contextlib.ExitStack() as held:
        with contextlib.suppress(OSError, NotImplementedError):  # a cache that cannot be locked costs time
            file.parent.mkdir(parents=True, exist_ok=True)
            held.enter_context(FileLock(file))
        yield


@contextlib.contextmanager
def writing_folder() -> Iterator[Path]:
    """Yield a folder to write arrays into: beside the entries, or a temporary one where that cannot be."""
    place: Path | None = find_cache_folder()
    try:
        assert place is not None
        place.mkdir(parents=True, exist_ok=True)
        temporary = tempfile.mkdtemp(dir=place, prefix="unfinished-")
    except OSError:
        temporary = tempfile.mkdtemp(prefix="loupe-pixels-")
    try:
        yield Path(temporary)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)  # mapped files live on until they are let go


def keep_entry(key: str, folder: Path, arrays: dict[str, np.ndarray], meta: dict[str, Any]) -> None:
    """Give a finished folder of arrays its name; a cache that cannot be written only costs time."""
    shapes = {name: list(array.shape) for name, array in arrays.items()}
    place = find_cache_folder() / key
    with contextlib.suppress(OSError):
        (folder / _META).write_text(json.dumps({**meta, "shapes": shapes}), encoding="utf-8")
        if folder.parent != place.parent:
            return
        if place.exists():  # damaged, or another process was quicker
            shutil.rmtree(place, ignore_errors=True)
        folder.replace(place)
        folder.mkdir()  # for whoever clears it away
    size_bytes = sum(array.nbytes for array in arrays.values())
    prune_entries(most_bytes=max(MOST_BYTES, size_bytes + _ROOM))  # never the one that is wanted now


def list_entries() -> list[CacheEntry]:
    """Return all entries, the last used first; files of earlier versions too."""
    entries = [
        *(path for path in find_cache_folder().glob("*") if path.suffix != _LOCK),
        *(platformdirs.user_cache_path("loupe") / "folders").glob("*.npz"),  # until version 2 of the decoder
    ]
    found = []
    for path in entries:
        with contextlib.suppress(OSError):
            found.append(_describe(path))
    return sorted(found, key=lambda entry: -entry.used_seconds)


def _describe(path: Path) -> CacheEntry:
    meta, title = path / _META, "of an earlier version" if path.is_file() else "unfinished"
    files = [path] if path.is_file() else [file for file in path.iterdir() if file.is_file()]
    if meta.is_file():
        with contextlib.suppress(ValueError, KeyError, TypeError):
            title = str(json.loads(meta.read_text(encoding="utf-8"))["title"])
    used = (meta if meta.is_file() else path).stat().st_mtime
    return CacheEntry(path, sum(file.stat().st_size for file in files), used, title)


def prune_entries(*, most_bytes: int | None = None, older_than_days: float | None = None) -> list[CacheEntry]:
    """Remove entries and return them: those not used for so many days, then the longest unused beyond a size.

    Entries of earlier versions always go; one that another process is writing stays for a day.
    """
    kept_bytes, removed, now = 0, [], time.time()
    for entry in list_entries():
        age_days = (now - entry.used_seconds) / 86_400
        is_stale = entry.path.is_file() or (entry.title == "unfinished" and age_days > 1)
        is_old = older_than_days is not None and age_days >= older_than_days and entry.title != "unfinished"
        kept_bytes += entry.size_bytes
        is_beyond = most_bytes is not None and kept_bytes > most_bytes and entry.title != "unfinished"
        if is_stale or is_old or is_beyond:
            kept_bytes -= entry.size_bytes
            with contextlib.suppress(OSError):
                entry.path.unlink() if entry.path.is_file() else shutil.rmtree(entry.path)
                removed.append(entry)
    return removed
