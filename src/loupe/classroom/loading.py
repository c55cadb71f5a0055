"""From what a teacher typed to an exercise that is right, in itself and in the recipe it hands out."""

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loupe.classroom.reading import draft_exercise, read_exercise_file
from loupe.classroom.schema import Exercise
from loupe.errors import ExerciseError, LoupeError, Mistake, RecipeError, UntrustedPluginError, suggest
from loupe.metrics.registry import find_metric_mistakes
from loupe.models import objective_of
from loupe.plugins import list_plugins, refuse_untrusted
from loupe.recipe import Recipe, read_recipe_file, set_value
from loupe.recipe.data_section import DataSection
from loupe.running import load_recipe

PLACES = ("run.folder", "run.device", "run.threads", "data.path", "data.labels_path")
"""Fields that say where, not what: they are nobody's to fix."""


@dataclass(frozen=True)
class Prepared:
    """An exercise that can be made.

    Args:
        exercise: as the teacher wrote it.
        recipe: what students begin with, complete, on the images as the teacher has them.
        written: the same as the exercise's author wrote it: a mapping without defaults.
    """

    exercise: Exercise
    recipe: Recipe
    written: Mapping[str, Any]


def load_exercise(place: str | Path | Mapping[str, Any]) -> Prepared:
    """Return an exercise, checked; no data is loaded.

    Args:
        place: a TOML file, the folder of an `exercise.toml`, or a mapping.

    Raises:
        ExerciseError: with every mistake.
        LoupeError: the file cannot be read.
    """
    draft = draft_exercise(place if isinstance(place, Mapping) else read_exercise_file(place))
    exercise, lost, mistakes = draft.exercise, draft.lost, list(draft.mistakes)
    if exercise is None or {"recipe", "set", "data"} & lost:
        raise ExerciseError(
            draft.name, mistakes + ([] if exercise is None else _find_metric_mistakes(exercise))
        )
    mistakes += _find_metric_mistakes(exercise)
    recipe, written = None, dict[str, Any]()
    try:
        written = write_recipe(exercise)
        for plugin in list_plugins(written.get("run", {}).get("plugins", [])):
            refuse_untrusted(plugin)  # of an exercise from elsewhere
        recipe = load_recipe(written)
    except UntrustedPluginError:
        raise
    except RecipeError as error:
        mistakes += [_rename(one) for one in error.mistakes]
    except LoupeError as error:
        mistakes.append(Mistake.of_whole(error, "a recipe that can be trained").within("recipe"))
    if recipe is not None:
        further = [*_find_field_mistakes(exercise, recipe), *_find_kind_mistakes(exercise, recipe)]
        mistakes += [one for one in further if one.where not in lost]
    if mistakes or recipe is None:
        raise ExerciseError(draft.name, mistakes)
    return Prepared(exercise, recipe, written)


def write_recipe(exercise: Exercise) -> dict[str, Any]:
    """Return the recipe that an exercise hands out, on the images as the teacher has them."""
    mapping: dict[str, Any] = (
        copy.deepcopy(exercise.recipe)
        if isinstance(exercise.recipe, dict)
        else read_recipe_file(exercise.recipe)
    )
    for name, value in exercise.set.items():
        is_section = isinstance(value, Mapping) and "." not in name and "name" not in value
        inner = value.items() if is_section else [("", value)]  # another model has other settings
        for field, one in inner:
            set_value(mapping, f"{name}.{field}".rstrip("."), one)
    before = mapping.get("data", {})
    kept = _without_source(before) if isinstance(before, Mapping) else {}
    mapping["data"] = {**kept, **name_data(exercise.data)}
    mapping["name"] = exercise.name
    return mapping


def name_data(data: str | Mapping[str, Any]) -> dict[str, Any]:
    """Return the table that a word stands for: a folder of images where one is there, else a dataset."""
    if isinstance(data, Mapping):
        return dict(data)
    return {"name": "folder", "path": data} if Path(data).is_dir() else {"name": data}


def _without_source(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a table [data] says of how images are split and prepared, not of where they come from."""
    fields = frozenset(DataSection.model_fields) - {"name", "classes", "sides_of", "corrections"}
    return {key: value for key, value in data.items() if key in fields}


def keep_preparation(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the table [data] of the pack's recipe: as written, but on the pack's own file."""
    return {**_without_source(data), "name": "arrays", "path": "data.npz"}


def find_fixed(recipe: Recipe, dotted: str) -> Any:
    """Return the value of a dotted field, or of a section without its places; None if left out."""
    values = recipe.to_dict()
    for place in PLACES:
        section, _, name = place.partition(".")
        values.get(section, {}).pop(name, None)
    found: Any = values
    for part in dotted.split("."):
        if not isinstance(found, Mapping) or part not in found:
            return None
        found = found[part]
    return found


def _find_metric_mistakes(exercise: Exercise) -> list[Mistake]:
    return find_metric_mistakes(exercise.graded.metric, "classification", "graded.metric")


def _find_field_mistakes(exercise: Exercise, recipe: Recipe) -> Iterator[Mistake]:
    """Yield the fixed fields that a recipe does not have, or that are nobody's to fix."""
    known = sorted(list_fields(recipe.to_dict()) - set(PLACES))
    for field in exercise.fixed:
        if field not in known:
            where = f"fixed: {field}"
            sections = ", ".join(sorted({one.partition(".")[0] for one in known}))
            yield Mistake(
                where,
                "a field that says where, not what" if field in PLACES else "no field of a recipe",
                f"fields of its sections {sections}, such as train.epochs",
                suggest(field, known),
            )


def list_fields(values: Mapping[str, Any], prefix: str = "") -> set[str]:
    """Return the dotted fields of a recipe, sections too; those of a recipe that are left out as well."""
    found = set()
    for name, value in values.items():
        found.add(f"{prefix}{name}")
        if isinstance(value, Mapping):
            found |= list_fields(value, f"{prefix}{name}.")
    if not prefix:
        for section, field in Recipe.model_fields.items():
            found |= {section}
            inner = getattr(field.annotation, "model_fields", {})
            found |= {f"{section}.{name}" for name in inner}
        found -= {"name", "about"}
    return found


def _find_kind_mistakes(exercise: Exercise, recipe: Recipe) -> Iterator[Mistake]:
    if objective_of(recipe.model.name) != "classification":
        yield Mistake("recipe: model.name", repr(recipe.model.name), "a network that names classes")
    if recipe.run.seeds is not None:
        yield Mistake("recipe: run.seeds", str(list(recipe.run.seeds)), "one run; leave it out")
    if recipe.run.plugins and exercise.plugins == "none":
        yield Mistake("plugins", '"none", and the recipe names some', '"trusted"')
    if exercise.looks == 0 and recipe.evaluate.test:
        yield Mistake("looks", "0, and the recipe opens the test set", "1 or more, or evaluate.test = false")


def _rename(mistake: Mistake) -> Mistake:
    """Return a mistake of the recipe by where it stands in the exercise."""
    return mistake if mistake.where.startswith("data") else mistake.within("recipe")
