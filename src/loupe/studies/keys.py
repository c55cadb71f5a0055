"""What determines a run's numbers, as one short text: two runs with the same key are the same run."""

import hashlib
import json
from collections.abc import Iterable
from typing import Any

from loupe.data import AUGMENTATIONS, MIXES, SOURCES
from loupe.models import MODELS
from loupe.plugins import load_plugin
from loupe.recipe import Recipe
from loupe.recipe.schema import ModelSection
from loupe.recipe.sections import Choice
from loupe.registry import Registry
from loupe.running.record import digest_transfer
from loupe.running.training_setup import load_recipe_data
from loupe.runtime import choose_device
from loupe.studies.plan import PlannedRun
from loupe.training import OPTIMIZERS, SCHEDULES
from loupe.version import NUMBERS_VERSION

_LENGTH = 12  # hexadecimal digits: 48 bits, enough for any number of runs one will ever make


class Keys:
    """Compute the keys of runs; each dataset is loaded once, for its digest."""

    def __init__(self) -> None:
        self._data: dict[str, str] = {}
        self._of_runs: dict[int, str] = {}

    def of(self, run: PlannedRun) -> str:
        """Return the key of a run: a digest of its recipe, its data, its starting weights and the code.

        Raises:
            DataError: the data cannot be loaded.
        """
        if id(run) not in self._of_runs:
            source = self._name_source(run)
            parts = [reduce_recipe(run.recipe), self._digest_data(run.recipe), source, NUMBERS_VERSION]
            text = json.dumps(parts, sort_keys=True)
            self._of_runs[id(run)] = hashlib.sha256(text.encode()).hexdigest()[:_LENGTH]
        return self._of_runs[id(run)]

    def _name_source(self, run: PlannedRun) -> str:
        if run.source is not None:
            return self.of(run.source)
        return " ".join(digest_transfer(run.recipe).values())

    def _digest_data(self, recipe: Recipe) -> str:
        data = recipe.data
        which = json.dumps([data.name, data.classes, data.settings], sort_keys=True)
        if which not in self._data:
            dataset = load_recipe_data(recipe)
            own = dataset.validation.digest if dataset.validation is not None else ""
            self._data[which] = f"{dataset.train.digest} {own} {dataset.test.digest}"
        return self._data[which]


def reduce_recipe(recipe: Recipe) -> dict[str, Any]:
    """Return what of a recipe its numbers depend on, without what is at its default.

    So a field or a setting that a later version adds changes no key. A default that is changed would: that
    is what `NUMBERS_VERSION` is raised for. Files are named by what they hold.
    """
    values = recipe.model_dump(mode="json", exclude_none=True, exclude_defaults=True)
    for section, fields in _WITHOUT_INFLUENCE.items():
        table = values if not section else values.get(section, {})
        for name in fields:
            table.pop(name, None)
    data, train = values.setdefault("data", {}), values.setdefault("train", {})
    for name in recipe.data.settings:
        data.pop(name, None)
    kept = SOURCES.trim(recipe.data.name, recipe.data.settings)
    kept.pop("path", None)  # the images count, not where they lie
    data |= {"name": recipe.data.name, "settings": kept}
    data["augment"] = [_trim(AUGMENTATIONS, choice) for choice in recipe.data.augment]
    if recipe.data.mix is not None:
        data["mix"] = _trim(MIXES, recipe.data.mix)
    train["optimizer"] = _trim(OPTIMIZERS, recipe.train.optimizer)
    train["schedule"] = _trim(SCHEDULES, recipe.train.schedule)
    values["model"] = _trim(MODELS, recipe.model)
    if values.get("transfer"):
        values["transfer"].pop("run", None)
    run = {name: value for name, value in values.get("run", {}).items() if name != "device"}
    plugins = [load_plugin(plugin) for plugin in recipe.run.plugins]
    device = choose_device(recipe.run.device).type
    values = {name: table for name, table in values.items() if table != {}}
    return {**values, "run": {**run, "seed": recipe.run.seed, "plugins": plugins, "device": device}}


def _trim(registry: Registry, choice: Choice | ModelSection) -> dict[str, Any]:
    """Return a choice by its name and the settings that are not the default."""
    return {"name": choice.name, **registry.trim(choice.name, choice.settings)}


_WITHOUT_INFLUENCE: dict[str, Iterable[str]] = {
    "": ("name", "about"),
    "evaluate": ("look_inside", "confidence", "metrics"),
    "run": ("folder", "seeds", "tensorboard", "trackers", "observers"),
}
