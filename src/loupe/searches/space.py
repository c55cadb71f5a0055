"""From a search's space to settings, and from settings to a recipe."""

import itertools
import math
from typing import Any

import optuna

from loupe.recipe import Recipe, read_recipe_file, set_value
from loupe.running.prepare import load_recipe
from loupe.searches import Parameter, Search
from loupe.searches.schema import name_choice
from loupe.studies.changes import apply_changes

_MOST_LISTED = 20_000  # combinations

Settings = dict[str, Any]
"""What a trial tries: a number, or the name of a choice's value, by field. Fields whose condition does not
hold are left out."""


def order_space(search: Search) -> list[tuple[str, Parameter]]:
    """Return the parameters, those that others depend on first."""
    ordered: dict[str, Parameter] = {}
    while len(ordered) < len(search.space):
        for field, parameter in search.space.items():
            if field not in ordered and ordered.keys() >= parameter.when.keys():
                ordered[field] = parameter
                break
    return list(ordered.items())


def is_active(search: Search, parameter: Parameter, settings: Settings) -> bool:
    """Return whether a parameter's conditions hold for what is chosen so far."""
    return all(
        other in settings and settings[other] in allowed_names(search.space[other], values)
        for other, values in parameter.when.items()
    )


def allowed_names(choice: Parameter, values: tuple[Any, ...]) -> tuple[str, ...]:
    """Return the names of a choice's values that a condition means; a table may be named by its `name`."""
    wanted = {name_choice(value) for value in values}
    return tuple(
        name
        for name, value in zip(choice.names, choice.values, strict=True)
        if name in wanted or name_choice(value) in wanted
    )


def suggest_settings(search: Search, trial: optuna.Trial) -> Settings:
    """Return the settings of a trial; those it has already stay as they are."""
    settings: Settings = {}
    for field, parameter in order_space(search):
        if is_active(search, parameter, settings):
            settings[field] = _suggest(field, parameter, trial)
    return settings


def _suggest(field: str, parameter: Parameter, trial: optuna.Trial) -> Any:
    if parameter.kind == "choice":
        return trial.suggest_categorical(field, parameter.names)
    low, high, step = parameter.low, parameter.high, parameter.step
    assert low is not None
    assert high is not None
    if parameter.kind == "int":
        return trial.suggest_int(field, int(low), int(high), step=int(step or 1), log=parameter.log)
    return trial.suggest_float(field, low, high, step=step, log=parameter.log)


def list_grid(search: Search) -> list[Settings]:
    """Return every combination of a finite space once.

    Raises:
        ValueError: a parameter has no end of values; `is_finite` says so before.
    """
    grid: list[Settings] = [{}]
    for field, parameter in order_space(search):
        grid = [
            {**settings, field: value}
            for settings in grid
            for value in (list_values(parameter) if is_active(search, parameter, settings) else (None,))
        ]
        grid = [{name: value for name, value in settings.items() if value is not None} for settings in grid]
    return grid


def list_whole_space(search: Search) -> list[Settings] | None:
    """Return every combination of a space, or None if it has no end or too many to be listed."""
    parameters = search.space.values()
    if not all(is_finite(one) for one in parameters):
        return None
    if math.prod(_count_values(one) for one in parameters) > _MOST_LISTED:
        return None
    return list_grid(search)


def count_trials(search: Search) -> int | None:
    """Return how many trials there are to be: no more than a small space has; None if only time says."""
    if search.sampler == "grid":
        return len(list_grid(search))
    whole = list_whole_space(search)
    if whole is None:
        return search.trials
    return min(len(whole), search.trials or len(whole))


def _count_values(parameter: Parameter) -> int:
    if parameter.kind == "choice":
        return len(parameter.names)
    low, high, step = parameter.low or 0.0, parameter.high or 0.0, parameter.step or 1.0
    return int((high - low) / step + 1e-9) + 1


def is_finite(parameter: Parameter) -> bool:
    """Return whether a parameter has a countable list of values to go through."""
    return parameter.kind != "float" or parameter.step is not None


def list_values(parameter: Parameter) -> list[Any]:
    """Return the values of a finite parameter, as they stand in settings."""
    if parameter.kind == "choice":
        return list(parameter.names)
    if not is_finite(parameter):
        raise ValueError("got a range without steps; allowed: an int, a choice, or a step")
    low, step = parameter.low or 0.0, parameter.step or 1.0
    end = (parameter.high or 0.0) + 1e-9 * step  # 0.1 + 2 * 0.1 is more than 0.3
    values = list(
        itertools.takewhile(lambda value: value <= end, (low + i * step for i in itertools.count()))
    )
    return [int(value) for value in values] if parameter.kind == "int" else values


def make_recipe(search: Search, settings: Settings, *, seed: int, opens_test: bool | None = False) -> Recipe:
    """Return the recipe of a trial, checked.

    Args:
        settings: what the trial tries.
        seed: of the run. The split keeps the search's seed, so that all are judged on the same images.
        opens_test: whether the run opens the test set at its end; None for as the recipe says.

    Raises:
        LoupeError: the recipe has mistakes.
    """
    mapping = read_recipe_file(search.recipe)
    apply_changes(mapping, search.set)
    for field in sorted(settings, key=lambda field: field.count(".")):  # a table before what is inside it
        apply_changes(mapping, {field: read_setting(search, field, settings[field])})
    decide(mapping, search, seed, opens_test)
    return load_recipe(mapping)


def read_setting(search: Search, field: str, value: Any) -> Any:
    """Return what a setting puts into the recipe."""
    parameter = search.space[field]
    return parameter.value_of(value) if parameter.kind == "choice" else value


def decide(mapping: dict[str, Any], search: Search, seed: int, opens_test: bool | None) -> None:
    """Set in a recipe's mapping what a search decides itself: seeds, threads, selection, what is drawn."""
    data, evaluate = mapping.get("data"), mapping.get("evaluate")
    if not isinstance(data, dict) or data.get("split_seed") is None:
        set_value(mapping, "data.split_seed", search.seed)
    if not isinstance(evaluate, dict) or "look_inside" not in evaluate:
        set_value(mapping, "evaluate.look_inside", False)
    set_value(mapping, "evaluate.select_by", search.objective)
    if opens_test is not None:
        set_value(mapping, "evaluate.test", opens_test)
    set_value(mapping, "evaluate.show_test_picking", False)  # it opens the test set after every epoch
    for field, value in (("seeds", None), ("folder", None), ("tensorboard", None)):
        set_value(mapping, f"run.{field}", value)
    set_value(mapping, "run.seed", seed)
    set_value(mapping, "run.threads", search.threads)
