"""What of a recipe its numbers depend on: one rule for the record of a run and for the keys of studies.

A field or setting at its default does not count. So one that a later version adds changes no digest and no
key; a default that is changed would, and that is what `NUMBERS_VERSION` is raised for.
"""

import hashlib
import json
import tomllib
from collections.abc import Iterable, Mapping
from typing import Any

import tomli_w

from loupe.data import AUGMENTATIONS, MIXES, SOURCES
from loupe.data.sources import list_places
from loupe.errors import LoupeError
from loupe.models import MODELS, objective_of
from loupe.recipe import Recipe, parse_recipe, write_former_names
from loupe.recipe.schema import ModelSection
from loupe.recipe.sections import Choice
from loupe.registry import Registry
from loupe.runs import RunFolder
from loupe.runs.reading import read_text, reading
from loupe.training import LOSSES, OPTIMIZERS, SCHEDULES
from loupe.training.losses import DEFAULT_LOSSES

_WITHOUT_INFLUENCE = {
    "": ("name", "about"),
    "data": ("in_memory",),
    "evaluate": ("look_inside", "confidence", "metrics", "looks"),
    "run": ("folder", "seeds", "tensorboard", "trackers", "observers"),
}
_CHECKED_OTHERWISE = {"transfer": ("run", "weights"), "run": ("device", "plugins")}  # by content, not by name
_FREE_TO_A_RESUME = {"run": ("processes",), "train": ("channels_last",)}


def reduce_recipe(recipe: Recipe) -> dict[str, Any]:
    """Return what of a resolved recipe its numbers depend on, without what is at its default.

    What is named in it by a place (data, plugins, the run its weights start from) is left out: whoever
    compares recipes compares the content of those, too. The device is left out likewise. Renamed fields keep
    their first names.
    """
    values = recipe.model_dump(mode="json", exclude_none=True, exclude_defaults=True)
    is_continued = values.get("run", {}).pop("continues", None) is not None  # which run is checked by content
    _leave_out(values, _WITHOUT_INFLUENCE)
    _leave_out(values, _CHECKED_OTHERWISE)
    data, train = values.setdefault("data", {}), values.setdefault("train", {})
    for name in ("sides_of", "corrections"):  # what they make of the data counts, which is digested
        data.pop(name, None)
    for name in recipe.data.settings:
        data.pop(name, None)
    kept = SOURCES.trim(recipe.data.name, recipe.data.settings)
    for place in list_places(recipe.data.name):
        kept.pop(place, None)  # the images count, not where they lie
    data |= {"name": recipe.data.name, "settings": kept}
    data["augment"] = [_trim(AUGMENTATIONS, choice) for choice in recipe.data.augment]
    if recipe.data.mix is not None:
        data["mix"] = _trim(MIXES, recipe.data.mix)
    train["optimizer"] = _trim(OPTIMIZERS, recipe.train.optimizer)
    train["schedule"] = _trim(SCHEDULES, recipe.train.schedule)
    loss = _trim(LOSSES, recipe.train.loss) if recipe.train.loss is not None else None
    train.pop("loss", None)
    if loss not in (None, {"name": DEFAULT_LOSSES[objective_of(recipe.model.name)]}):
        train["loss"] = loss
    if recipe.train.hard_examples is not None:
        train["hard_examples"]["proxy"] = _trim(MODELS, recipe.train.hard_examples.proxy)
    values["model"] = _trim(MODELS, recipe.model)
    values.setdefault("run", {})["seed"] = recipe.run.seed
    if is_continued:
        values["run"]["continues"] = True
    return write_former_names({name: table for name, table in values.items() if table != {}})


def digest_recipe(recipe: Recipe) -> str:
    """Return the SHA-256 of what a resume has to leave as it is in a resolved recipe.

    Equal whatever number of processes and layout carry the recipe out, and on whatever device.
    """
    values = reduce_recipe(recipe)
    _leave_out(values, _FREE_TO_A_RESUME)
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def is_recorded_in(folder: RunFolder, recipe: Recipe) -> bool:
    """Return whether a run folder's record was begun with this recipe, by this version or an earlier one.

    Raises:
        RunError: the record cannot be read.
    """
    recorded, now = folder.read_environment().get("recipe_digest"), digest_recipe(recipe)
    if recorded == now:
        return True
    with reading(folder.recipe_file):
        written = tomllib.loads(read_text(folder.recipe_file))
    if recorded != digest_whole_recipe(written):
        return False
    try:  # the file is as it was begun with: what it says is compared by the rule of today
        return digest_recipe(parse_recipe(written)) == now
    except LoupeError:
        return False


def digest_whole_recipe(written: dict[str, Any]) -> str:
    """Return the digest that records once had: of a recipe.toml with all fields, as it stands in the file.

    It is taken of the file, never of a recipe of today, whose fields are others.
    """
    values = {name: dict(table) if isinstance(table, dict) else table for name, table in written.items()}
    _leave_out(values, _FREE_TO_A_RESUME)
    return hashlib.sha256(tomli_w.dumps(values).encode()).hexdigest()


def _leave_out(values: dict[str, Any], fields: Mapping[str, Iterable[str]]) -> None:
    for section, names in fields.items():
        table = values.get(section, {}) if section else values
        for name in names:
            table.pop(name, None)


def _trim(registry: Registry, choice: Choice | ModelSection) -> dict[str, Any]:
    """Return a choice by its name and the settings that are not the default."""
    return {"name": choice.name, **registry.trim(choice.name, choice.settings)}
