"""The fields of a study as text, for the help of the command line."""

from collections.abc import Iterator

from pydantic_core import PydanticUndefined

from loupe.recipe.sections import Section
from loupe.study.schema import Axis, Skip, Stage, Study

_TABLES: dict[str, tuple[str, type[Section]]] = {
    "axes": ("axes.NAME.", Axis),
    "stages": ("stages.NAME.", Stage),
    "skip": ("skip.", Skip),
}


def describe_study_fields() -> Iterator[tuple[str, str, str]]:
    """Yield (field, default, description) of every field of a study, in the order of the file."""
    yield from _describe("", Study)


def _describe(prefix: str, section: type[Section]) -> Iterator[tuple[str, str, str]]:
    for name, field in section.model_fields.items():
        yield f"{prefix}{name}", _show(field.default), field.description or ""
        if not prefix and name in _TABLES:
            yield from _describe(*_TABLES[name])


def _show(default: object) -> str:
    if default is PydanticUndefined:
        return "required"
    if default is None or default in ((), {}, ""):
        return "left out"
    return str(list(default)) if isinstance(default, tuple) else str(default)
