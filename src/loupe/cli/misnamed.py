"""An option that a verb does not have: which one is meant, or which field of the file that the verb reads."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from cyclopts import ArgumentCollection, UnknownOptionError

from loupe.errors import suggest
from loupe.other_names import find_surely


@dataclass(frozen=True)
class FieldsOf:
    """Stands with an argument that takes changes of fields: those of a recipe, a study or a search."""

    kind: Literal["recipe", "study", "search"]


_SHAPES = {
    "recipe": "and fields as section.field=value",
    "study": "and fields as field=value, those of its recipe as set.section.field=value",
}


@dataclass(frozen=True)
class Misnamed:
    """An option that does not exist.

    Args:
        typed: as it was written, without a value.
        given: as it was written, with one.
        allowed: the options there are.
        nearest: what is meant; None if nothing is near.
        next_step: what to do, where that is not to look into the help.
    """

    typed: str
    given: str
    allowed: str
    nearest: str | None
    next_step: str | None


def read_misnamed(error: UnknownOptionError) -> Misnamed:
    """Return what can be told of an option that a verb does not have."""
    given = error.token.keyword or error.token.value  # behind an argument it is the keyword
    typed, _, value = given.partition("=")
    arguments = [one for one in error.argument_collection if one.parse]
    names = sorted({name for one in arguments for name in one.names if name.startswith("-")})
    negatives = {name for one in arguments for name in one.negatives}
    flags = {one.name: one for one in arguments if one.hint is bool}
    kind = find_kind(error.argument_collection)
    word = typed.lstrip("-").replace("-", "_")
    positive = _strip_no(word, [name for name in names if name not in negatives])
    next_step = None
    if positive is not None:  # the opposite of what is wanted is never meant
        nearest = _find_option(word, negatives)
        meant = _find_option(positive, flags)
        if nearest is None and meant is not None:
            next_step = f"leave it out: {meant} is off unless it is given"
        elif nearest is None and kind is not None:
            nearest = write_field(kind, positive, "", is_off=True)
    else:
        sure = {_bare(name): name for name in names}
        nearest = sure.get(find_surely(word, sure) or "")
        if nearest is None and kind is not None:  # as tools with an option for each setting have it
            nearest = write_field(kind, word, value)
        nearest = nearest or _find_option(word, set(names) - negatives)
    allowed = ", ".join(names) or "no option but --help"
    shape = f", {_SHAPES.get(kind, _SHAPES['study'])}" if kind is not None else ""
    return Misnamed(typed, given, allowed + shape, nearest, next_step)


def find_kind(arguments: ArgumentCollection) -> str | None:
    """Return whose fields a verb takes; None if it takes none."""
    found = (mark for one in arguments for mark in get_args(one.field_info.annotation))
    return next((mark.kind for mark in found if isinstance(mark, FieldsOf)), None)


def write_field(kind: str, word: str, value: str, *, is_off: bool = False) -> str | None:
    """Return what sets the field that a word means, in a recipe, study or search."""
    from loupe.recipe.field_names import find_field, find_own, write_change, write_off, write_value_of

    own = find_own(_list_own(kind), word)
    if own is not None:
        return write_off(*own) if is_off else write_value_of(*own, value)
    field = find_field(word)
    change = write_change(field, value, is_off=is_off) if field is not None else None
    if change is None or kind == "recipe":
        return change
    return " ".join(f"set.{part}" for part in change.split(" "))


def _list_own(kind: str) -> Mapping[str, Any]:
    """Return the fields that a study or search itself has."""
    from loupe.searches.schema import Search
    from loupe.studies.schema import Study

    return {"study": Study.model_fields, "search": Search.model_fields}.get(kind, {})


def _find_option(word: str, names: Iterable[str]) -> str | None:
    """Return the option nearest to a word: their dashes make none of them alike."""
    bare = {_bare(name): name for name in names}
    joined = {name.replace("_", ""): name for name in bare}
    near = suggest(word, bare) or joined.get(suggest(word.replace("_", ""), joined) or "")
    return bare[near] if near is not None else None


def _strip_no(word: str, names: Iterable[str]) -> str | None:
    """Return what a word takes back: no_test, notest → test; None if it takes nothing back."""
    known = [_bare(name).replace("_", "") for name in names]
    joined = word.replace("_", "")
    is_one = word.startswith("no_") or (joined.startswith("no") and joined[2:] in known)
    return word.removeprefix("no").removeprefix("_") if is_one and word not in map(_bare, names) else None


def _bare(name: str) -> str:
    return name.lstrip("-").replace("-", "_")
