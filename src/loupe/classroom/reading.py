"""From a TOML file to an exercise, with all mistakes of form at once."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from loupe.checking import describe_pydantic_errors, keep_sound, shorten, validate_strictly
from loupe.classroom.schema import Exercise, Grading, HiddenPart
from loupe.errors import ExerciseError, LoupeError, Mistake, describe_cause
from loupe.plugins import expand_path
from loupe.recipe import name_mapping, read_toml
from loupe.recipe.kinds import find_packaged_elsewhere, refuse_folder, refuse_other_kind
from loupe.runs.reading import read_text
from loupe.studies.describe_fields import describe_tables


@dataclass(frozen=True)
class ExerciseDraft:
    """An exercise as far as it could be read.

    Args:
        name: what messages call it.
        exercise: without what has mistakes of form; None if nothing is left to be judged.
        mistakes: of form.
        lost: fields that are not as they were meant.
    """

    name: str
    exercise: Exercise | None
    mistakes: tuple[Mistake, ...] = ()
    lost: frozenset[str] = frozenset()


def parse_exercise(mapping: Mapping[str, Any]) -> Exercise:
    """Return the exercise a mapping describes.

    Raises:
        ExerciseError: with every mistake of form.
    """
    draft = draft_exercise(mapping)
    if draft.mistakes or draft.exercise is None:
        raise ExerciseError(draft.name, draft.mistakes)
    return draft.exercise


def draft_exercise(mapping: Mapping[str, Any]) -> ExerciseDraft:
    """Return the exercise a mapping describes, with every mistake of form."""
    try:
        exercise = validate_strictly(Exercise, mapping)
    except ValidationError as error:
        found = error.errors()
        tables: dict[str, type[BaseModel]] = {"": Exercise, "hidden": HiddenPart, "graded": Grading}
        fields = {place: table.model_fields for place, table in tables.items()}
        sound, lost = keep_sound(Exercise, mapping, found, stand_ins={"task": "-", "data": "digits"})
        of_form = describe_pydantic_errors(found, where="", fields=fields)
        name = name_mapping(mapping)
        return ExerciseDraft(name, sound, tuple(map(shorten, of_form)), lost)
    return ExerciseDraft(exercise.name, exercise)


def read_exercise_file(place: str | Path) -> dict[str, Any]:
    """Return the mapping of an exercise's TOML file; paths in it that lie beside it are written out.

    Raises:
        LoupeError: the file cannot be read, or is not TOML.
    """
    path = expand_path(str(place))
    if path.is_dir():
        refuse_folder("exercise", path)
        path = path / "exercise.toml"
    elsewhere = find_packaged_elsewhere("exercise", str(place))
    try:
        text = read_text(path).removeprefix("\ufeff")
    except (OSError, ValueError) as error:
        raise LoupeError(
            f"The exercise {path} cannot be read.",
            got=describe_cause(error),
            allowed="a TOML file with task, data, recipe, fixed …",
            next_step=elsewhere or "`loupe class make --help` lists the fields",
        ) from None
    name = re.sub(r"[^\w.-]+", "-", path.stem).strip("-.") or "exercise"
    found = read_toml(text, str(path))
    refuse_other_kind("exercise", str(place), found)
    mapping = {"name": name, **found}
    return mapping | {one: _place(mapping[one], path.parent) for one in ("data", "recipe") if one in mapping}


def _place(value: Any, folder: Path) -> Any:
    """Return a path, or a table's, as it is seen from here, where it lies beside the exercise."""
    if isinstance(value, str):
        beside = folder / value
        return str(beside.resolve()) if value and beside.exists() else value
    if isinstance(value, Mapping):
        return {key: _place(one, folder) if key.endswith("path") else one for key, one in value.items()}
    return value


def describe_exercise_fields() -> Iterator[tuple[str, str, str]]:
    """Yield (field, default, description) of every field of an exercise, in the order of the file."""
    yield from describe_tables(Exercise, {"hidden": ("hidden.", HiddenPart), "graded": ("graded.", Grading)})
