"""The registry of pitfalls: one file a pair of ways in `pairs/`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from loupe.registry import Registry

Pitfall = TypeVar("Pitfall", bound=type)

PITFALLS = Registry(
    "pitfall",
    "loupe.pitfalls.pairs",
    given=(),
    methods={
        "wrong": "wrong(seed), which returns a Side",
        "right": "right(seed), which returns a Side",
    },
    list_command="loupe pitfalls",
)


@dataclass(frozen=True)
class TellTale:
    """The number that gives a mistake away.

    Args:
        name: in running text.
        unit: "percent", "points", "count", the unit's own name, or "".
        apart: the least by which the wrong way's number lies above the right way's; below it if negative.
    """

    name: str
    unit: str
    apart: float


def register_pitfall(
    name: str,
    *,
    title: str,
    tell_tale: TellTale,
    rule: str,
    source: str,
    looks: str,
    in_loupe: str,
    lint: tuple[str, ...] | str,
) -> Callable[[Pitfall], Pitfall]:
    """Return a decorator that registers a class as a pitfall: a mistake made, and not made.

    The class has `wrong(seed)` and `right(seed)`, which each return a `Side`. Its docstring's first line says
    what the mistake is.

    Args:
        name: words of small letters with hyphens.
        title: heading of its page.
        tell_tale: the number that gives it away.
        rule: what to do, one sentence.
        source: rows of docs/sources.md.
        looks: how it looks when it happens, one sentence or two.
        in_loupe: what Loupe does about it.
        lint: rules of `loupe lint` that find it; or a sentence that says why none does.

    Raises:
        LoupeError: the name is taken, or a method is missing.
    """
    return PITFALLS.register(
        name,
        title=title,
        tell_tale=tell_tale.name,
        unit=tell_tale.unit,
        apart=tell_tale.apart,
        rule=rule,
        source=source,
        looks=looks,
        in_loupe=in_loupe,
        lint=() if isinstance(lint, str) else lint,
        no_lint=lint if isinstance(lint, str) else "",
    )
