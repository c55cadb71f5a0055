"""From what the user typed to a recipe that is complete and right."""

import copy
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from loupe.data import AUGMENTATIONS, SOURCES
from loupe.data.mixes import MIXES
from loupe.data.normalization import PRESETS
from loupe.data.sources import find_known_shapes, is_mirrorable, list_places
from loupe.errors import LoupeError, Mistake, RecipeError, suggest
from loupe.evaluations.registry import find_evaluation_mistakes, resolve_evaluation
from loupe.metrics.registry import LOSS, resolve_metric, spell_metric
from loupe.metrics.registry import find_metric_mistakes as find_choice_mistakes
from loupe.models import MODELS, objective_of
from loupe.models.timm_backbone import find_timm_weights
from loupe.observers import OBSERVERS
from loupe.plugins import expand_path, load_plugin, refuse_untrusted, trust_plugin
from loupe.recipe import (
    Recipe,
    find_form_mistakes,
    parse_override,
    parse_recipe,
    read_former_names,
    read_recipe_file,
    set_value,
)
from loupe.recipe.schema import DataSection, ModelSection
from loupe.recipe.sections import Choice
from loupe.registry import Registry
from loupe.running.loss_checks import find_loss_mistakes, move_label_smoothing, refuse_failing_loss
from loupe.running.network import build_network
from loupe.running.observing import refuse_missing_trackers
from loupe.running.process_group.checks import refuse_impossible_group
from loupe.running.sides import find_sides_place
from loupe.runs import find_run_folder
from loupe.runtime import choose_device
from loupe.trackers import TRACKERS
from loupe.training import LOSSES, OPTIMIZERS, SCHEDULES, build_optimizer, build_schedule


def load_recipe(
    recipe: str | Path | Mapping[str, Any] | Recipe = "digits",
    overrides: Sequence[str] = (),
    *,
    plugins: Sequence[str] = (),
    tried: set[str] | None = None,
) -> Recipe:
    """Return a checked recipe with every setting filled in.

    Args:
        recipe: a packaged recipe's name, a TOML file (a finished run's `recipe.toml` too), a mapping,
            or a recipe.
        overrides: changes as on the command line, `section.field=value`.
        plugins: further Python files that register models, datasets …
        tried: networks found to fit; one that is among them is not built again, a new one is added.

    Raises:
        UnknownNameError: there is no such recipe.
        RecipeError: with every mistake, before any data is loaded.
    """
    mapping = _read_mapping(recipe)
    for override in [overrides] if isinstance(overrides, str) else overrides:
        dotted, value = parse_override(override)
        set_value(mapping, dotted, value)
    _name_default_choices(mapping)
    run = mapping.get("run", {})
    if isinstance(run, Mapping) and (plugins or run.get("plugins")):
        named = run.get("plugins", ())
        is_ours = not isinstance(recipe, str | Path) or any(
            "plugins" in one for one in overrides if not one.startswith("data.")
        )
        mapping["run"] = {**run, "plugins": _load_plugins(named, plugins, is_ours=is_ours)}
    _normalize_as_backbone(mapping)
    smoothing = move_label_smoothing(mapping)
    mistakes = [*find_form_mistakes(mapping), *find_setting_mistakes(mapping), *smoothing]
    of_objective = find_objective_mistakes(mapping)
    mistakes += [*find_metric_mistakes(mapping), *find_look_mistakes(mapping), *of_objective]
    mistakes += [*find_loss_mistakes(mapping), *find_mirror_mistakes(mapping), *find_proxy_mistakes(mapping)]
    if mistakes:
        raise RecipeError(str(mapping.get("name", "unnamed")), mistakes)
    resolved = resolve_settings(parse_recipe(mapping))
    kind = name_fit(resolved)
    if tried is None or kind not in tried:
        refuse_what_cannot_fit(resolved)
    if tried is not None:
        tried.add(kind)
    return resolved


def _name_default_choices(mapping: dict[str, Any]) -> None:
    """Name the default optimizer and schedule where only their settings were written."""
    train = mapping.get("train")
    if isinstance(train, dict):
        for field in ("optimizer", "schedule"):
            choice = train.get(field)
            if isinstance(choice, Mapping) and "name" not in choice:
                train[field] = {"name": getattr(Recipe().train, field).name, **choice}


def _normalize_as_backbone(mapping: dict[str, Any]) -> None:
    """Have images normalised as weights from elsewhere were learnt, where a recipe of timm's says nothing."""
    model, transfer, data = (_table(mapping, section) for section in ("model", "transfer", "data"))
    if model.get("name") == "timm" and transfer.get("weights") and "normalize" not in data:
        mapping["data"] = {**data, "normalize": "backbone"}


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
        Mistake(place, repr(got), f"{'nothing' if only is None else repr(only)}: {why}")
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


