"""From a mapping to a search, with all mistakes of form at once."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from loupe.checking import describe_pydantic_errors, validate_strictly
from loupe.errors import Mistake, SearchError
from loupe.searches.references import find_unmet
from loupe.searches.schema import Parameter, Search


def parse_search(mapping: Mapping[str, Any]) -> Search:
    """Return the search a mapping describes.

    Raises:
        SearchError: with every mistake of form.
    """
    mapping = {**mapping}
    if isinstance(mapping.get("space"), Mapping):
        mapping["space"] = flatten_space(mapping["space"])
    try:
        search = validate_strictly(Search, mapping)
    except ValidationError as error:
        mistakes = describe_pydantic_errors(error.errors(), where="", fields=_name_fields(mapping))
        raise SearchError(str(mapping.get("name", "unnamed")), [_shorten(one) for one in mistakes]) from None
    if unmet := list(find_unmet(search)):
        raise SearchError(search.name, unmet)
    return search


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


def _shorten(mistake: Mistake) -> Mistake:
    """Return a mistake without the whole table that a wrong value may be."""
    got = mistake.got if len(mistake.got) <= 80 else f"{mistake.got[:77]}…"
    return replace(mistake, got=got)


def _name_fields(mapping: Mapping[str, Any]) -> dict[str, Iterable[str]]:
    """Return the allowed fields of each table; those of the space bear the recipe's names."""
    fields: dict[str, Iterable[str]] = {"": tuple(Search.model_fields)}
    space = mapping.get("space")
    for name in space if isinstance(space, Mapping) else ():
        fields[f"space.{name}"] = tuple(Parameter.model_fields)
    return fields
