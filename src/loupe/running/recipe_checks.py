"""What is wrong with the names and settings in a recipe, before any data is loaded."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from loupe.checking import write_value
from loupe.data import AUGMENTATIONS, SOURCES
from loupe.data.mixes import MIXES
from loupe.data.normalization import PRESETS
from loupe.data.sources import is_mirrorable
from loupe.errors import Mistake, suggest
from loupe.evaluations.registry import find_evaluation_mistakes
from loupe.metrics.registry import find_metric_mistakes as find_choice_mistakes
from loupe.metrics.reported import LOSS
from loupe.models import MODELS, objective_of
from loupe.observers import OBSERVERS
from loupe.recipe import Recipe, find_form_mistakes
from loupe.registry import Registry
from loupe.running.loss_checks import find_loss_mistakes, move_label_smoothing
from loupe.trackers import TRACKERS
from loupe.training import LOSSES, OPTIMIZERS, SCHEDULES

_DATA_FIELDS = frozenset(type(Recipe().data).model_fields) - {"name"}


def find_mistakes(mapping: dict[str, Any]) -> Iterator[Mistake]:
    """Yield every mistake of a recipe: of form, of names, of settings, of parts that do not go together.

    The mapping is completed on the way: label smoothing goes to its loss, and a model that names no class is
    selected by its loss.
    """
    smoothing = move_label_smoothing(mapping)
    yield from find_form_mistakes(mapping)
    yield from find_setting_mistakes(mapping)
    yield from smoothing
    of_objective = find_objective_mistakes(mapping)
    yield from find_metric_mistakes(mapping)
    yield from find_look_mistakes(mapping)
    yield from of_objective
    yield from find_loss_mistakes(mapping)
    yield from find_mirror_mistakes(mapping)
    yield from find_proxy_mistakes(mapping)


def find_setting_mistakes(mapping: Mapping[str, Any]) -> list[Mistake]:
    """Return the mistakes in what a recipe names: models, augmentations … and their settings."""
    data, model, train = (_table(mapping, section) for section in ("data", "model", "train"))
    mistakes = [
        *_check_choice(
            SOURCES, {"name": Recipe().data.name, **_without(data, _DATA_FIELDS)}, "data", _DATA_FIELDS
        ),
        *_check_choice(MODELS, {"name": Recipe().model.name, **model}, "model"),
        *_check_choice(OPTIMIZERS, train.get("optimizer", Recipe().train.optimizer.name), "train.optimizer"),
        *_check_choice(SCHEDULES, train.get("schedule", Recipe().train.schedule.name), "train.schedule"),
    ]
    if train.get("loss") is not None:
        mistakes += _check_choice(LOSSES, train["loss"], "train.loss")
    hard = train.get("hard_examples")
    if isinstance(hard, Mapping):
        mistakes += _check_choice(MODELS, hard.get("proxy"), "train.hard_examples.proxy")
    mistakes += _check_choices(AUGMENTATIONS, data.get("augment", ()), "data.augment")
    run = _table(mapping, "run")
    mistakes += _check_choices(TRACKERS, run.get("trackers", ()), "run.trackers")
    mistakes += _check_choices(OBSERVERS, run.get("observers", ()), "run.observers")
    if data.get("mix") is not None:
        mistakes += _check_choice(MIXES, data["mix"], "data.mix")
    normalize = data.get("normalize", "measured")
    presets = ["measured", "unit", *PRESETS, *(["backbone"] if model.get("name") == "timm" else [])]
    if isinstance(normalize, str) and normalize not in presets:
        near = suggest(normalize, presets)
        mistakes.append(Mistake("data.normalize", repr(normalize), ", ".join(presets), near))
    return mistakes


def find_objective_mistakes(mapping: dict[str, Any]) -> list[Mistake]:
    """Return what a model that gives images back cannot be asked for; it is selected by its loss.

    The mapping of such a model gets `evaluate.select_by = "loss"` if it says nothing.
    """
    data, model, train, evaluate = (
        _table(mapping, section) for section in ("data", "model", "train", "evaluate")
    )
    name = model.get("name", Recipe().model.name)
    if not isinstance(name, str) or name not in MODELS or objective_of(name) == "classification":
        return []
    mapping["evaluate"] = {"select_by": LOSS, **evaluate}
    why = f"the model {name} names no class"
    asked = [
        ("evaluate.show_test_picking", evaluate.get("show_test_picking", False), False),
        ("evaluate.track_examples", evaluate.get("track_examples", False), False),
        ("evaluate.tta", evaluate.get("tta", "none"), "none"),
        ("train.label_smoothing", train.get("label_smoothing", 0.0), 0.0),
        ("train.class_weights", train.get("class_weights", "none"), "none"),
        ("data.mix", data.get("mix"), None),
    ]
    return [
        Mistake(place, write_value(got), f"{'nothing' if only is None else write_value(only)}: {why}")
        for place, got, only in asked
        if got != only
    ]


def find_metric_mistakes(mapping: Mapping[str, Any]) -> list[Mistake]:
    """Return what is wrong with the metrics a recipe names: unknown ones, settings, another objective's."""
    model, evaluate = _table(mapping, "model"), _table(mapping, "evaluate")
    name = model.get("name", Recipe().model.name)
    objective = objective_of(name) if isinstance(name, str) and name in MODELS else None
    named = evaluate.get("metrics", ())
    named = [named] if isinstance(named, str | Mapping) else named
    named = named if isinstance(named, list | tuple) else ()
    asked = [(f"evaluate.metrics.{index}", choice) for index, choice in enumerate(named)]
    asked.append(("evaluate.select_by", evaluate.get("select_by", Recipe().evaluate.select_by)))
    return [mistake for place, choice in asked for mistake in find_choice_mistakes(choice, objective, place)]


