"""Which field of a recipe is meant by a word, and how it is set from the command line."""

from collections.abc import Mapping
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from loupe.other_names import find_surely, translate_verb
from loupe.recipe.data_section import DataSection, Fold, LabelNoise, Normalization
from loupe.recipe.schema import EvaluateSection, Recipe, RunSection, TransferSection
from loupe.recipe.sections import Choice
from loupe.recipe.train_section import (
    EarlyStopping,
    FreezeLater,
    HardExamples,
    Lookahead,
    ProgressiveResizing,
    TrainSection,
)

_OF_CHOICES = (  # settings that most of a kind have; they are checked with the choice itself
    "train.optimizer.learning_rate",
    "train.optimizer.momentum",
    "train.optimizer.weight_decay",
    "data.path",
    "data.test_part",
)
_NAMED = ("data", "model", "transfer")  # sections that a bare word stands for


def list_tables() -> dict[str, type[BaseModel]]:
    """Return the tables of a recipe by their place; "" is the recipe itself."""
    return {
        "": Recipe,
        "data": DataSection,
        "data.fold": Fold,
        "data.label_noise": LabelNoise,
        "data.normalize": Normalization,
        "transfer": TransferSection,
        "train": TrainSection,
        "train.early_stopping": EarlyStopping,
        "train.freeze_later": FreezeLater,
        "train.hard_examples": HardExamples,
        "train.lookahead": Lookahead,
        "train.progressive_resizing": ProgressiveResizing,
        "evaluate": EvaluateSection,
        "run": RunSection,
    }


def find_field(name: str) -> str | None:
    """Return the place of the field called so, here or by other tools: epochs, max_epochs → train.epochs."""
    places = {place.rpartition(".")[2]: place for place in _OF_CHOICES}
    tables = list_tables()
    for table, section in reversed(tables.items()):  # the outermost field of a name is meant
        dotted = {field: ".".join(filter(None, (table, field))) for field in section.model_fields}
        kept = {one: place for one, place in dotted.items() if place not in tables or "." in place}
        places |= kept | {one: place for one, place in dotted.items() if place in _NAMED}
    nearest = find_surely(name, places)
    return places[nearest] if nearest else None


def find_meant(name: str) -> str | None:
    """Return the field that is meant by a name which none here has, or else the verb."""
    verb = translate_verb(name)
    return find_field(name) or (f"loupe {verb}" if verb else None)


def find_field_of_set(name: str) -> str | None:
    """Return where the field of a recipe called so stands in a study or search: epochs → set.train.epochs."""
    place = name if name in list_tables() and name else find_field(name)
    return f"set.{place}" if place else None


def write_change(place: str, value: str, *, is_off: bool = False) -> str | None:
    """Return what sets a field from the command line, as far as it can be told: train.epochs=3.

    Args:
        place: the field, as `find_field` returns it.
        value: as it was given; "" if it was not.
        is_off: the field is to be switched off.

    Returns:
        None where no single value does that.
    """
    tables = list_tables()
    table, _, field = place.rpartition(".")
    info = tables[table].model_fields.get(field) if table in tables else None
    inner = tables.get(place)
    if is_off:
        return write_off(place, info)
    if inner is not None and place not in _NAMED:
        required = [name for name, one in inner.model_fields.items() if one.is_required()]
        names = required or list(inner.model_fields)[:1]
        parts = [
            write_value_of(f"{place}.{name}", inner.model_fields[name], value if len(names) == 1 else "")
            for name in names
        ]
        return " ".join(filter(None, parts))
    return f"{place}={value or 'VALUE'}" if info is None else write_value_of(place, info, value)


def write_value_of(place: str, info: FieldInfo, value: str = "") -> str | None:
    """Return what sets a field of a known type; None where that is a table with names of the user's."""
    kinds = _list_kinds(info.annotation)
    if kinds and all(get_origin(kind) is dict for kind in kinds):
        return None
    if place.rpartition(".")[2] == "seeds" and (not value or value.isdecimal()):  # so many, elsewhere
        return f"{place}={list(range(min(int(value or 2), _MOST_SEEDS)))}"
    is_list = any(get_origin(kind) is tuple for kind in kinds)
    is_of_choices = any(Choice in get_args(kind) for kind in kinds)
    if is_list and not is_of_choices and not value.startswith("["):
        return f"{place}=[{value or 'VALUE'}]"
    return f"{place}={value or ('true' if kinds == [bool] else 'VALUE')}"


_MOST_SEEDS = 100


def write_off(place: str, info: FieldInfo | None) -> str | None:
    """Return what switches a field off; None where nothing does that for certain."""
    kinds = _list_kinds(info.annotation) if info is not None else []
    if kinds == [bool]:
        return f"{place}=false"
    return f"{place}=[]" if len(kinds) == 1 and Choice in get_args(kinds[0]) else None


def _list_kinds(hint: Any) -> list[Any]:
    """Return what a hint may be, but None."""
    if get_origin(hint) is Annotated:
        return _list_kinds(get_args(hint)[0])
    if get_origin(hint) not in (Union, UnionType):
        return [] if hint is type(None) else [hint]
    return [kind for one in get_args(hint) for kind in _list_kinds(one)]


def find_own(fields: Mapping[str, FieldInfo], word: str) -> tuple[str, FieldInfo] | None:
    """Return which of the fields a word means, here or in other tools."""
    name = find_surely(word, fields)
    return (name, fields[name]) if name is not None else None
