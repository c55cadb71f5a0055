"""From TOML, mappings and command-line overrides to a recipe, with all mistakes of form at once."""

import tomllib
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from loupe.checking import describe_pydantic_errors, validate_strictly
from loupe.errors import LoupeError, Mistake, RecipeError
from loupe.recipe.field_names import find_meant, list_tables
from loupe.recipe.former_names import name_now, read_former_names
from loupe.recipe.schema import Recipe
from loupe.recipe.sections import read_choice_text
from loupe.recipe.toml_mistakes import explain, explain_value


def parse_recipe(mapping: Mapping[str, Any]) -> Recipe:
    """Return the recipe a mapping describes.

    Raises:
        RecipeError: with every mistake of form.
    """
    mistakes = find_form_mistakes(mapping)
    if mistakes:
        raise RecipeError(name_mapping(mapping), mistakes)
    return _validate(mapping)


def name_mapping(mapping: Mapping[str, Any]) -> str:
    """Return what a recipe, study or search calls itself, whatever is wrong with it."""
    name = mapping.get("name", "unnamed")
    if isinstance(name, Mapping):  # as name.foo=1 makes it
        name = name.get("name")
    return name if isinstance(name, str) else "unnamed"


def find_form_mistakes(mapping: Mapping[str, Any]) -> list[Mistake]:
    """Return every unknown field, wrong type and value out of range."""
    try:
        _validate(mapping)
    except ValidationError as error:
        found, fields = error.errors(), {place: table.model_fields for place, table in list_tables().items()}
        return describe_pydantic_errors(found, where="", fields=fields, find_elsewhere=find_meant)
    return []


def _validate(mapping: Mapping[str, Any]) -> Recipe:
    return validate_strictly(Recipe, read_former_names(_expand_names(mapping)))


def _write_out(place: str, bare: str) -> dict[str, Any]:
    """Return the table that a bare word stands for: a name, or the run to transfer from."""
    return {"run" if place == "transfer" else "name": bare}


_CHOICES: dict[str, tuple[str, ...]] = {
    "model": (),
    "data": ("augment", "mix"),
    "train": ("optimizer", "schedule", "loss"),
    "evaluate": ("metrics", "looks"),
    "run": ("trackers", "observers"),
}
_LISTS = ("augment", "metrics", "looks", "trackers", "observers")  # of choices; one may stand alone
_WORDS = ("metrics", "looks")  # settings may stand behind the name: top_k_accuracy:k=3
_UNNAMED = ("train", "evaluate", "run")  # sections that a bare word does not stand for


def _expand_names(mapping: Mapping[str, Any]) -> dict[str, Any]:
    """Return the recipe with bare names, such as `model = "mlp"`, written out as tables."""
    expanded = {**mapping}
    if isinstance(expanded.get("transfer"), str):
        expanded["transfer"] = _write_out("transfer", expanded["transfer"])
    for section, choices in _CHOICES.items():
        if section not in expanded:
            continue
        table = expanded[section] if section in _UNNAMED else _expand_name(expanded[section])
        if isinstance(table, Mapping):
            table = {**table, **_expand_choices(table, choices)}
            hard = table.get("hard_examples")
            if section == "train" and isinstance(hard, Mapping) and "proxy" in hard:
                table["hard_examples"] = {**hard, "proxy": _expand_name(hard["proxy"])}
        expanded[section] = table
    return expanded


def _expand_choices(table: Mapping[str, Any], choices: Sequence[str]) -> dict[str, Any]:
    """Return those fields of a section that name choices, with the names written out."""
    expanded = {}
    for choice in choices:
        value = table.get(choice)
        if choice in _LISTS and isinstance(value, str | Mapping):
            value = [value]
        if isinstance(value, list | tuple):
            expanded[choice] = [_expand_name(one, choice) for one in value]
        elif value is not None:
            expanded[choice] = _expand_name(value)
    return expanded


def _expand_name(value: Any, choice: str = "") -> Any:
    """Return a bare name as a table; what is no name as it is."""
    if not isinstance(value, str):
        return value
    name, settings = read_choice_text(value) if choice in _WORDS else (value, {})
    return {"name": name, **settings}


def read_toml(text: str, source: str) -> dict[str, Any]:
    """Return the mapping a TOML text holds.

    Raises:
        LoupeError: the text is not TOML; the message carries the line, its number and the column.
    """
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
        mistake = explain(error, text)
        raise LoupeError(
            f"{source} is not valid TOML.",
            got=str(mistake),
            allowed='lines such as `epochs = 20` or `name = "cnn"` under `[section]` headings',
            next_step=mistake.next_step,
        ) from None


def parse_override(text: str) -> tuple[str, Any]:
    """Return place and value of one `section.field=value` from the command line.

    The value is read as TOML; what is not TOML is taken as a string; `none` takes the field out.

    Raises:
        LoupeError: there is no `=`, or nothing stands before it.
    """
    dotted, sign, written = text.partition("=")
    dotted, written = dotted.strip(), written.strip()
    if not sign or not dotted or "\n" in dotted:
        raise LoupeError(
            f"{text!r} does not change any field.",
            got=text,
            allowed="section.field=value, for example train.epochs=5",
            next_step="`loupe train --help` lists the fields",
        )
    if written.casefold() == "none":
        return dotted, None
    try:
        read = tomllib.loads(f"value = {written}")
        return dotted, read["value"] if len(read) == 1 else written  # a line more is a text of several lines
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
        if written[:1] in tuple("[{\"'"):  # meant as TOML, and broken
            raise LoupeError(
                f"The value of {dotted} is not valid TOML.",
                got=written,
                allowed='a number, true, false, a text, a list ([1, 2]) or a table ({name = "sgd"})',
                next_step=explain_value(error, written),
            ) from None
        return dotted, written


def apply_overrides(mapping: dict[str, Any], overrides: object) -> tuple[str, ...]:
    """Set the fields that overrides name in a recipe, study or search, and return the overrides as a list.

    Args:
        mapping: changed in place.
        overrides: as `list_overrides` takes them.

    Raises:
        LoupeError: they are no texts, or change no field.
    """
    listed = list_overrides(overrides)
    for override in listed:
        dotted, value = parse_override(override)
        set_value(mapping, dotted, value)
    return listed


def list_overrides(overrides: object) -> tuple[str, ...]:
    """Return overrides one by one.

    Args:
        overrides: `section.field=value`, as one text or in lists and tuples, these in others too.

    Raises:
        LoupeError: they are something else.
    """
    if isinstance(overrides, str):
        return (overrides,)
    if isinstance(overrides, list | tuple):
        return tuple(text for one in overrides for text in list_overrides(one))
    raise LoupeError(
        "Changes of fields are texts.",
        got=f"{type(overrides).__name__}: {overrides!r}"[:120],
        allowed='"section.field=value" texts, one by one or in a list, for example "train.epochs=5"',
        next_step="write each change as a text",
    )


def set_value(mapping: dict[str, Any], dotted: str, value: Any) -> None:
    """Set a dotted field in place; None takes it out.

    A table written as a bare name (`model=mlp`, `train.optimizer=sgd`) is replaced whole, because the
    settings of another model mean nothing to it. A former name of a field does what its name of today does.
    """
    *parents, last = name_now(dotted).split(".")
    table = mapping
    for parent in parents:
        inner = table.get(parent)
        if isinstance(inner, str):
            inner = _write_out(parent, inner)
        table[parent] = dict(inner) if isinstance(inner, Mapping) else {}
        table = table[parent]
    if value is None:
        table.pop(last, None)
    else:
        table[last] = value
