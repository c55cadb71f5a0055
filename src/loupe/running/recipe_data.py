"""The images of a recipe or of a run: loaded, divided, and found again."""

import torch

from loupe.data import Dataset, ImageDataset, Splits, load_dataset, split_dataset
from loupe.data.identity import ImageTable
from loupe.errors import RunError
from loupe.recipe import Recipe
from loupe.running.sides import load_known_sides
from loupe.runs import RunFolder


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


def load_validation_images(run: RunFolder) -> ImageDataset:
    """Return the validation images of a run, in the order of its stored predictions.

    Raises:
        RunError: they are not what they were when it was trained.
        LoupeError: the data is gone.
    """
    recipe = run.read_recipe()
    dataset, wanted = load_recipe_data(recipe), run.read_environment()["data_digests"]["validation"]
    validation = split_recipe_data(recipe, dataset).validation
    record = run.read_images() if validation.digest != wanted else None
    if record is not None:  # the data moved on, or some were left out: found one by one
        validation = find_recorded_images(dataset, record.validation) or validation
    if validation.digest != wanted:
        raise RunError(
            f"The validation images of run {run.path.name} are not what they were when it was trained.",
            got="another content of the dataset",
            allowed="the data that environment.json records",
            next_step="bring the old data back, or train anew",
        )
    return validation


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
