"""Checking values against a pydantic model, and saying what is wrong in words a reader can use."""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from loupe.errors import LoupeError, Mistake, suggest
from loupe.other_names import find_surely
from loupe.wording import count_of

Checked = TypeVar("Checked", bound=BaseModel)

_OF_A_KEY = "[key]"  # what pydantic adds to a place if it is the name there that is wrong


def validate_strictly(model: type[Checked], values: Mapping[str, Any]) -> Checked:
    """Return the values as an instance of the model, without guessing.

    By way of JSON: there, strict means no 1 for true and no "3" for 3, but lists may be tuples.

    Raises:
        pydantic.ValidationError: with every mistake; `describe_pydantic_errors` puts it into words.
        LoupeError: they are nested too deep.
    """
    try:
        text = json.dumps(values, default=str)
    except RecursionError:
        raise LoupeError(
            "These settings are nested too deep to be read.",
            got="hundreds of tables inside one another",
            allowed="section.field = value, and a table or two inside",
            next_step="mend the name with so many dots",
        ) from None
    return model.model_validate_json(text, strict=True)


def keep_sound(
    model: type[Checked],
    values: Mapping[str, Any],
    errors: Iterable[Mapping[str, Any]],
    *,
    tables: Iterable[str] = (),
    stand_ins: Mapping[str, Any],
) -> tuple[Checked | None, frozenset[str]]:
    """Return what has no mistake of form, so that the rest of it can be judged, and what was left out.

    Args:
        model: what the values were held against.
        values: with the mistakes.
        errors: the dictionaries of `ValidationError.errors()`.
        tables: fields whose entries bear names of the user's: a wrong entry leaves out itself alone.
        stand_ins: what stands for a field without a default.

    Returns:
        an instance, or None if nothing can be told from what is left; and the places that are not as they
        were meant: fields, and `arms.NAME` where a table has lost an entry. A field that nobody knows stands
        for the one that was probably meant.
    """
    kept, lost, tables = {**values}, set[str](), tuple(tables)
    for error in errors:
        field, *inner = error["loc"] or ("",)
        named = kept.get(field)
        if field in tables and inner and isinstance(named, Mapping):
            kept[field] = {name: one for name, one in named.items() if name != inner[0]}
            lost.add(f"{field}.{inner[0]}")
        else:
            kept.pop(field, None)
            lost |= {field, suggest(field, model.model_fields) or field}
    emptied = {field for field in tables if values.get(field) and not kept.get(field)}
    filled = {**stand_ins, **{field: value for field, value in kept.items() if field not in emptied}}
    try:
        return validate_strictly(model, filled), frozenset(lost | emptied)
    except ValidationError:
        return None, frozenset(lost | emptied)


def shorten(mistake: Mistake) -> Mistake:
    """Return a mistake without the whole table that a wrong value may be."""
    got = mistake.got if len(mistake.got) <= _LONGEST_VALUE else f"{mistake.got[: _LONGEST_VALUE - 3]}…"
    return replace(mistake, got=got)


_LONGEST_VALUE = 80


