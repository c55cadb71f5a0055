"""The images of a recipe or of a run: loaded, divided, and found again."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from loupe.data import Dataset, ImageDataset, KnownSides, LockedTest, Splits, load_dataset, split_dataset
from loupe.data.correcting import correct_splits, find_corrected
from loupe.data.corrections import read_corrections
from loupe.data.identity import ImageTable
from loupe.data.injection import inject, relabel
from loupe.data.sources import list_places
from loupe.errors import DataError, LoupeError, RunError
from loupe.plugins import expand_path
from loupe.recipe import Recipe
from loupe.running.sides import load_known_sides
from loupe.runs import RunFolder, read_weights
from loupe.runs.arrays import read_arrays
from loupe.runs.reading import reading
from loupe.runtime import choose_device


def load_recipe_data(recipe: Recipe) -> Dataset:
    """Return the dataset a recipe names, with its classes."""
    return _load(recipe, load_known_sides(recipe))


def _load(recipe: Recipe, sides: KnownSides | None) -> Dataset:
    data = recipe.data
    return load_dataset(
        data.name,
        classes=data.classes,
        sides=sides,
        in_memory=data.in_memory,
        processes=recipe.run.processes,
        is_on_cpu=choose_device(recipe.run.device).type == "cpu",
        **data.settings,
    )


def split_recipe_data(recipe: Recipe, dataset: Dataset) -> Splits:
    """Return the splits a recipe describes, corrected, with what it has done to training images on purpose.

    Raises:
        DataError: parts that lack a class, corrections that do not fit the data.
    """
    splits = split_dataset(
        dataset,
        validation=recipe.data.validation,
        fraction=recipe.data.fraction,
        seed=recipe.split_seed,
        fold=(recipe.data.fold.number, recipe.data.fold.of) if recipe.data.fold else None,
    )
    if recipe.data.corrections is not None:
        corrections = read_corrections(expand_path(recipe.data.corrections))
        found = find_corrected(corrections, dataset, is_part=recipe.data.classes is not None)
        splits = correct_splits(splits, dataset, found, corrections.origin)
    tail, noise = recipe.data.long_tail, recipe.data.label_noise
    if tail is None and noise is None:
        return splits
    train, changes = inject(
        splits.train,
        recipe.split_seed,
        long_tail=tail,
        noise=(noise.kind, noise.share, noise.confusion) if noise else None,
    )
    return replace(splits, train=train, changes=(*splits.changes, *changes))


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
    before, now = Path(str(recipe.data.settings["path"])), expand_path(str(path))
    moved = {"path": str(now)}
    for name in list_places(recipe.data.name):  # what lay beside it lies beside it now, if it moved too
        other = recipe.data.settings.get(name)
        if name != "path" and isinstance(other, str):
            beside = Path(os.path.normpath(now.parent / os.path.relpath(other, before.parent)))
            moved[name] = str(beside) if beside.exists() else other
    return recipe.model_copy(update={"data": recipe.data.model_copy(update=moved)})


def load_run_data(run: RunFolder, data: str | Path | None = None) -> tuple[Recipe, Dataset]:
    """Return the recipe of a run and its dataset, divided as the run's record says where it says so.

    Args:
        run: the run.
        data: where its images lie now; where they were if left out.

    Raises:
        LoupeError: the data is gone.
    """
    recipe = place_data(run.read_recipe(), data)
    record = run.read_images() if recipe.data.sides_of is not None else None
    chosen = recipe.data
    try:
        if record is None:
            return recipe, load_recipe_data(recipe)
        sides = KnownSides(run.path.name, record.sides())  # whose sides it took is not asked again
        return recipe, _load(recipe, sides)
    except DataError as error:
        place = chosen.settings.get("path")
        if isinstance(place, str) and not Path(place).exists():
            error.next_step = "if they were moved, say where they lie now: --data PATH"
        raise


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
    recipe, dataset = load_run_data(run, data)
    splits = split_recipe_data(_leave_corrections(recipe), dataset)
    train = _find_images(run, dataset, splits.train, "train")
    validation = _find_images(run, dataset, splits.validation, "validation")
    return replace(splits, train=train, validation=validation, test=_find_test(run, splits.test))


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
    recipe, dataset = load_run_data(run, data)
    return _find_images(
        run, dataset, split_recipe_data(_leave_corrections(recipe), dataset).validation, "validation"
    )


def _leave_corrections(recipe: Recipe) -> Recipe:
    """Return a run's recipe without its list of corrections: the run's own record says what came of it."""
    return recipe.model_copy(update={"data": recipe.data.model_copy(update={"corrections": None})})


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
        chosen = run.read_recipe().data
        has_others = chosen.corrections is not None or (side == "train" and chosen.label_noise is not None)
        images = find_recorded_images(dataset, record.table(side), keeps_labels=not has_others) or images
    if images.digest != wanted:
        name = "training" if side == "train" else side
        raise RunError(
            f"The {name} images of run {run.path.name} are not what they were when it was trained.",
            got="another content of the dataset",
            allowed="the data that environment.json records",
            next_step="bring the old data back, or name it with --data; or train anew",
        )
    return images


def _find_test(run: RunFolder, test: LockedTest) -> LockedTest:
    """Return the locked test images of a run among those there are now, or these as they are."""
    record = run.read_images() if test.digest != run.read_environment()["data_digests"]["test"] else None
    found = _find_places(test.table, record.test) if record is not None else None
    return test if found is None else test.keep_images(found)


def find_recorded_images(
    dataset: Dataset, wanted: ImageTable, *, keeps_labels: bool = True
) -> ImageDataset | None:
    """Return the recorded images of a split from a dataset that moved on since.

    None where one is not there any more: deleted, changed, or on the side of the test images now.

    Args:
        dataset: the data as it is now.
        wanted: the images.
        keeps_labels: whether an image under another label is another one; else it gets the recorded label.
    """
    for pool in (dataset.validation, dataset.train):
        if pool is None:
            continue
        found = _find_places(pool.table, wanted, keeps_labels=keeps_labels)
        if found is not None:
            images = pool.select(found)
            return images if keeps_labels else relabel(images, wanted.labels)
    return None


def _find_places(pool: ImageTable, wanted: ImageTable, *, keeps_labels: bool = True) -> Tensor | None:
    """Return where in a pool each wanted image is, (images,) int64; None if one is missing."""
    places = {key: index for index, key in reversed(list(enumerate(_name(pool, keeps_labels))))}
    found = [places[key] for key in _name(wanted, keeps_labels) if key in places]
    return torch.tensor(found, dtype=torch.int64) if len(found) == len(wanted) else None


def _name(table: ImageTable, has_label: bool) -> list[tuple[bytes, int]]:
    digests = [row.tobytes() for row in table.digests.numpy()]
    labels = table.labels.tolist() if has_label else [0] * len(table)
    return list(zip(digests, labels, strict=True))
