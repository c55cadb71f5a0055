"""What determines a run's numbers, as one short text: two runs with the same key are the same run."""

import hashlib
import json
from typing import Any

from loupe.data.corrections import read_corrections
from loupe.plugins import expand_path, load_plugin
from loupe.recipe import Recipe
from loupe.running.continuing import digest_continued
from loupe.running.recipe_digest import reduce_recipe
from loupe.running.record import digest_transfer
from loupe.running.training_setup import load_recipe_data
from loupe.runtime import choose_device
from loupe.studies.plan import PlannedRun
from loupe.version import NUMBERS_VERSION

ROUNDS_OTHERWISE = "together"
"""The engine whose runs are not those of the others to the bit."""

_LENGTH = 12  # hexadecimal digits: 48 bits, enough for any number of runs one will ever make


class Keys:
    """Compute the keys of runs; each dataset is loaded once, for its digest.

    Args:
        engine: what carries the runs out. Runs of "together" have keys of their own, which end in its name:
            sums over stacked networks round otherwise, and after some steps of Adam that shows.
    """

    def __init__(self, engine: str = "") -> None:
        self._ending = f"-{engine}" if engine == ROUNDS_OTHERWISE else ""
        self._data: dict[str, str] = {}
        self._of_runs: dict[int, str] = {}

    def of(self, run: PlannedRun) -> str:
        """Return the key of a run: a digest of its recipe, its data, its starting weights and the code.

        Raises:
            DataError: the data cannot be loaded.
        """
        if id(run) not in self._of_runs:
            source = self._name_source(run)
            parts = [describe_run(run.recipe), self._digest_data(run.recipe), source, NUMBERS_VERSION]
            text = json.dumps(parts, sort_keys=True)
            key = hashlib.sha256(text.encode()).hexdigest()[:_LENGTH]
            self._of_runs[id(run)] = key + self._ending
        return self._of_runs[id(run)]

    def _name_source(self, run: PlannedRun) -> str:
        if run.source is not None:
            return self.of(run.source)
        return " ".join((*digest_transfer(run.recipe).values(), *digest_continued(run.recipe)))

    def _digest_data(self, recipe: Recipe) -> str:
        data = recipe.data
        which = json.dumps([data.name, data.classes, data.sides_of, data.settings], sort_keys=True)
        if which not in self._data:
            dataset = load_recipe_data(recipe)
            own = dataset.validation.digest if dataset.validation is not None else ""
            self._data[which] = f"{dataset.train.digest} {own} {dataset.test.digest}"
        if data.corrections is None:
            return self._data[which]
        return f"{self._data[which]} {read_corrections(expand_path(data.corrections)).digest}"


def describe_run(recipe: Recipe) -> dict[str, Any]:
    """Return what of a recipe its numbers depend on, plugins by what they hold, and the device."""
    values = reduce_recipe(recipe)
    plugins = [load_plugin(plugin) for plugin in recipe.run.plugins]
    device = choose_device(recipe.run.device).type
    return {**values, "run": {**values["run"], "plugins": plugins, "device": device}}