def find_look_mistakes(mapping: Mapping[str, Any]) -> list[Mistake]:
    """Return what is wrong with the evaluations a recipe names: unknown, settings, another objective's."""
    name, data = (
        _table(mapping, section).get("name", default)
        for section, default in (("model", Recipe().model.name), ("data", Recipe().data.name))
    )
    objective = objective_of(name) if isinstance(name, str) and name in MODELS else None
    can_mirror = not isinstance(data, str) or data not in SOURCES or is_mirrorable(data)
    named = _table(mapping, "evaluate").get("looks") or ()
    named = [named] if isinstance(named, str | Mapping) else named
    return [
        mistake
        for index, choice in enumerate(named if isinstance(named, list | tuple) else ())
        for mistake in find_evaluation_mistakes(
            choice, objective, is_mirrorable=can_mirror, where=f"evaluate.looks.{index}"
        )
    ]


def find_mirror_mistakes(mapping: Mapping[str, Any]) -> list[Mistake]:
    """Return a mistake if images are to be mirrored for their figures where that changes their class."""
    tta = _table(mapping, "evaluate").get("tta", "none")
    data = _table(mapping, "data").get("name", Recipe().data.name)
    if tta == "none" or data not in SOURCES or is_mirrorable(data):
        return []
    why = f"a mirrored image of {data} is of another class, or of none"
    return [Mistake("evaluate.tta", repr(tta), f"'none': {why}")]


def find_proxy_mistakes(mapping: Mapping[str, Any]) -> list[Mistake]:
    """Return a mistake if the network that ranks images is not for what the recipe's own network is for."""
    name = _table(mapping, "model").get("name", Recipe().model.name)
    proxy = _table(_table(mapping, "train"), "hard_examples").get("proxy")
    proxy = proxy.get("name") if isinstance(proxy, Mapping) else proxy
    if not all(isinstance(one, str) and one in MODELS for one in (name, proxy)):
        return []  # mistakes of form and of names, reported there
    wanted = objective_of(name)
    if objective_of(str(proxy)) == wanted:
        return []
    allowed = ", ".join(model for model in MODELS if objective_of(model) == wanted)
    return [Mistake("train.hard_examples.proxy", repr(proxy), f"{allowed}: for {wanted}, as {name} is")]


def _table(mapping: Mapping[str, Any], section: str) -> dict[str, Any]:
    table = mapping.get(section, {})
    if isinstance(table, str):
        return {"name": table}
    return dict(table) if isinstance(table, Mapping) else {}


def _without(table: Mapping[str, Any], names: frozenset[str]) -> dict[str, Any]:
    return {name: value for name, value in table.items() if name not in names}


def _check_choices(registry: Registry, choices: object, where: str) -> list[Mistake]:
    """Return the mistakes of a list of choices; one alone may stand without its list."""
    listed = [choices] if isinstance(choices, str | Mapping) else choices
    mistakes: list[Mistake] = []
    for index, choice in enumerate(listed if isinstance(listed, list | tuple) else ()):
        mistakes += _check_choice(registry, choice, f"{where}.{index}")
    return mistakes


def _check_choice(
    registry: Registry, choice: object, where: str, fields: Iterable[str] = ()
) -> list[Mistake]:
    if isinstance(choice, str):
        choice = {"name": choice}
    if not isinstance(choice, Mapping) or not isinstance(choice.get("name"), str):
        return []  # a mistake of form, reported there
    settings = {name: value for name, value in choice.items() if name != "name"}
    return registry.find_mistakes(choice["name"], settings, where=where, fields=("name", *fields))
