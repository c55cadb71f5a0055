"""Running recipes: from the text of a recipe to a run folder with its report."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from loupe.errors import LoupeError, RunError
from loupe.experiments.prepare import load_recipe as load_recipe
from loupe.experiments.run import run_recipe as run_recipe
from loupe.experiments.seeds import run_seeds as run_seeds
from loupe.recipe import Recipe
from loupe.runs import RunFolder, create_run_folder, find_run_folder
from loupe.training import Observer


def train(
    recipe: str | Path | Mapping[str, Any] | Recipe = "digits",
    *overrides: str,
    plugins: Sequence[str] = (),
    observers: Sequence[Observer] = (),
) -> RunFolder:
    """Train a recipe and return its run folder.

    Args:
        recipe: a packaged recipe's name, a TOML file, a mapping, or a recipe.
        overrides: changes as on the command line, such as `"train.epochs=3"`.
        plugins: Python files that register further models, datasets …
        observers: told of steps and epochs.

    Raises:
        LoupeError: the recipe has mistakes, the data is missing, or training broke down.
    """
    resolved = load_recipe(recipe, overrides, plugins=plugins)
    path = create_run_folder(Path(resolved.run.folder).expanduser(), resolved.name)
    carry_out(resolved, path, observers=observers)
    return RunFolder(path)


def resume(place: str | Path, *, observers: Sequence[Observer] = ()) -> RunFolder:
    """Go on with a run that was broken off, and return its folder; a finished one is left as it is.

    Its weights end equal, to the bit, to those of the run that was never broken off.

    Raises:
        RunError: there is no such run, or its data or plugins changed.
    """
    path = find_run_folder(place)
    recipe = load_recipe(path / "recipe.toml")
    if not is_finished(recipe, path):
        carry_out(recipe, path, observers=observers)
    return RunFolder(path)


def carry_out(recipe: Recipe, path: Path, *, observers: Sequence[Observer] = ()) -> None:
    """Carry out a resolved recipe in a run folder: one run, or one for each of its seeds.

    Raises:
        LoupeError: as `run_recipe`.
        RunError: the folder vanished.
    """
    if not path.is_dir():
        raise RunError(f"The run folder {path} is gone.", next_step="`loupe list` shows the runs")
    try:
        if recipe.run.seeds:
            run_seeds(recipe, path, observers=observers)
        else:
            run_recipe(recipe, RunFolder(path), observers=observers)
    except LoupeError:
        if not list(path.rglob("environment.json")):  # nothing was recorded: leave nothing behind
            shutil.rmtree(path)
        raise


def is_finished(recipe: Recipe, path: Path) -> bool:
    """Return whether a run, or every seed of a series, has finished."""
    seeds = recipe.run.seeds
    folders = [path / f"seed-{seed}" for seed in seeds] if seeds else [path]
    results = [RunFolder(folder).read_result() for folder in folders]
    return all(result is not None and result.status == "finished" for result in results)
