"""The fields of a study as text, for the help of the command line."""

from collections.abc import Iterator, Mapping

from pydantic_core import PydanticUndefined

from loupe.recipe.sections import Section
from loupe.studies.schema import Axis, Skip, Stage, Study

_TABLES: dict[str, tuple[str, type[Section]]] = {
    "axes": ("axes.NAME.", Axis),
    "stages": ("stages.NAME.", Stage),
    "skip": ("skip.", Skip),
}


def describe_study_fields() -> Iterator[tuple[str, str, str]]:
    """Yield (field, default, description) of every field of a study, in the order of the file."""
    yield from describe_tables(Study, _TABLES)


def describe_tables(
    section: type[Section], tables: Mapping[str, tuple[str, type[Section]]], prefix: str = ""
) -> Iterator[tuple[str, str, str]]:
    """Yield (field, default, description) of every field of a table, and of those tables it may hold.

    Args:
        section: the table.
        tables: how the fields of an inner table begin, and the table, by the name of the field that holds it.
        prefix: how the fields begin.
    """
    for name, field in section.model_fields.items():
        yield f"{prefix}{name}", _show(field.default), field.description or ""
        if name in tables:
            inner_prefix, inner = tables[name]
            yield from describe_tables(inner, {}, inner_prefix)


def _show(default: object) -> str:
    if default is PydanticUndefined:
        return "required"
    if default is None or default in ((), {}, ""):
        return "left out"
    return str(list(default)) if isinstance(default, tuple) else str(default)
