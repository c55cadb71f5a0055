"""From what the user typed to a recipe that is complete and right."""

import copy
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from loupe.data import AUGMENTATIONS, SOURCES
from loupe.data.mixes import MIXES
from loupe.data.sources import find_known_shapes, list_places
from loupe.errors import LoupeError, RecipeError
from loupe.evaluations.registry import resolve_evaluation
from loupe.metrics.registry import resolve_metric, spell_metric
from loupe.models import MODELS
from loupe.models.timm_backbone import find_timm_weights
from loupe.observers import OBSERVERS
from loupe.plugins import expand_path, list_plugins, load_plugin, refuse_untrusted, trust_plugin
from loupe.recipe import (
    Recipe,
    apply_overrides,
    name_mapping,
    parse_recipe,
    read_former_names,
    read_recipe_file,
)
from loupe.recipe.data_section import DataSection
from loupe.recipe.schema import ModelSection
from loupe.recipe.sections import Choice
from loupe.registry import Registry
from loupe.running.loss_checks import refuse_failing_loss
from loupe.running.network import build_network
from loupe.running.observing import refuse_missing_trackers
from loupe.running.process_group.checks import refuse_impossible_group
from loupe.running.recipe_checks import find_mistakes
from loupe.running.sides import find_sides_place
from loupe.runs import find_run_folder
from loupe.runtime import choose_device
from loupe.trackers import TRACKERS
from loupe.training import LOSSES, OPTIMIZERS, SCHEDULES, build_optimizer, build_schedule


def load_recipe(
    recipe: str | Path | Mapping[str, Any] | Recipe = "digits",
    overrides: str | Sequence[str] = (),
    *,
    plugins: str | Path | Sequence[str | Path] = (),
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
    images, about = _name_images(mapping), mapping.get("about")
    listed = apply_overrides(mapping, overrides)
    if _name_images(mapping) != images and mapping.get("about") == about:
        mapping["about"] = ""  # it speaks of the recipe's images; these are others
    more = list_plugins(plugins)
    _name_default_choices(mapping)
    _normalize_as_backbone(mapping)
    run = mapping.get("run", {})
    if isinstance(run, Mapping) and (more or run.get("plugins")):
        named = run.get("plugins", ())
        is_ours = not isinstance(recipe, str | Path) or any(
            "plugins" in one for one in listed if not one.startswith("data.")
        )
        mapping["run"] = {**run, "plugins": _load_plugins(named, more, is_ours=is_ours)}
    mistakes = list(find_mistakes(mapping))
    if mistakes:
        raise RecipeError(name_mapping(mapping), mistakes)
    resolved = resolve_settings(parse_recipe(mapping))
    kind = name_fit(resolved)
    if tried is None or kind not in tried:
        refuse_what_cannot_fit(resolved)
    if tried is not None:
        tried.add(kind)
    return resolved


def _name_images(mapping: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return what says which images a recipe is about."""
    data = mapping.get("data", {})
    return (data.get("name"), data.get("path")) if isinstance(data, Mapping) else (data,)


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
    tables = (mapping.get(section) for section in ("model", "transfer", "data"))
    model, transfer, data = ({"name": one} if isinstance(one, str) else one or {} for one in tables)
    if not all(isinstance(one, Mapping) for one in (model, transfer, data)):
        return  # mistakes of form, reported there
    if model.get("name") == "timm" and transfer.get("weights") and "normalize" not in data:
        mapping["data"] = {**data, "normalize": "backbone"}


def resolve_settings(recipe: Recipe) -> Recipe:
    """Return the recipe with the defaults of everything it names filled in, and places made absolute."""
    mapping = recipe.to_dict()
    mapping["data"] |= _resolve_data(recipe)
    mapping["model"] = _resolve(MODELS, recipe.model)
    mapping["train"] |= _resolve_train(recipe)
    mapping["evaluate"] |= _resolve_evaluate(recipe)
    mapping["run"] |= _resolve_run(recipe)
    if recipe.transfer is not None and recipe.transfer.run is not None:
        mapping["transfer"]["run"] = str(find_run_folder(recipe.transfer.run).resolve())
    if recipe.transfer is not None and recipe.transfer.weights is not None:
        backbone = mapping["model"].get("backbone") if recipe.model.name == "timm" else None
        mapping["transfer"]["weights"] = str(find_weights(recipe.transfer.weights, backbone))
    return parse_recipe(mapping)


def _resolve(registry: Registry, choice: Choice | DataSection | ModelSection) -> dict[str, Any]:
    settings = registry.resolve(choice.name, choice.settings)
    return {"name": choice.name, **{name: value for name, value in settings.items() if value is not None}}


def _resolve_data(recipe: Recipe) -> dict[str, Any]:
    data = recipe.data
    resolved = _resolve(SOURCES, data)
    for place in list_places(data.name):
        if place in resolved:  # a resume may be called from elsewhere
            resolved[place] = str(expand_path(resolved[place]))
    if data.sides_of is not None:
        resolved["sides_of"] = find_sides_place(data.sides_of)
    if data.corrections is not None:
        resolved["corrections"] = str(expand_path(data.corrections))
    resolved["augment"] = [_resolve(AUGMENTATIONS, choice) for choice in data.augment]
    if data.mix is not None:
        resolved["mix"] = _resolve(MIXES, data.mix)
    return resolved


def _resolve_train(recipe: Recipe) -> dict[str, Any]:
    train = recipe.train
    resolved: dict[str, Any] = {
        "optimizer": _resolve(OPTIMIZERS, train.optimizer),
        "schedule": _resolve(SCHEDULES, train.schedule),
    }
    if train.loss is not None:
        resolved["loss"] = _resolve(LOSSES, train.loss)
    if train.hard_examples is not None:
        hard = recipe.to_dict()["train"]["hard_examples"]
        resolved["hard_examples"] = {**hard, "proxy": _resolve(MODELS, train.hard_examples.proxy)}
    return resolved


def _resolve_evaluate(recipe: Recipe) -> dict[str, Any]:
    evaluate = recipe.evaluate
    resolved: dict[str, Any] = {
        "metrics": [resolve_metric(choice) for choice in evaluate.metrics],
        "select_by": spell_metric(evaluate.select_by),
    }
    if evaluate.looks is not None:
        resolved["looks"] = [resolve_evaluation(choice) for choice in evaluate.looks]
    return resolved


def _resolve_run(recipe: Recipe) -> dict[str, Any]:
    run = recipe.run
    resolved: dict[str, Any] = {
        "trackers": [_resolve(TRACKERS, choice) for choice in run.trackers],
        "observers": [_resolve(OBSERVERS, choice) for choice in run.observers],
    }
    if run.continues is not None:
        resolved["continues"] = str(find_run_folder(run.continues).resolve())
    return resolved


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
    for name in (
        "fraction",
        "validation",
        "split_seed",
        "sides_of",
        "corrections",
        "augment",
        "mix",
        "normalize",
        "in_memory",
    ):
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
    places = [*listed, *more]
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
