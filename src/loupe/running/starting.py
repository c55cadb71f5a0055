"""Running recipes: from the text of a recipe to a run folder with its report."""

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from loupe.errors import LoupeError
from loupe.plugins import expand_path
from loupe.recipe import Recipe, list_overrides
from loupe.running.given_data import keep_given_data
from loupe.running.prepare import load_recipe as load_recipe
from loupe.running.process_group import find_rendezvous as find_rendezvous
from loupe.running.process_group import settle_processes as settle_processes
from loupe.running.process_group.meeting import follow as follow
from loupe.running.run import run_recipe as run_recipe
from loupe.running.seeds import run_seeds as run_seeds
from loupe.runs import RunFolder, create_run_folder, find_run_folder, is_run_folder, open_run_folder
from loupe.training import Observer


def train(
    recipe: str | Path | Mapping[str, Any] | Recipe = "digits",
    *overrides: str | Sequence[str],
    plugins: str | Path | Sequence[str | Path] = (),
    observers: Sequence[Observer] = (),
    dataset: object = None,
) -> RunFolder:
    """Train a recipe and return its run folder; that of several seeds is a `SeriesFolder`.

    Ctrl-C ends the training tidily; the result's `status` then is "interrupted".

    Args:
        recipe: a packaged recipe's name, a TOML file, a mapping, or a recipe.
        overrides: changes as on the command line, such as `"train.epochs=3"`, one by one or in a list.
        plugins: Python files that register further models, datasets …
        observers: told of steps and epochs.
        dataset: images in place of those the recipe names: `(images, labels)` as arrays or tensors, a torch
            `Dataset` of such pairs, an `ImageDataset`, or a mapping of `train`, `validation` and `test` to
            these. They are kept by their content in `datasets/` beside the runs.

    Raises:
        LoupeError: the recipe has mistakes, the data is missing, or training broke down.
    """
    changes = list_overrides(overrides)
    resolved = settle_processes(load_recipe(recipe, changes, plugins=plugins))
    if dataset is not None:
        given = keep_given_data(dataset, expand_path(resolved.run.folder))
        resolved = settle_processes(load_recipe(recipe, (*changes, *given), plugins=plugins))
    rendezvous = find_rendezvous()
    if rendezvous is not None and rendezvous.rank:
        return RunFolder(follow(resolved, rendezvous))
    path = make_run_folder(resolved)
    start_run(resolved, path, observers=observers)
    return open_run_folder(path)


def find_recipe_to_continue(
    place: str | PathLike[str], first: str, overrides: Sequence[str]
) -> tuple[str, tuple[str, ...]]:
    """Return recipe and overrides of a training that goes on with a finished run, as a new run.

    Args:
        place: the run's folder or name.
        first: what stands where a recipe would: "digits" if nothing does, else a change of the run's recipe.
        overrides: further changes.

    Raises:
        LoupeError: there is no such run, or a recipe was named beside it.
    """
    path = find_run_folder(place)
    if "=" not in first and first != "digits":
        raise LoupeError(
            "A run is continued by its own recipe.",
            got=first,
            allowed="changes such as train.epochs=60",
            next_step=f"loupe train --continue {place} train.epochs=60",
        )
    changes = (first, *overrides) if "=" in first else tuple(overrides)
    return str(path / "recipe.toml"), (*changes, f"run.continues={path}")


def make_run_folder(recipe: Recipe) -> Path:
    """Make and return a new folder for a run of the recipe.

    Raises:
        LoupeError: `run.folder` is no path, or cannot be written to.
    """
    parent = recipe.run.folder
    return create_run_folder(expand_path(parent) if parent.startswith("~") else Path(parent), recipe.name)


def start_run(recipe: Recipe, path: Path, *, observers: Sequence[Observer] = ()) -> None:
    """Carry out a resolved recipe in a run folder just made; the folder goes if nothing is recorded.

    Raises:
        LoupeError: as `run_recipe`.
    """
    try:
        carry_out(recipe, path, observers=observers)
    except BaseException:  # a mistake, or Ctrl-C before the first step
        if not is_run_folder(path):
            shutil.rmtree(path)
        raise


def resume(
    place: str | PathLike[str], *, processes: int | None = None, observers: Sequence[Observer] = ()
) -> RunFolder:
    """Resume a run that was interrupted, and return its folder; a finished one is left as it is.

    On a CPU, with the same versions and threads, its weights end equal to the bit to those of the run that
    was never interrupted; under other conditions the result says so.

    Args:
        place: a run folder, or its name (or how it begins) inside runs/.
        processes: processes to go on with, ≥ 1; as many as before if left out.
        observers: told of steps and epochs.

    Raises:
        RunError: there is no such run, or its data or plugins changed.
    """
    path = find_run_folder(place)
    recipe, rendezvous = load_recipe_of(path, processes), find_rendezvous()
    if not is_finished(recipe, path):
        if rendezvous is not None and rendezvous.rank:
            return RunFolder(follow(recipe, rendezvous))
        carry_out(recipe, path, observers=observers)
    return open_run_folder(path)


def load_recipe_of(path: Path, processes: int | None = None) -> Recipe:
    """Return the recipe of a run folder, to be resumed by so many processes, or by those that were started.

    Raises:
        RecipeError: it has mistakes.
    """
    rendezvous = find_rendezvous()
    if processes is None and rendezvous is not None:
        processes = rendezvous.size
    changes = [] if processes is None else [f"run.processes={processes}"]
    kept = [*find_kept_weights(path)]
    if kept:
        changes.append(f"transfer.weights={json.dumps(str(kept[0].resolve()))}")
    return settle_processes(load_recipe(path / "recipe.toml", changes))


def find_kept_weights(path: Path) -> Iterator[Path]:
    """Yield the files of weights that a run, or the runs of a series, started from and kept."""
    for folder in (path, *sorted(path.glob("seed-*"))):
        kept = RunFolder(folder).find_starting_weights()
        if kept is not None:
            yield kept


def carry_out(recipe: Recipe, path: Path, *, observers: Sequence[Observer] = ()) -> None:
    """Carry out a resolved recipe in a run folder: one run, or one for each of its seeds.

    Raises:
        LoupeError: as `run_recipe`.
    """
    if recipe.run.seeds:
        run_seeds(recipe, path, observers=observers)
    else:
        run_recipe(recipe, RunFolder(path), observers=observers)


def is_finished(recipe: Recipe, path: Path) -> bool:
    """Return whether a run, or every seed of a series, has finished and has all its files."""
    seeds = recipe.run.seeds
    folders = [RunFolder(path / f"seed-{seed}") for seed in seeds] if seeds else [RunFolder(path)]
    if seeds and not ((path / "summary.json").is_file() and (path / "report.html").is_file()):
        return False
    return all(folder.is_finished() for folder in folders)