def resolve_settings(recipe: Recipe) -> Recipe:
    """Return the recipe with the defaults of everything it names filled in."""

    def resolve(registry: Registry, choice: Choice | DataSection | ModelSection) -> dict[str, Any]:
        settings = registry.resolve(choice.name, choice.settings)
        return {"name": choice.name, **{name: value for name, value in settings.items() if value is not None}}

    mapping = recipe.to_dict()
    mapping["data"] |= resolve(SOURCES, recipe.data)
    for place in list_places(recipe.data.name):
        if place in mapping["data"]:  # a resume may be called from elsewhere
            mapping["data"][place] = str(expand_path(mapping["data"][place]))
    if recipe.data.sides_of is not None:
        mapping["data"]["sides_of"] = find_sides_place(recipe.data.sides_of)
    mapping["data"]["augment"] = [resolve(AUGMENTATIONS, choice) for choice in recipe.data.augment]
    mapping["run"]["trackers"] = [resolve(TRACKERS, choice) for choice in recipe.run.trackers]
    mapping["run"]["observers"] = [resolve(OBSERVERS, choice) for choice in recipe.run.observers]
    if recipe.data.mix is not None:
        mapping["data"]["mix"] = resolve(MIXES, recipe.data.mix)
    if recipe.transfer is not None and recipe.transfer.run is not None:
        mapping["transfer"]["run"] = str(find_run_folder(recipe.transfer.run).resolve())
    mapping["model"] = resolve(MODELS, recipe.model)
    if recipe.transfer is not None and recipe.transfer.weights is not None:
        backbone = mapping["model"].get("backbone") if recipe.model.name == "timm" else None
        mapping["transfer"]["weights"] = str(find_weights(recipe.transfer.weights, backbone))
    if recipe.train.hard_examples is not None:
        mapping["train"]["hard_examples"]["proxy"] = resolve(MODELS, recipe.train.hard_examples.proxy)
    mapping["evaluate"]["metrics"] = [resolve_metric(choice) for choice in recipe.evaluate.metrics]
    if recipe.evaluate.looks is not None:
        mapping["evaluate"]["looks"] = [resolve_evaluation(choice) for choice in recipe.evaluate.looks]
    mapping["evaluate"]["select_by"] = spell_metric(recipe.evaluate.select_by)
    mapping["train"]["optimizer"] = resolve(OPTIMIZERS, recipe.train.optimizer)
    mapping["train"]["schedule"] = resolve(SCHEDULES, recipe.train.schedule)
    if recipe.train.loss is not None:
        mapping["train"]["loss"] = resolve(LOSSES, recipe.train.loss)
    return parse_recipe(mapping)


def find_weights(named: str, backbone: str | None) -> Path:
    """Return the file of weights that a recipe names; "timm" stands for those timm has of the backbone.

    Raises:
        LoupeError: there is no such file, or timm has none.
    """
    if named == "timm" and backbone is not None:
        return find_timm_weights(backbone).resolve()
    path = expand_path(named).resolve()
    if not path.is_file():
        raise LoupeError(
            f"There is no file {named} with weights.",
            got="a folder" if path.is_dir() else "nothing there",
            allowed='a .safetensors file, a torch file (.pt, .pth, .bin), or "timm" with model = "timm"',
            next_step="mend transfer.weights; the weights of a run of Loupe's are named by transfer.run",
        )
    return path


def name_fit(recipe: Recipe) -> str:
    """Return what of a recipe decides whether its parts fit, as text."""
    values = recipe.to_dict()
    for name in ("fraction", "validation", "split_seed", "sides_of", "augment", "mix", "normalize"):
        values["data"].pop(name, None)
    return json.dumps({**values, "evaluate": {}, "name": "", "about": ""}, sort_keys=True)


def refuse_what_cannot_fit(recipe: Recipe) -> None:
    """Try what can be tried without the data: device, optimizer, schedule, the network and its transfer.

    Raises:
        LoupeError: the first part that does not fit.
    """
    choose_device(recipe.run.device)
    refuse_impossible_group(recipe)
    refuse_missing_trackers(recipe)
    optimizer, schedule = recipe.train.optimizer, recipe.train.schedule
    build_optimizer(optimizer.name, [nn.Parameter(torch.zeros(1))], **optimizer.settings)
    build_schedule(schedule.name, num_epochs=recipe.train.epochs, steps_per_epoch=1, **schedule.settings)
    known = find_known_shapes(recipe.data.name, recipe.data.settings)
    num_known = known[1] if known is not None else 3
    refuse_failing_loss(recipe, len(recipe.data.classes or ()) or num_known)
    if known is not None:
        (in_channels, *image_size), num_classes = known
        classes = recipe.data.classes
        seeds = recipe.run.seeds if recipe.transfer else None
        for seed in seeds or (recipe.run.seed,):  # each seed may start from another run
            build_network(
                recipe.for_seed(seed),
                in_channels=in_channels,
                image_size=(image_size[0], image_size[1]),
                num_classes=len(classes) if classes else num_classes,
            )


def _load_plugins(named: object, more: Sequence[str], *, is_ours: bool) -> object:
    """Import a recipe's plugins and return their absolute paths, so that a resume finds them.

    Args:
        named: by the recipe.
        more: named by whoever calls, who trusts them.
        is_ours: whether the recipe is the caller's own words too, not a file.
    """
    listed = [named] if isinstance(named, str) else named
    if not isinstance(listed, list | tuple) or not all(isinstance(one, str) for one in listed):
        return named  # a mistake of form, reported there
    places = [*listed, *([more] if isinstance(more, str) else more)]
    for place in places:
        if is_ours or place not in listed:
            trust_plugin(place)
        refuse_untrusted(place)
        load_plugin(place)
    return [str(Path(place).expanduser().resolve()) for place in places]


def _read_mapping(recipe: object) -> dict[str, Any]:
    if isinstance(recipe, Recipe):
        return recipe.to_dict()
    if isinstance(recipe, Mapping):
        return read_former_names(copy.deepcopy(dict(recipe)))
    if isinstance(recipe, str | Path):
        return read_recipe_file(recipe)
    raise LoupeError(
        "This is no recipe.",
        got=repr(recipe)[:80],
        allowed="a packaged recipe's name, a path to a TOML file, a mapping, or a Recipe",
        next_step="`loupe recipes` lists the packaged ones",
    )


_DATA_FIELDS = frozenset(type(Recipe().data).model_fields) - {"name"}


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
