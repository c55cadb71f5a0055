"""How often a test set was looked at: by a run, and by all runs on this machine."""

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from loupe.data.ledger import VARIABLE, count_looks, digest_words, find_ledger, note_look
from loupe.data.opening import Opening
from loupe.errors import RunError
from loupe.recipe import Recipe
from loupe.runs.record import RunRecord
from loupe.wording import count_of

if TYPE_CHECKING:  # lists of runs, which count looks, load no torch
    from loupe.data import LockedTest
    from loupe.runs.folder import RunFolder


def name_recipe(recipe: Recipe) -> str:
    """Return what tells recipes apart in the ledger: what is trained and how, not seed, name or place."""
    values = recipe.to_dict()
    data = {name: value for name, value in values["data"].items() if name != "path"}
    transfer = {name: value for name, value in (values.get("transfer") or {}).items() if name != "run"}
    return digest_words(json.dumps([data, transfer, values["model"], values["train"]], sort_keys=True))


def follow_looks(run: "RunFolder", test: "LockedTest", recipe: Recipe) -> None:
    """Go on with a run's record of looks: each opening of its test set is logged there and in the ledger."""
    test.continue_record(
        run.read_openings(), run.log_opening, run=str(run.path.resolve()), recipe=name_recipe(recipe)
    )


def log_look(run: "RunFolder", reason: str) -> None:
    """Put a look at a run's own test images on its record and into the ledger."""
    opening = Opening(reason, datetime.now(UTC).isoformat(timespec="seconds"))
    run.log_opening(opening)
    record = run.read_images()
    if record is not None:
        place = str(run.path.resolve())
        recipe = name_recipe(run.read_recipe())
        note_look(record.test_content, reason=reason, at=opening.at, recipe=recipe, run=place)


def count_own_looks(run: RunRecord) -> int | None:
    """Return how often a run looked at the test set; None where its record is missing or damaged."""
    try:
        return run.count_openings()
    except RunError:
        return None


def describe_looks(runs: Sequence[RunRecord]) -> str:
    """Return in words how often these runs looked at the test set, and how often it was looked at here.

    Such as "this run: once; this test set on this machine: 37 looks in 12 recipes".
    """
    return describe_known_looks([count_own_looks(run) for run in runs], map(read_test_content, runs))


def describe_known_looks(own: Sequence[int | None], named: Iterable[str | None]) -> str:
    """Return what `describe_looks` does, of runs whose records were read before.

    Args:
        own: how often each looked; None where its record is missing.
        named: each run's test set by its content; None where that is not on record.
    """
    known = [count for count in own if count is not None]
    whose = "this run" if len(own) == 1 else f"these {len(own)} runs"
    said = count_times(sum(known)) if len(known) == len(own) else "unknown, as a record is missing"
    return f"{whose}: {said}; {describe_machine_looks(named, sum(known))}"


def describe_machine_looks(named: Iterable[str | None], num_own: int = 0) -> str:
    """Return in words how often test sets were looked at on this machine.

    Args:
        named: each run's test set by its content; None where that is not on record.
        num_own: looks these runs have on record: the ledger has no fewer, or it is not whole.
    """
    if find_ledger() is None:
        return f"looks of other runs are not counted here ({VARIABLE} turns the ledger off)"
    contents = {content for content in named if content}
    which = "this test set" if len(contents) <= 1 else f"these {len(contents)} test sets"
    looks = [one for content in sorted(contents) if (one := count_looks(content)) is not None]
    total = sum(one.count for one in looks)
    if not contents or total < num_own:  # of an earlier version; or looked at elsewhere
        why = ", as the ledger lacks looks on record" if contents else ""
        return f"{which} on this machine: unknown{why}"
    recipes = sum(one.num_recipes for one in looks)
    return f"{which} on this machine: {count_of(total, 'look')} in {count_of(recipes, 'recipe')}"


def read_test_content(run: RunRecord) -> str | None:
    """Return which test set a run has, by its content; None where that is not on record."""
    try:
        content = run.read_environment().get("test_content")
    except RunError:
        return None
    return content if isinstance(content, str) else None


def count_times(count: int) -> str:
    """Return how often in words: "never", "once", "twice", "3 times"."""
    return {0: "never", 1: "once", 2: "twice"}.get(count, f"{count:,} times")
