"""From a mapping to a study, with all mistakes of form at once."""

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import ValidationError

from loupe.checking import describe_pydantic_errors, validate_strictly
from loupe.errors import Mistake, StudyError
from loupe.studies.references import find_unknown_names
from loupe.studies.schema import Axis, Skip, Stage, Study


def parse_study(mapping: Mapping[str, Any]) -> Study:
    """Return the study a mapping describes.

    Raises:
        StudyError: with every mistake of form.
    """
    try:
        study = validate_strictly(Study, mapping)
    except ValidationError as error:
        mistakes = describe_pydantic_errors(error.errors(), where="", fields=_name_fields(mapping))
        raise StudyError(str(mapping.get("name", "unnamed")), [_shorten(one) for one in mistakes]) from None
    if unknown := list(find_unknown_names(study)):
        raise StudyError(study.name, unknown)
    return study


def _shorten(mistake: Mistake) -> Mistake:
    """Return a mistake without the whole table that a wrong value may be."""
    got = mistake.got if len(mistake.got) <= 80 else f"{mistake.got[:77]}…"
    return Mistake(mistake.where, got, mistake.allowed, mistake.nearest)


def _name_fields(mapping: Mapping[str, Any]) -> dict[str, Iterable[str]]:
    """Return the allowed fields of each table; those of axes and stages bear the user's names."""
    fields: dict[str, Iterable[str]] = {"": tuple(Study.model_fields)}
    for section, table in (("axes", Axis), ("stages", Stage)):
        named = mapping.get(section)
        for name in named if isinstance(named, Mapping) else ():
            fields[f"{section}.{name}"] = tuple(table.model_fields)
    skips = mapping.get("skip")
    for index in range(len(skips) if isinstance(skips, list | tuple) else 0):
        fields[f"skip.{index}"] = tuple(Skip.model_fields)
    return fields
