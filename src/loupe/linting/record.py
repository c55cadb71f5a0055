"""What rules of recipes and runs are handed, as plain values: no torch here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from loupe.recipe import Recipe


@dataclass(frozen=True)
class Record:
    """What is known of a recipe, an arm of a study, settings of a search, or a run.

    Args:
        name: as it was named.
        recipe: checked in its form.
        result: what `result.json` holds; None of a recipe, or a run without one.
        history: a row an epoch, by column of `history.csv`.
        is_run: whether it is a run, which is to have a result.
        num_seeds: of a study, how many each arm is trained with; None of anything else.
        num_fresh_seeds: of a search, with how many fresh seeds its best are run again; None of anything else.
    """

    name: str
    recipe: Recipe
    result: Mapping[str, Any] | None = None
    history: Sequence[Mapping[str, Any]] = ()
    is_run: bool = False
    num_seeds: int | None = None
    num_fresh_seeds: int | None = None
