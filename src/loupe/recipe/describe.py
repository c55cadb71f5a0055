"""The fields of a recipe as text, for the help of the command line."""

from collections.abc import Iterator

from pydantic import BaseModel

from loupe.recipe.schema import Choice, EarlyStopping, Recipe, Section


def describe_fields() -> Iterator[tuple[str, str, str]]:
    """Yield (dotted field, default, description) of every field, in the order of the file."""
    for name, field in Recipe.model_fields.items():
        annotation = field.annotation
        if isinstance(annotation, type) and issubclass(annotation, Section):
            yield from _describe_section(name, annotation)
        else:
            yield name, _show_default(field.default), field.description or ""


def _describe_section(place: str, section: type[BaseModel]) -> Iterator[tuple[str, str, str]]:
    for name, field in section.model_fields.items():
        yield f"{place}.{name}", _show_default(field.default), field.description or ""
        if field.annotation == EarlyStopping | None:
            yield from _describe_section(f"{place}.{name}", EarlyStopping)


def _show_default(default: object) -> str:
    if default is None:
        return "left out"
    if isinstance(default, Choice):
        return default.name
    if isinstance(default, bool):
        return str(default).lower()
    return repr(list(default)) if isinstance(default, tuple) else f"{default}"
