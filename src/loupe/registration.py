"""What is asked of a part when it is registered, and in which file and line it stands."""

import inspect
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from traceback import walk_tb
from typing import Any

from loupe.errors import LoupeError, warn

PLUGIN_MODULE = "loupe_plugin_"
"""How the modules of users' own files are called; of two plugins, the later one has the name."""


def refuse_odd_name(kind: str, name: object) -> None:
    """Check that a name can stand in recipes, on the command line and as a folder's name.

    Raises:
        LoupeError: it cannot, or is none.
    """
    if isinstance(name, str) and re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", name):
        return
    article = "An" if kind[0] in "aeiou" else "A"
    is_text = isinstance(name, str)
    raise LoupeError(
        f"{article} {kind} cannot be called {name!r}."
        if is_text
        else f"{article} {kind} is registered without a name.",
        got=repr(name)[:80],
        allowed='a name of letters, digits, "-", "_" and ".", in brackets behind the decorator',
        next_step=f'mend its line: @register_{kind.replace(" ", "_")}("name")',
    )


def refuse_missing_methods(
    kind: str, methods: Mapping[str, str], name: str, part: object, builder: Callable[..., Any]
) -> None:
    """Check that a class, or what a builder built, can be asked what its kind is asked.

    Args:
        kind: such as "augmentation".
        methods: by name ("a or b" for either), each with its parameters and what it returns.
        name: of the part.
        part: the class, or what was built.
        builder: the class, or what built it: an error says where it stands.

    Raises:
        LoupeError: a method is missing.
    """
    missing = [one for one in methods if not any(_has_method(part, either) for either in one.split(" or "))]
    if missing:
        is_call = "__call__" in missing
        what = "cannot be called" if is_call else f"has no method {' and no method '.join(missing)}"
        raise LoupeError(
            f"The {kind} {name!r} {what}.",
            got=describe_place(builder)
            if part is builder
            else f"{type(part).__name__}, from {describe_place(builder)}",
            allowed=", and ".join(methods.values()),
            next_step="add what is missing",
        )


def name_origin(builder: Callable[..., Any]) -> str:
    """Return module and name of a builder."""
    return f"{builder.__module__}.{builder.__qualname__}"


def _has_method(part: object, name: str) -> bool:
    if name == "__call__":  # every class can be called: what it makes is meant
        classes = part.__mro__ if inspect.isclass(part) else type(part).__mro__
        return any(name in vars(one) for one in classes)
    return callable(getattr(part, name, None))


def describe_place(builder: Callable[..., Any], error: BaseException | None = None) -> str:
    """Return the file of a builder, and the line where it begins, or where an error came through it last."""
    file, passed = _file_of(builder), list[int]()
    if error is not None:
        passed = [line for frame, line in walk_tb(error.__traceback__) if frame.f_code.co_filename == file]
    line = passed[-1] if passed else _find_first_line(builder)
    return file if line is None else f"{file}, line {line}"


def _find_first_line(builder: Callable[..., Any]) -> int | None:
    code = getattr(inspect.unwrap(builder), "__code__", None)
    if code is not None:
        return int(code.co_firstlineno)
    try:
        return inspect.getsourcelines(builder)[1]
    except (OSError, TypeError):  # its file is gone, or it was made by something else
        return None


def _file_of(builder: Callable[..., Any]) -> str:
    return str(getattr(sys.modules.get(builder.__module__), "__file__", builder.__module__))


def tell_of_two_files(kind: str, name: str, before: Callable[..., Any], now: Callable[..., Any]) -> None:
    """Say that two plugins of different content register one name; copies of one file are no matter."""
    files = [_file_of(before), _file_of(now)]
    if files[0] == files[1]:
        return
    try:
        contents = [Path(file).read_bytes() for file in files]
    except OSError:  # one is gone: what it held is not known
        contents = [b"", b"?"]
    if contents[0] != contents[1]:
        warn(f"two plugins register the {kind} {name!r}: {files[0]} and {files[1]}; the later one is used")
