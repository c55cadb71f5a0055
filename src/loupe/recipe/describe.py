"""The fields of a recipe as text, for the help of the command line."""

from collections.abc import Iterator
from typing import get_args

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from loupe.recipe.schema import Recipe
from loupe.recipe.sections import Choice, Section


def describe_fields() -> Iterator[tuple[str, str, str]]:
    """Yield (dotted field, default, description) of every field, in the order of the file."""
    for name, field in Recipe.model_fields.items():
        section = _find_section(field.annotation)
        if section is not None:
            yield from _describe_section(name, section)
        else:
            yield name, _show_default(field.default), field.description or ""


def _describe_section(place: str, section: type[BaseModel]) -> Iterator[tuple[str, str, str]]:
    for name, field in section.model_fields.items():
        yield f"{place}.{name}", _show_default(field.default), field.description or ""
        inner = _find_section(field.annotation)
        if inner is not None:
            yield from _describe_section(f"{place}.{name}", inner)


def _find_section(annotation: object) -> type[Section] | None:
    """Return the table a field is, or may be; None for a field that is no table with fields of its own."""
    for one in (annotation, *get_args(annotation)):
        if isinstance(one, type) and issubclass(one, Section) and not issubclass(one, Choice):
            return one
    return None


def _show_default(default: object) -> str:
    if default is PydanticUndefined:
        return "required"
    if default is None:
        return "left out"
    if isinstance(default, Choice):
        return default.name
    if isinstance(default, bool):
        return str(default).lower()
    return repr(list(default)) if isinstance(default, tuple) else f"{default}"
