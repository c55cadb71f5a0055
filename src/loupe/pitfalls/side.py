"""What each way of a pitfall shows, and both ways carried out over seeds."""

import inspect
import textwrap
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import TYPE_CHECKING, Any

from loupe.pitfalls.registry import PITFALLS
from loupe.runtime import computing

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SEEDS = (0, 1, 2)


@dataclass(frozen=True)
class Side:
    """One way of doing it.

    Args:
        value: the tell-tale number.
        said: what somebody would report of it, one sentence.
        figure: what it looks like.
        rows: further numbers, (name, number as text).
    """

    value: float
    said: str
    figure: "Figure"
    rows: tuple[tuple[str, str], ...] = field(default=())


@dataclass(frozen=True)
class Pair:
    """A pitfall, carried out both ways with each seed.

    Args:
        name: of the pitfall.
        facts: as it was registered.
        about: what the mistake is.
        seeds: one a side.
        wrong, right: a side for each seed.
        seconds: for all of it.
        code: of both ways, by "wrong" and "right".
    """

    name: str
    facts: dict[str, Any]
    about: str
    seeds: tuple[int, ...]
    wrong: tuple[Side, ...]
    right: tuple[Side, ...]
    seconds: float
    code: dict[str, str]

    @property
    def difference(self) -> float:
        """The mean tell-tale of the wrong way less that of the right way."""
        return fmean(one.value for one in self.wrong) - fmean(one.value for one in self.right)

    @property
    def is_seen(self) -> bool:
        """Whether every seed shows the mistake by the margin that was promised."""
        least = self.facts["apart"]
        gaps = [one.value - other.value for one, other in zip(self.wrong, self.right, strict=True)]
        return all(gap >= least if least > 0 else gap <= least for gap in gaps)


def watch(name: str, seeds: Sequence[int] = SEEDS) -> Pair:
    """Return a pitfall, carried out both ways with each seed, on one thread; seconds to a minute.

    Raises:
        UnknownNameError: there is no such pitfall.
    """
    built, begun = PITFALLS.build(name), time.perf_counter()
    with computing(1):
        wrong = tuple(built.wrong(seed) for seed in seeds)
        right = tuple(built.right(seed) for seed in seeds)
    code = {way: _read_code(getattr(type(built), way)) for way in ("wrong", "right")}
    seconds = time.perf_counter() - begun
    return Pair(name, PITFALLS.facts(name), PITFALLS.summary(name), tuple(seeds), wrong, right, seconds, code)


def _read_code(method: Any) -> str:
    return textwrap.dedent(inspect.getsource(method)).rstrip()