def describe_pydantic_errors(
    errors: Iterable[Mapping[str, Any]],
    *,
    where: str,
    fields: Mapping[str, Iterable[str]],
    find_elsewhere: Callable[[str], str | None] = lambda name: None,
) -> list[Mistake]:
    """Translate what pydantic reports into mistakes a reader can mend.

    Args:
        errors: the dictionaries of `ValidationError.errors()`.
        where: dotted place of the checked table, or "" for the whole recipe.
        fields: allowed names of each table, keyed by its place inside the checked one ("" = itself); the
            `model_fields` of a model say what a list holds too.
        find_elsewhere: returns the dotted place of the field that is called so in another table, or None.
    """
    mistakes, errors = [], list(errors)
    places = [error["loc"] for error in errors]
    for error in errors:
        if error["type"] == "too_short" and any(one[:-1] == error["loc"] for one in places):
            continue  # items that are wrong do not count as items
        inside = [str(part) for part in error["loc"] if part != _OF_A_KEY]
        shown = name_place(*inside)
        place = ".".join(part for part in (where, shown) if part) or "recipe"
        if error["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
            names = sorted(fields.get(".".join(inside[:-1]), ()))
            mistakes.append(
                Mistake(
                    place,
                    "an unknown field",
                    ", ".join(names) or "no settings here",
                    _find_meant(inside[-1], names, find_elsewhere),
                )
            )
        elif error["type"] in ("missing", "missing_argument", "missing_keyword_only_argument"):
            mistakes.append(Mistake(place, "nothing", "a value is required"))
        else:
            mistakes.append(_describe_bad_value(place, error, inside, fields))
    return mistakes


def _find_meant(name: str, names: Sequence[str], find_elsewhere: Callable[[str], str | None]) -> str | None:
    """Return the field that is meant: this one elsewhere, or what another tool calls so; else the nearest."""
    return find_surely(name, names) or find_elsewhere(name) or suggest(name, names)


def name_place(*parts: object) -> str:
    """Return the dotted place of a field, each part as it has to stand in TOML: axes."my axis".values."""
    return ".".join(map(_quote, map(str, parts)))


def _quote(part: str) -> str:
    return part if re.fullmatch(r"[\w.-]+", part) else json.dumps(part, ensure_ascii=False)


_PLAIN_WORDS = {
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "string_type": "a text",
    "string_pattern_mismatch": "letters, digits, '.', '_' and '-'",
    "model_type": "a name, or a table of fields",
    "model_attributes_type": "a name, or a table of fields",
    "dict_type": "a table of fields",
    "greater_than": "a number > {gt:g}",
    "greater_than_equal": "a number ≥ {ge:g}",
    "less_than": "a number < {lt:g}",
    "less_than_equal": "a number ≤ {le:g}",
}


def _describe_bad_value(
    place: str, error: Mapping[str, Any], inside: Sequence[str], fields: Mapping[str, Iterable[str]]
) -> Mistake:
    """Return what is wrong with a value; `fields` are the fields of tables, that of the value among them."""
    context, kind = error.get("ctx", {}), error["type"]
    nearest = None
    if kind in _OF_TABLES or kind in _OF_LISTS:
        table = fields.get(".".join(inside[:-1]), ())
        info = table.get(inside[-1]) if inside and isinstance(table, Mapping) else None
        names = sorted(fields.get(".".join(inside), ()))
        if kind in _OF_LISTS:
            allowed = _describe_list(place, error["input"], info)
        else:
            allowed = _describe_table(place, error["input"], info, names, _PLAIN_WORDS[kind])
    elif kind == "greater_than" and isinstance(context["gt"], int):
        allowed = f"a whole number ≥ {context['gt'] + 1}"
    elif kind == "less_than_equal" and isinstance(context["le"], int):
        allowed = f"a whole number ≤ {context['le']}"
    elif kind in ("too_short", "too_long"):
        bound, number = ("least", "min_length") if kind == "too_short" else ("most", "max_length")
        allowed = f"at {bound} {count_of(context[number], 'item')}"
    elif kind in _PLAIN_WORDS:
        allowed = _PLAIN_WORDS[kind].format(**context)
    elif kind == "literal_error":
        allowed = str(context["expected"])
        choices = allowed.replace(" or ", ", ").replace("'", "").split(", ")
        nearest = suggest(error["input"], choices)
    elif "error" in context:  # a ValueError raised by a validator carries its own sentence
        allowed = str(context["error"])
    else:
        allowed = error["msg"].removeprefix("Input should be ").removeprefix("Value error, ")
    return Mistake(place, write_value(error["input"]), allowed, nearest)


_OF_TABLES = ("dict_type", "model_type", "model_attributes_type")
_OF_LISTS = ("tuple_type", "list_type")


def _describe_table(place: str, value: object, info: Any, names: Sequence[str], plainly: str) -> str:
    """Return what a table looks like: its fields, and its heading where it was written as `[[…]]`."""
    is_array = isinstance(value, list) and bool(value) and all(isinstance(one, dict) for one in value)
    if is_array and _holds_tables_by_name(getattr(info, "annotation", None)):
        return f"a table for each name: [{place}.NAME]"
    allowed = f"a table of fields: {', '.join(names)}" if names else plainly
    return f"{allowed}; its heading is [{place}]" if is_array else allowed


def _holds_tables_by_name(hint: Any) -> bool:
    """Return whether a field is a table of tables, by names that are the user's own."""
    if get_origin(hint) in (Union, UnionType):
        return any(map(_holds_tables_by_name, get_args(hint)))
    return get_origin(hint) is dict and _is_table(get_args(hint)[1])


def _is_table(hint: Any) -> bool:
    if get_origin(hint) in (Union, UnionType):
        return any(map(_is_table, get_args(hint)))
    hint = get_args(hint)[0] if get_origin(hint) is Annotated else hint
    return get_origin(hint) is dict or (isinstance(hint, type) and issubclass(hint, BaseModel))


def _describe_list(place: str, value: object, info: Any) -> str:
    """Return what a list looks like, with an example: the default of the field, or the value in brackets."""
    default = getattr(info, "default", None)
    examples = getattr(info, "examples", None) or (
        [default] if default and isinstance(default, tuple) else []
    )
    if isinstance(value, dict):
        item = get_args(getattr(info, "annotation", None))[:1]
        is_of_tables = bool(item) and isinstance(item[0], type) and issubclass(item[0], BaseModel)
        return f"a list of tables: [[{place}]]" if is_of_tables else "a list in brackets"
    example = examples[0] if examples else [value] if isinstance(value, str | int | float) else None
    return "a list in brackets" + (f", such as {write_value(example)}" if example else "")


def write_value(value: object) -> str:
    """Return a value as it stands in TOML: true, [1, 2], {name = 'sgd'}; a text in single quotation marks."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(write_value, value))}]"
    if isinstance(value, Mapping):
        keys = [name if _BARE.fullmatch(name) else write_value(name) for name in map(str, value)]
        inside = zip(keys, map(write_value, value.values()), strict=True)
        return f"{{{', '.join(f'{key} = {one}' for key, one in inside)}}}"
    if not isinstance(value, str):
        return repr(value)
    is_plain = value.isprintable() and "'" not in value
    return f"'{value}'" if is_plain else json.dumps(value, ensure_ascii=False)


_BARE = re.compile(r"[A-Za-z0-9_-]+")
