"""Digests of a run's files, written when it ends: every reader sees whether they are still the same."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from loupe.errors import RunError
from loupe.runs.reading import is_plain, open_plain, read_json, reading
from loupe.runs.writing import write_json

DIGESTS_NAME = "digests.json"
_FORM = 1
_ALWAYS_LISTED = frozenset(
    {"recipe.toml", "environment.json", "result.json", "best.safetensors", "predictions.npz"}
)


@dataclass(frozen=True)
class FileDigest:
    """What a file held when the run ended.

    Args:
        sha256: of its first `size` bytes, hexadecimal.
        size: bytes.
        may_grow: whether lines may have come to it since, as to a log.
    """

    sha256: str
    size: int
    may_grow: bool = False


def digest_file(path: Path, *, most: int | None = None) -> FileDigest:
    """Return the digest of a regular file, of its first `most` bytes only if so wished.

    Raises:
        OSError: there is none, or it cannot be read.
    """
    sha, size = hashlib.sha256(), 0
    with open_plain(path) as file:
        while block := file.read(min(2**20, (most - size) if most is not None else 2**20)):
            sha.update(block)
            size += len(block)
    return FileDigest(sha.hexdigest(), size)


def digest_text(text: str) -> FileDigest:
    """Return the digest of a file that is to hold a text."""
    content = text.encode(errors="backslashreplace")  # as it is written
    return FileDigest(hashlib.sha256(content).hexdigest(), len(content))


def write_digests(
    folder: Path, files: Iterable[Path], growing: Iterable[Path], more: Mapping[str, FileDigest]
) -> None:
    """Write `digests.json` of a run folder.

    Args:
        folder: the run's folder.
        files: which files to digest; those that are not there are left out.
        growing: files that lines may come to later.
        more: digests of files that are written next, by name.
    """
    digests = {path.relative_to(folder).as_posix(): digest_file(path) for path in files if is_plain(path)}
    for path in growing:
        if is_plain(path):
            one = digest_file(path)
            digests[path.relative_to(folder).as_posix()] = FileDigest(one.sha256, one.size, may_grow=True)
    _write(folder, {**digests, **more})


def _write(folder: Path, digests: Mapping[str, FileDigest]) -> None:
    listed = {name: vars(one) for name, one in sorted(digests.items())}
    write_json(folder / DIGESTS_NAME, {"form": _FORM, "files": listed})


def renew_digests(folder: Path, files: Iterable[Path]) -> None:
    """Write the digests of files anew that were rewritten on purpose; the others stay as they were."""
    known = read_digests(folder)
    if known is None:
        return
    known |= {path.relative_to(folder).as_posix(): digest_file(path) for path in files}
    _write(folder, known)


def read_digests(folder: Path) -> dict[str, FileDigest] | None:
    """Return the digests of a run's files by their paths in its folder; None if none were written.

    Raises:
        RunError: the file is damaged.
    """
    path = folder / DIGESTS_NAME
    if not path.exists() and not path.is_symlink():
        return None
    values = read_json(path)
    with reading(path):
        if values["form"] != _FORM:
            raise ValueError(f"form {values['form']!r}")
        for name in values["files"]:
            place = PurePosixPath(name)
            if place.is_absolute() or ".." in place.parts:
                raise ValueError(f"a file {name[:80]!r}")
        return {str(name): _read_digest(one) for name, one in values["files"].items()}


def _read_digest(values: Mapping[str, Any]) -> FileDigest:
    sha256, size, may_grow = values["sha256"], values["size"], values["may_grow"]
    if not (isinstance(sha256, str) and type(size) is int and type(may_grow) is bool):
        raise TypeError("a digest without text, size and kind")
    return FileDigest(sha256, size, may_grow)


def is_unaltered(path: Path, recorded: FileDigest) -> bool:
    """Return whether a file holds what it held when the run ended, added lines left aside where they may be.

    Raises:
        OSError: there is none, or it cannot be read.
    """
    now = digest_file(path, most=recorded.size if recorded.may_grow else None)
    return (now.sha256, now.size) == (recorded.sha256, recorded.size)


def _has_ended(folder: Path) -> bool:
    """Return whether a run came to its end, and was of a version that writes digests then."""
    result = folder / "result.json"
    if not (is_plain(result) and is_plain(folder / "images.npz")):
        return False
    try:
        return bool(read_json(result).get("status") == "finished")
    except RunError:
        return True


def refuse_altered(folder: Path, path: Path) -> None:
    """Check that a file of a run is what it was when the run ended, where that was recorded.

    Raises:
        RunError: it is another, or cannot be read; or the record of a run that ended is gone or lacks it.
    """
    digests, name = read_digests(folder), path.relative_to(folder).as_posix()
    recorded = (digests or {}).get(name)
    if recorded is None:
        if (digests is None or name in _ALWAYS_LISTED) and _has_ended(folder):
            raise RunError(
                f"{folder.name} ended, and nothing says what {name} held then.",
                got=f"{DIGESTS_NAME} is gone" if digests is None else f"{DIGESTS_NAME} without {name}",
                allowed="a run folder as the run left it",
                next_step=f"bring {DIGESTS_NAME} back, or train again; `loupe verify {folder}` computes anew",
            )
        return
    with reading(path):
        if is_unaltered(path, recorded):
            return
    raise RunError(
        f"{path} was altered or damaged after the run ended.",
        got="another content than digests.json records",
        allowed="the file as the run left it",
        next_step=f"bring the old file back, or train again; `loupe verify {folder}` checks every file",
    )
