"""Files written whole or not at all: to a temporary name first, then renamed into place."""

import contextlib
import errno
import json
import os
import re
import secrets
import stat
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TextIO

from loupe.errors import LoupeError
from loupe.runs.reading import name_kind

_SUFFIX = ".new"


@contextlib.contextmanager
def replacing(path: Path, *, durable: bool = True) -> Iterator[Path]:
    """Yield a temporary path beside `path`; put it in place if the block ends well.

    Args:
        path: the file to write; readers see the old one until the new one is whole.
        durable: wait until the disk has it, so that it survives a power cut too.

    Raises:
        LoupeError: a device, a pipe or a link stands there, which a file would replace.
        OSError: it cannot be written, with `path` as its name.
    """
    refuse_odd_place(path)
    with telling_place(path):
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=_SUFFIX)
        os.close(descriptor)
        temporary = Path(name)
        try:
            yield temporary
            temporary.chmod(0o644)
            if durable:
                with temporary.open("rb") as file:
                    os.fsync(file.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def telling_place(path: Path) -> Iterator[None]:
    """Let an error of the system name the file that was to be written, not none or a temporary one.

    Args:
        path: the file; temporary files and folders beside it begin with a dot and its name.
    """
    try:
        yield
    except OSError as error:
        of_it = str(path.parent / f".{path.name}.")
        is_nameless = error.filename is None
        if error.errno is None or not (is_nameless or os.fsdecode(error.filename).startswith(of_it)):
            raise
        raise OSError(error.errno, error.strerror, str(path)) from error


def prepare_place(path: Path) -> None:
    """Make the folder of a file that is to be written later, and try whether it can be, before long work.

    Raises:
        LoupeError: something else stands there.
        OSError: it cannot be written, with `path` as its name.
    """
    refuse_odd_place(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with telling_place(path):
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=_SUFFIX)
        os.close(descriptor)
        Path(name).unlink()


def refuse_odd_place(path: Path) -> None:
    """Check that writing a file there replaces nothing but a file.

    Raises:
        LoupeError: a device, a pipe, a link or a folder stands there.
    """
    try:
        mode = path.lstat().st_mode
    except OSError:  # nothing is there, or writing will say what is wrong
        return
    if not stat.S_ISREG(mode):
        raise LoupeError(
            f"{path} is {name_kind(mode)}; a file would replace it.",
            got=str(path),
            allowed="a new file, or one to be replaced",
            next_step="name another place",
        )


def remove_leftovers(folder: Path, *, is_deep: bool = True) -> None:
    """Remove the temporary files that a killed process left in `folder`.

    Args:
        folder: of which this process holds the lock.
        is_deep: below it too; not where folders with locks of their own lie there.
    """
    for path in (folder.rglob if is_deep else folder.glob)(f".*{_SUFFIX}"):
        path.unlink(missing_ok=True)


def is_leftover(path: Path) -> bool:
    """Return whether a file is one that is being written, or was when its process was killed."""
    return path.name.startswith(".") and path.suffix == _SUFFIX


def write_text(path: Path, text: str, *, durable: bool = True) -> None:
    """Write a UTF-8 text file atomically; bytes that are no UTF-8 as \\udc…, which JSON reads back."""
    with replacing(path, durable=durable) as temporary:
        temporary.write_text(text, encoding="utf-8", errors="backslashreplace")


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file as it is, atomically."""
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def format_json(values: Mapping[str, Any]) -> str:
    """Return JSON indented for people, a row of numbers on one line."""
    mark, rows = f"row {secrets.token_hex(8)} ", list[str]()

    def set_rows_aside(value: Any) -> Any:
        """Return a value with a mark for each row of numbers: of matrices that saves time and memory."""
        if isinstance(value, Mapping):
            return {key: set_rows_aside(one) for key, one in value.items()}
        if not isinstance(value, list | tuple):
            return value
        if value and all(isinstance(one, int | float) and not isinstance(one, bool) for one in value):
            rows.append(json.dumps(value))
            return f"{mark}{len(rows) - 1}"
        return [set_rows_aside(one) for one in value]

    indented = json.dumps(set_rows_aside(values), indent=2, ensure_ascii=False)
    return re.sub(rf'"{mark}(\d+)"', lambda found: rows[int(found[1])], indented) + "\n"


def write_json(path: Path, values: Mapping[str, Any]) -> None:
    """Write a JSON file atomically, as `format_json` has it."""
    write_text(path, format_json(values))


def open_to_append(path: Path) -> TextIO:
    """Return a text file opened to add to its end; it is made if it is not there.

    Raises:
        OSError: a pipe, a device or a link stands there, or it may not be written.
    """
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
    flags |= getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    descriptor = os.open(path, flags, 0o644)
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, f"{name_kind(mode)}, not a file", str(path))
    return os.fdopen(descriptor, "a", encoding="utf-8", errors="backslashreplace")


def append_line(path: Path, line: str) -> None:
    """Append a line and wait until the disk has it."""
    with open_to_append(path) as file:
        file.write(line + "\n")
        file.flush()
        os.fsync(file.fileno())
