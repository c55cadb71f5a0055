"""Arms that change more than one thing from the reference: what each does, such an arm cannot say."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from loupe.errors import LoupeError
from loupe.recipe import read_recipe_file
from loupe.studies import Study
from loupe.studies.changes import apply_changes
from loupe.wording import list_names

_PARTS_OF_COPYING = ("transfer.part", "transfer.head")  # how weights are taken over goes with whose they are


@dataclass(frozen=True)
class Confound:
    """An arm that changes several things at once.

    Args:
        arm: its name.
        reference: what it is compared with.
        changed: the fields that differ, two or more.
        closer: arms that differ from it in one of these fields, or from the reference in one.
    """

    arm: str
    reference: str
    changed: tuple[str, ...]
    closer: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """What the reader should know."""
        told = (
            f"{self.arm} differs from {self.reference} in {len(self.changed)} things "
            f"({list_names(self.changed)}): a difference is that of all of them together"
        )
        if not self.closer:
            return f"{told}."
        return f"{told}; one thing at a time changes beside {list_names(self.closer)}."


def find_confounds(study: Study, reference: str) -> list[Confound]:
    """Return the arms that change more than one thing from the reference, in the order of the study.

    Where a study has one arm its axes are crossed, and what each does stands by itself: there are none. An
    exchanged part with a name of its own (an optimizer, a model) counts as one thing.

    Args:
        study: the study.
        reference: an arm; nothing is found for any other name.
    """
    if reference not in study.arms:
        return []
    flat = {arm: dict(_flatten(_resolve(study, arm))) for arm in study.arms}
    changed = {
        (one, other): _list_changed(flat[one], flat[other]) for one in flat for other in flat if one != other
    }
    return [
        Confound(
            arm,
            reference,
            changed[arm, reference],
            tuple(
                other
                for other in flat
                if other not in (arm, reference)
                and len(changed[arm, other]) == 1
                and set(changed[arm, other]) < set(changed[arm, reference])
            ),
        )
        for arm in flat
        if arm != reference and len(changed[arm, reference]) > 1
    ]


def _resolve(study: Study, arm: str) -> dict[str, Any]:
    """Return the recipe of an arm at its first place; without what its file says where that is not here."""
    try:
        mapping = read_recipe_file(study.recipe)
    except LoupeError:
        mapping = {}
    at = next((at for one, at in study.list_cells() if one == arm and not study.find_skip(one, at)), {})
    for one in (study.set, *(study.axes[axis].changes(value) for axis, value in at.items()), study.arms[arm]):
        apply_changes(mapping, one)
    if isinstance(mapping.get("transfer"), str):
        mapping["transfer"] = {"run": mapping["transfer"]}
    return mapping


def _flatten(mapping: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in mapping.items():
        dotted = f"{prefix}{key}"
        if dotted in ("name", "about", *_PARTS_OF_COPYING):
            continue
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{dotted}.")
        elif prefix or not isinstance(value, str):
            yield dotted, value


def _list_changed(one: Mapping[str, Any], other: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the fields in which two recipes differ.

    Settings of an exchanged part count with its name; those of a table that only one of them has, as one.
    """
    differing = [field for field in {**other, **one} if one.get(field) != other.get(field)]
    exchanged = [field.removesuffix(".name") for field in differing if field.endswith(".name")]
    exchanged += _list_own_tables(one, other, differing)
    kept = [field for field in differing if not any(f"{field}.".startswith(f"{part}.") for part in exchanged)]
    return (*dict.fromkeys(exchanged), *kept)


def _list_own_tables(one: Mapping[str, Any], other: Mapping[str, Any], fields: Sequence[str]) -> list[str]:
    """Return the tables inside a section of which only one of two recipes has anything."""
    tables = [field.rpartition(".")[0] for field in fields if field.count(".") >= 2]
    return [
        table
        for table in dict.fromkeys(tables)
        if sum(any(field.startswith(f"{table}.") for field in recipe) for recipe in (one, other)) == 1
    ]
