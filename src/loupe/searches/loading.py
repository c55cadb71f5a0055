"""From what the user typed to a search that is right, in itself and in the recipes it makes."""

import copy
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from loupe.errors import LoupeError, Mistake, RecipeError, SearchError
from loupe.models import objective_of
from loupe.recipe import apply_overrides, read_recipe_file
from loupe.runs.kept_recipes import find_recipe
from loupe.searches import Parameter, Search, read_search_file
from loupe.searches.reading import SearchDraft, draft_search
from loupe.searches.space import (
    Settings,
    allowed_names,
    is_active,
    is_finite,
    list_grid,
    make_recipe,
    order_space,
)


def load_search(search: str | Path | Mapping[str, Any] | Search, overrides: Sequence[str] = ()) -> Search:
    """Return a search, checked: each end of a range and each choice gives a recipe that can be trained.

    No data is loaded.

    Args:
        search: a packaged search's name, a TOML file, a search's folder, a mapping, or a search.
        overrides: changes as on the command line, such as `"trials=50"` or `"set.train.epochs=3"`.

    Raises:
        UnknownNameError: there is no such search.
        SearchError: with every mistake.
    """
    if isinstance(search, Search):
        mapping = search.model_dump(mode="json", exclude_none=True)
    elif isinstance(search, Mapping):
        mapping = copy.deepcopy(dict(search))
    else:
        mapping = read_search_file(search)
        place = Path(search).expanduser()
        if isinstance(recipe := mapping.get("recipe"), str):
            mapping["recipe"] = find_recipe(place, recipe)
    apply_overrides(mapping, overrides)
    draft = draft_search(mapping)
    mistakes = [*draft.mistakes, *_find_further(draft)]
    if mistakes or draft.search is None:
        raise SearchError(draft.name, mistakes)
    return draft.search


def _find_further(draft: SearchDraft) -> list[Mistake]:
    """Return what else is wrong with a search, as far as it can be judged without what is lost."""
    search, lost = draft.search, draft.lost
    if search is None:
        return []
    left_out = [one.removeprefix("space.") for one in sorted(lost) if one.startswith("space.")]
    mistakes = find_field_mistakes([*search.space, *left_out])
    doubted = {"objective"} & lost
    if any(one.partition(".")[0] in ("space", "trials") for one in lost):
        doubted |= {"trials"}  # the size of a grid
    mistakes += find_grid_mistakes(search)
    if not {"recipe", "set"} & lost:
        mistakes += find_recipe_mistakes(search)
    return [one for one in mistakes if one.where not in doubted]


def find_field_mistakes(fields: Iterable[str]) -> list[Mistake]:
    """Return the fields that cannot be searched: they say what is judged and where, not how it is trained."""
    allowed = "fields of data, model, transfer and train that leave the validation images as they are"
    return [
        Mistake(name_place(field), "a field that says what is judged, or where", allowed)
        for field in fields
        if field in _FIXED or field.partition(".")[0] in ("run", "evaluate", "name", "about")
    ]


_FIXED = ("data", "data.name", "data.path", "data.classes", "data.validation", "data.split_seed")


def find_grid_mistakes(search: Search) -> list[Mistake]:
    """Return what a grid cannot go through, and a number of trials that leaves some of it out."""
    if search.sampler != "grid":
        return []
    endless = [field for field, parameter in search.space.items() if not is_finite(parameter)]
    if endless:
        allowed = 'a grid goes through finite spaces: kind = "choice" with values, "int", or a step'
        return [Mistake(name_place(field), "a range without steps", allowed) for field in endless]
    size = len(list_grid(search))
    if search.trials is not None and search.trials != size:
        return [Mistake("trials", str(search.trials), f"{size}, the whole grid; leave it out")]
    return []


def find_recipe_mistakes(search: Search) -> list[Mistake]:
    """Return the mistakes of the recipes at the ends of each range and at each choice, each once."""
    try:
        read_recipe_file(search.recipe)
    except LoupeError as error:
        return [Mistake.of_whole(error, "a recipe that can be trained").within("recipe")]
    found: dict[str, Mistake] = {}
    objectives: set[str] = set()
    for place, settings in list_probes(search):
        try:
            recipe = make_recipe(search, settings, seed=search.seed)
            objectives.add(objective_of(recipe.model.name))
        except RecipeError as error:
            mistakes = list(error.mistakes)
        except LoupeError as error:
            mistakes = [Mistake.of_whole(error, "a recipe that can be trained")]
        else:
            continue
        for one in mistakes:
            here = "objective" if one.where == "evaluate.select_by" else one.where  # the search sets it
            there = replace(one, where=here)
            found.setdefault(str(one), there.within(place) if place else there)
    mistakes = list(found.values())
    if len(objectives) > 1:
        mistakes.append(
            Mistake("space", "classifiers and autoencoders", "one of the two: they share no score")
        )
    return mistakes


def list_probes(search: Search) -> Iterator[tuple[str, Settings]]:
    """Yield settings to check: the recipe as it is, then each end and choice with what it depends on."""
    yield "", {}
    for field, parameter in order_space(search):
        for value in list_ends(parameter):
            shown = f"{value:g}" if isinstance(value, float) else value
            yield f"{name_place(field)} = {shown}", reach(search, field, value)


def name_place(field: str) -> str:
    return f'space."{field}"'


def list_ends(parameter: Parameter) -> list[Any]:
    """Return what of a parameter is tried out beforehand."""
    if parameter.kind == "choice":
        return list(parameter.names)
    ends = [parameter.low or 0.0, parameter.high or 0.0]
    return [int(end) for end in ends] if parameter.kind == "int" else ends


def reach(search: Search, field: str, value: Any) -> Settings:
    """Return settings in which a field has a value, with the conditions it needs; others are left out."""
    wanted: dict[str, Any] = {field: value}
    waiting = [field]
    while waiting:
        for other, values in search.space[waiting.pop()].when.items():
            if other not in wanted:
                wanted[other] = allowed_names(search.space[other], values)[0]
                waiting.append(other)
    settings: Settings = {}
    for name, parameter in order_space(search):
        if name in wanted and is_active(search, parameter, settings):
            settings[name] = wanted[name]
    return settings
