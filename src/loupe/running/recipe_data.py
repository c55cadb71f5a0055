"""The images of a recipe or of a run: loaded, divided, and found again."""

from dataclasses import replace
from pathlib import Path
from typing import Literal

import torch

from loupe.data import Dataset, ImageDataset, LockedTest, Splits, load_dataset, split_dataset
from loupe.data.identity import ImageTable
from loupe.errors import LoupeError, RunError
from loupe.plugins import expand_path
from loupe.recipe import Recipe
from loupe.running.sides import load_known_sides
from loupe.runs import RunFolder, read_weights
from loupe.runs.reading import read_arrays, reading


def load_recipe_data(recipe: Recipe) -> Dataset:
    """Return the dataset a recipe names, with its classes."""
    sides = load_known_sides(recipe)
    return load_dataset(recipe.data.name, classes=recipe.data.classes, sides=sides, **recipe.data.settings)


def split_recipe_data(recipe: Recipe, dataset: Dataset) -> Splits:
    """Return the splits a recipe describes."""
    return split_dataset(
        dataset,
        validation=recipe.data.validation,
        fraction=recipe.data.fraction,
        seed=recipe.split_seed,
    )


def place_data(recipe: Recipe, path: str | Path | None) -> Recipe:
    """Return a recipe whose images lie elsewhere; the same one if `path` is None.

    Raises:
        LoupeError: its dataset is not found by a path.
    """
    if path is None:
        return recipe
    if "path" not in recipe.data.settings:
        raise LoupeError(
            f"The images of {recipe.data.name} are not found by a path.",
            got=f"--data {path}",
            allowed="--data for images of your own: recipes with data.path",
            next_step="leave it out; LOUPE_DATA names the folder of official files",
        )
    place = str(expand_path(str(path)))
    return recipe.model_copy(update={"data": recipe.data.model_copy(update={"path": place})})


def load_run_splits(run: RunFolder, data: str | Path | None = None) -> Splits:
    """Return the training and validation images of a run, and its test set, locked.

    Images of data that moved on since are found one by one, by what they are.

    Args:
        run: the run.
        data: where its images lie now; where they were if left out.

    Raises:
        RunError: its training or validation images are not what they were.
        LoupeError: the data is gone.
    """
    if data is None and run.pixels_file.exists():
        train, validation = (read_packed_images(run, side) for side in ("train", "validation"))
        none = train.select(torch.zeros(0, dtype=torch.int64))
        return Splits(train, validation, LockedTest(none))
    recipe = place_data(run.read_recipe(), data)
    dataset = load_recipe_data(recipe)
    splits = split_recipe_data(recipe, dataset)
    train = _find_images(run, dataset, splits.train, "train")
    return replace(
        splits, train=train, validation=_find_images(run, dataset, splits.validation, "validation")
    )


def load_validation_images(run: RunFolder, data: str | Path | None = None) -> ImageDataset:
    """Return the validation images of a run, in the order of its stored predictions.

    Args:
        run: the run.
        data: where its images lie now; where they were if left out.

    Raises:
        RunError: they are not what they were when it was trained.
        LoupeError: the data is gone.
    """
    if data is None and run.pixels_file.exists():
        return read_packed_images(run, "validation")
    recipe = place_data(run.read_recipe(), data)
    dataset = load_recipe_data(recipe)
    return _find_images(run, dataset, split_recipe_data(recipe, dataset).validation, "validation")


def read_packed_images(run: RunFolder, side: str) -> ImageDataset:
    """Return the training or validation images that a run was packed with.

    Raises:
        RunError: they are damaged, or not those of the run.
    """
    arrays = read_arrays(run.pixels_file)
    with reading(run.pixels_file):
        _, description = read_weights(run)
        names = tuple(description["class_names"])
        images = ImageDataset(
            arrays[f"{side}_images"], arrays[f"{side}_labels"], names, "packed with the run"
        )
    if images.digest != run.read_environment()["data_digests"].get(side):
        raise RunError(
            f"{run.pixels_file} does not hold the {side} images of the run.",
            got="another content than environment.json records",
            allowed="the images the run was packed with",
            next_step="remove the file, and name the data with --data",
        )
    return images


def _find_images(
    run: RunFolder, dataset: Dataset, images: ImageDataset, side: Literal["train", "validation"]
) -> ImageDataset:
    """Return the images of one side of a run: those that the recipe gives now, if they are still the same."""
    wanted = run.read_environment()["data_digests"][side]
    record = run.read_images() if images.digest != wanted else None
    if record is not None:  # the data moved on, or some were left out
        images = find_recorded_images(dataset, record.table(side)) or images
    if images.digest != wanted:
        name = "training" if side == "train" else side
        raise RunError(
            f"The {name} images of run {run.path.name} are not what they were when it was trained.",
            got="another content of the dataset",
            allowed="the data that environment.json records",
            next_step="bring the old data back, or name it with --data; or train anew",
        )
    return images


def find_recorded_images(dataset: Dataset, wanted: ImageTable) -> ImageDataset | None:
    """Return the recorded images of a split from a dataset that moved on since.

    None where one is not there any more: deleted, changed, or on the side of the test images now.
    """
    for pool in (dataset.validation, dataset.train):
        if pool is None:
            continue
        places = {key: index for index, key in reversed(list(enumerate(_name(pool.table))))}
        found = [places[key] for key in _name(wanted) if key in places]
        if len(found) == len(wanted):
            return pool.select(torch.tensor(found, dtype=torch.int64))
    return None


def _name(table: ImageTable) -> list[tuple[bytes, int]]:
    digests = [row.tobytes() for row in table.digests.numpy()]
    return list(zip(digests, table.labels.tolist(), strict=True))
