"""Python files and notebooks as text and syntax trees. Nothing that is read is ever run or imported."""

import ast
import io
import json
import os
import stat
import tokenize
import warnings
from bisect import bisect_right
from dataclasses import dataclass, field
from pathlib import Path

from loupe.errors import LoupeError, describe_cause

MOST_BYTES = 8 * 2**20
"""Of a script or notebook; notebooks hold their pictures."""
_SKIPPED_CELLS = ("%%bash", "%%sh", "%%html", "%%javascript", "%%js", "%%latex", "%%markdown", "%%writefile")
_ENDS = ("?", "??")


@dataclass(frozen=True)
class Source:
    """Code as it was read.

    Args:
        name: the file, as it was named.
        text: Python; the code cells of a notebook one below the other.
        tree: of the text.
        cells: of a notebook, (first line in the text, number of the cell); empty of a script.
        comments: by line of the text.
    """

    name: str
    text: str
    tree: ast.Module
    cells: tuple[tuple[int, int], ...] = ()
    comments: dict[int, str] = field(default_factory=dict)

    def place(self, line: int) -> tuple[int | None, int]:
        """Return cell and line of a line of the text; no cell in a script."""
        return locate(self.cells, line)


def locate(cells: tuple[tuple[int, int], ...], line: int) -> tuple[int | None, int]:
    """Return cell and line within it; without cells, None and the line."""
    if not cells:
        return None, line
    first, cell = cells[max(0, bisect_right(cells, (line, 10**9)) - 1)]
    return cell, line - first + 1


def read_source(path: Path) -> Source:
    """Return a script or notebook, parsed.

    Raises:
        LoupeError: there is no such file, it is far too large, not UTF-8, no notebook, or no Python.
    """
    raw = _read_bytes(path)
    if path.suffix == ".ipynb":
        text, cells = _join_cells(path, _decode(path, raw))
    else:
        text, cells = _decode_script(path, raw), ()
    return Source(str(path), text, _parse(path, text, cells), cells, _find_comments(text))


def _read_bytes(path: Path) -> bytes:
    """Return what a regular file holds; of a pipe or a device nothing is waited for."""
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise _refuse(path, "something else than a file", "a regular file")
            raw = file.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        raise _refuse(path, describe_cause(error), "a file that can be read") from None
    if len(raw) > MOST_BYTES:
        raise _refuse(
            path, f"more than {MOST_BYTES // 2**20} MiB", "a script or notebook written by a person"
        )
    return raw


def _refuse(path: Path, got: str, allowed: str) -> LoupeError:
    return LoupeError(
        f"{path} cannot be read as code.", got=got, allowed=allowed, next_step="mend or name another file"
    )


def _decode(path: Path, raw: bytes) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _refuse(path, f"not UTF-8 (byte {error.start})", "UTF-8 text") from None


def _decode_script(path: Path, raw: bytes) -> str:
    """Return the text of a script in the encoding that its first lines name, as Python itself reads it."""
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(raw).readline)
        return io.TextIOWrapper(io.BytesIO(raw), encoding, newline=None).read()
    except (SyntaxError, UnicodeDecodeError, LookupError):
        raise _refuse(path, "not UTF-8, and no line that names another encoding", "UTF-8 text") from None


def _join_cells(path: Path, text: str) -> tuple[str, tuple[tuple[int, int], ...]]:
    try:
        notebook = json.loads(text)
        found = notebook["cells"] if "cells" in notebook else notebook["worksheets"][0]["cells"]
        codes = [
            (number, _join_lines(cell.get("source", cell.get("input", ""))))
            for number, cell in enumerate(found, 1)
            if cell.get("cell_type") == "code"
        ]
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError):
        raise _refuse(path, "no Jupyter notebook", "JSON with `cells`, as Jupyter writes it") from None
    lines: list[str] = []
    cells = []
    for number, code in codes:
        cells.append((len(lines) + 1, number))
        lines += _hide_magics(code)
    return "\n".join(lines) + "\n", tuple(cells)


def _join_lines(source: object) -> str:
    if isinstance(source, str):
        return source
    if isinstance(source, list) and all(isinstance(line, str) for line in source):
        return "".join(source)
    raise ValueError("a cell without text")


def _hide_magics(code: str) -> list[str]:
    """Return the lines of a cell; what IPython alone understands is a `pass` of the same indent."""
    lines = code.split("\n")
    first = next((line.strip() for line in lines if line.strip()), "")
    if first.startswith(_SKIPPED_CELLS):
        return [""] * len(lines)
    hidden, is_going_on = [], False
    for line in lines:
        start = line.lstrip()
        is_magic = is_going_on or start.startswith(("%", "!", "?")) or _is_shell(start)
        is_going_on = is_magic and line.rstrip().endswith("\\")
        is_help = (
            start.rstrip().endswith(_ENDS) and "#" not in start and '"' not in start and "'" not in start
        )
        hidden.append(line[: len(line) - len(start)] + "pass" if is_magic or is_help else line)
    return hidden


def _is_shell(start: str) -> bool:
    """Return whether a line hands something over to a shell or magic: `files = !ls`."""
    name, sign, rest = start.partition("=")
    return bool(sign) and name.strip().isidentifier() and rest.lstrip().startswith(("!", "%"))


def _parse(path: Path, text: str, cells: tuple[tuple[int, int], ...]) -> ast.Module:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd escapes in a stranger's strings
            return ast.parse(text)
    except SyntaxError as error:
        cell, line = locate(cells, error.lineno or 1)
        where = f"line {line}" if cell is None else f"cell {cell}, line {line}"
        got = f"{error.msg} ({where})"
    except (ValueError, RecursionError, MemoryError) as error:
        got = str(error) or "code that is nested too deep"
    raise LoupeError(
        f"{path} is not Python that can be parsed.",
        got=got,
        allowed="Python 3",
        next_step="run it once; Python names the same place",
    ) from None


def _find_comments(text: str) -> dict[int, str]:
    comments = {}
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.COMMENT:
                comments[token.start[0]] = token.string
    except (tokenize.TokenError, SyntaxError):  # the parser took it: its comments are no matter
        pass
    return comments
