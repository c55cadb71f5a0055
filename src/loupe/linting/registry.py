"""The registry of lint rules: one file a rule or a family of rules in `rules/`."""

import inspect
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from loupe.errors import LoupeError
from loupe.linting.violation import NO_ROW
from loupe.registration import refuse_odd_name
from loupe.registry import Registry

Function = TypeVar("Function", bound=Callable[..., Iterator[Any]])

RULES = Registry(
    "rule",
    "loupe.linting.rules",
    given=(),
    offered=("code", "record"),
    list_command="loupe rules",
)


def register_rule(name: str, *, why: str, fix: str, source: str = NO_ROW) -> Callable[[Function], Function]:
    """Return a decorator that registers a function as a rule of `loupe lint`.

    The function names `code` (a `Code`: a script or notebook) or `record` (a `Record`: a recipe or run) among
    its parameters, and yields a `Hit` for each place in the one, a `RecordHit` for each in the other.

    Args:
        name: words of small letters with hyphens.
        why: one sentence that says what the mistake does.
        fix: what to do instead.
        source: rows of docs/sources.md that it stands for.

    Raises:
        LoupeError: the name is taken or cannot be one, or the function names neither.
    """
    refuse_odd_name("rule", name)

    def add(function: Function) -> Function:
        needs = [one for one in ("code", "record") if one in inspect.signature(function).parameters]
        if len(needs) != 1:
            raise LoupeError(
                f"Rule {name!r} names neither what it reads, or both.",
                got=", ".join(inspect.signature(function).parameters) or "no parameters",
                allowed="one of: code (a script or notebook), record (a recipe or run)",
                next_step="name one of them among its parameters",
            )
        reads = "scripts and notebooks" if needs == ["code"] else "recipes and runs"
        return RULES.register(name, source=source, reads=reads, why=why, fix=fix)(function)

    return add
