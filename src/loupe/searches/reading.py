"""From a mapping to a search, with all mistakes of form at once."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from loupe.checking import describe_pydantic_errors, keep_sound, shorten, validate_strictly
from loupe.errors import Mistake, SearchError
from loupe.recipe import name_mapping
from loupe.recipe.field_names import find_field_of_set
from loupe.searches.references import find_unmet
from loupe.searches.schema import Parameter, Search


@dataclass(frozen=True)
class SearchDraft:
    """A search as far as it could be read.

    Args:
        name: what messages call it.
        search: without what has mistakes of form; None if nothing is left to be judged.
        mistakes: of form, and what its parts ask of each other.
        lost: fields that are not as they were meant, and `space.FIELD` of a parameter left out.
    """

    name: str
    search: Search | None
    mistakes: tuple[Mistake, ...]
    lost: frozenset[str] = frozenset()


def parse_search(mapping: Mapping[str, Any]) -> Search:
    """Return the search a mapping describes.

    Raises:
        SearchError: with every mistake of form.
    """
    draft = draft_search(mapping)
    if draft.mistakes or draft.search is None:
        raise SearchError(draft.name, draft.mistakes)
    return draft.search


def draft_search(mapping: Mapping[str, Any]) -> SearchDraft:
    """Return the search a mapping describes, with every mistake of form.

    Where there are some, parameters with a condition are left out of it if the space has one of them.
    """
    mapping = {**mapping}
    if isinstance(mapping.get("space"), Mapping):
        mapping["space"] = flatten_space(mapping["space"])
    name = name_mapping(mapping)
    try:
        search = validate_strictly(Search, mapping)
    except ValidationError as error:
        found = error.errors()
        of_form = describe_pydantic_errors(
            found, where="", fields=_name_fields(mapping), find_elsewhere=find_field_of_set
        )
        sound, lost = keep_sound(Search, mapping, found, tables=("space",), stand_ins=_STAND_INS)
        if sound is not None and "space" in lost:
            sound = sound.model_copy(update={"space": {}})
        elif sound is not None and any(one.startswith("space.") for one in lost):
            sound = _without_conditions(sound)
        of_names = () if sound is None else tuple(find_unmet(sound, lost))
        return SearchDraft(name, sound, (*map(shorten, of_form), *of_names), lost)
    unmet = tuple(find_unmet(search))
    if any(one.where.startswith("space") for one in unmet):
        return SearchDraft(search.name, _without_conditions(search), unmet, frozenset({"space"}))
    return SearchDraft(search.name, search, unmet)


_STAND_INS = {"recipe": "", "space": {"train.epochs": {"kind": "int", "low": 1, "high": 2}}}


def _without_conditions(search: Search) -> Search:
    """Return a search without the parameters that depend on others, which may be those with mistakes."""
    return search.model_copy(update={"space": {k: one for k, one in search.space.items() if not one.when}})


def flatten_space(space: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return a space by dotted fields, however it was written.

    In TOML `[space.train.epochs]` without quotation marks is a table in a table in a table; so is what
    `space.train.epochs.high=5` on the command line changes.
    """
    flat: dict[str, Any] = {}
    for name, value in space.items():
        if _holds_parameters(value):
            new = flatten_space(value, f"{prefix}{name}.")
        else:
            new = {f"{prefix}{name}": value}
        for field, written in new.items():
            flat[field] = {**flat.get(field, {}), **written} if isinstance(written, Mapping) else written
    return flat


def _holds_parameters(table: object) -> bool:
    """Return whether a table is a section with parameters in it, not a parameter."""
    if not isinstance(table, Mapping) or not table or _PARAMETER.intersection(table):
        return False
    return all(isinstance(value, Mapping) for value in table.values())


_PARAMETER = frozenset(Parameter.model_fields)


def _name_fields(mapping: Mapping[str, Any]) -> dict[str, Iterable[str]]:
    """Return the allowed fields of each table; those of the space bear the recipe's names."""
    fields: dict[str, Iterable[str]] = {"": Search.model_fields}
    space = mapping.get("space")
    for name in space if isinstance(space, Mapping) else ():
        fields[f"space.{name}"] = Parameter.model_fields
    return fields
