"""Training from Python: with progress where somebody watches, and a run that draws itself."""

from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from loupe import running
from loupe.notebook.progress import TextProgress, is_watched
from loupe.notebook.run import Run
from loupe.notebook.series import Series, as_run
from loupe.recipe import Recipe
from loupe.training import Observer


def train(
    recipe: str | Path | Mapping[str, Any] | Recipe = "digits",
    *overrides: str | Sequence[str],
    plugins: str | Path | Sequence[str | Path] = (),
    observers: Sequence[Observer] = (),
    dataset: object = None,
    progress: bool | None = None,
) -> Run | Series:
    """Train a recipe and return its run; that of several seeds is a `Series`.

    Ctrl-C ends the training tidily; the result's `status` then is "interrupted".

    Args:
        recipe: a packaged recipe's name, a TOML file, a mapping, or a recipe.
        overrides: changes as on the command line, such as `"train.epochs=3"`, one by one or in a list.
        plugins: Python files that register further models, datasets …
        observers: told of steps and epochs.
        dataset: images in place of those the recipe names: `(images, labels)` as arrays or tensors, a torch
            `Dataset` of such pairs, an `ImageDataset`, or a mapping of `train`, `validation` and `test` to
            these. They are kept by their content in `datasets/` beside the runs.
        progress: whether to show a bar; left out, in terminals and notebooks, unless `LOUPE_PROGRESS` says
            otherwise.

    Raises:
        LoupeError: the recipe has mistakes, the data is missing, or training broke down.
    """
    bar = TextProgress()
    watching = [bar] if is_watched(progress) else []
    try:
        run = running.train(
            recipe, *overrides, plugins=plugins, observers=[*observers, *watching], dataset=dataset
        )
    finally:
        bar.close()
    return as_run(run.path)


def resume(
    place: str | PathLike[str],
    *,
    processes: int | None = None,
    observers: Sequence[Observer] = (),
    progress: bool | None = None,
) -> Run | Series:
    """Resume a run that was interrupted, and return it; a finished one is left as it is.

    On a CPU, with the same versions and threads, its weights end equal to the bit to those of the run that
    was never interrupted; under other conditions the result says so.

    Args:
        place: a run, its folder, or its name (or how it begins) inside runs/.
        processes: processes to go on with, ≥ 1; as many as before if left out.
        observers: told of steps and epochs.
        progress: as in `train`.

    Raises:
        RunError: there is no such run, or its data or plugins changed.
    """
    bar = TextProgress()
    watching = [bar] if is_watched(progress) else []
    try:
        run = running.resume(place, processes=processes, observers=[*observers, *watching])
    finally:
        bar.close()
    return as_run(run.path)
