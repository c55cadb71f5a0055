"""`loupe data`: the data card of a dataset or of a recipe's data."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loupe.data import SOURCES, Dataset, Splits, build_augmentation
from loupe.data.manifest import write_manifest
from loupe.data.overlaps import find_overlaps
from loupe.errors import LoupeError, MissingClassError, UnknownNameError
from loupe.plugins import load_named_plugins
from loupe.recipe import Recipe, list_recipes
from loupe.reports.data_card import write_data_card
from loupe.running.data_checks import (
    find_blanking_warnings,
    find_mirror_warnings,
    find_missing_class_warnings,
    refuse_wrong_augmentations,
)
from loupe.running.prepare import load_recipe
from loupe.running.training_setup import load_recipe_data, split_recipe_data
from loupe.runs.writing import write_text

_MOST_CHANGES = 6  # that a card is drawn with where a rare class stops a training


@dataclass(frozen=True)
class DescribedData:
    """What a data card says.

    Args:
        page: the card.
        draws: how many images each side was to get and got, where that is chance.
        problems: images on two sides, or under two classes.
    """

    page: Path
    draws: tuple[str, ...]
    problems: tuple[str, ...]


def write_card(
    name: str,
    overrides: Sequence[str] = (),
    *,
    out: Path,
    plugins: Sequence[str] = (),
    manifest: Path | None = None,
) -> DescribedData:
    """Write a data card, and a list of the images if that is wanted.

    Args:
        name: a dataset's name, a packaged recipe's name, or a recipe file. What is both, as "digits", is the
            recipe, so that the card shows what `loupe train` trains on.
        overrides: changes such as `data.path=crops`.
        out: folder that receives a folder for the card.
        plugins: Python files that register further datasets.
        manifest: CSV file for path, label and split of every image; None for none.

    Raises:
        LoupeError: no such dataset or recipe, or data that is missing or damaged.
    """
    load_named_plugins(plugins)
    is_of_recipe = name in list_recipes() and load_recipe(name).data.name == name
    if name in SOURCES and not is_of_recipe:
        recipe = load_recipe({"name": name, "data": {"name": name}}, overrides, plugins=plugins)
    elif Path(name).is_dir() and not (Path(name) / "recipe.toml").exists():
        raise LoupeError(
            f"{name} is a folder, not a recipe.",
            got=name,
            allowed="the name of a dataset or recipe, or a recipe file",
            next_step=f"for a folder of images: loupe data folder data.path={name}",
        )
    elif name in list_recipes() or Path(name).exists():
        recipe = load_recipe(name, overrides, plugins=plugins)
    else:
        names = {*SOURCES.names(), *list_recipes()}
        next_step = "`loupe datasets` and `loupe recipes` list them"
        raise UnknownNameError("dataset or recipe", name, names, next_step)
    recipe, dataset, splits, trouble = _divide_as_can_be(recipe)
    augmentations = [
        (choice.name, build_augmentation(choice.name, **choice.settings)) for choice in recipe.data.augment
    ]
    built = [augmentation for _, augmentation in augmentations]
    refuse_wrong_augmentations(built, splits.train)
    problems = (
        *trouble,
        *dataset.notes,
        *splits.changes,
        *find_missing_class_warnings(recipe, splits),
        *find_mirror_warnings(recipe, built),
        *find_blanking_warnings(recipe, built, splits.train),
        *find_overlaps(splits).describe(),
    )
    page = write_data_card(
        out / recipe.name,
        title=recipe.name if recipe.name == recipe.data.name else f"{recipe.data.name} as in {recipe.name}",
        splits=splits,
        augmentations=augmentations,
        seed=recipe.split_seed,
        origin=SOURCES.facts(recipe.data.name).get("origin", ""),
        problems=problems,
    )
    if manifest is not None:
        manifest.parent.mkdir(parents=True, exist_ok=True)
        write_text(manifest, write_manifest(split_recipe_data(_keep_whole(recipe), dataset)))
    return DescribedData(page, splits.draws, problems)


def _divide_as_can_be(recipe: Recipe) -> tuple[Recipe, Dataset, Splits, tuple[str, ...]]:
    """Return a recipe whose images can be divided, the images and their parts, and what stops a training.

    A rare class may need a larger share on some side; one that no share helps is left out.

    Raises:
        DataError: the images cannot be divided, whatever is changed.
    """
    trouble: list[str] = []
    while True:
        try:
            dataset = load_recipe_data(recipe)
            return recipe, dataset, split_recipe_data(recipe, dataset), tuple(trouble)
        except MissingClassError as error:
            changed = _change(recipe, error)
            if changed is None or len(trouble) == _MOST_CHANGES:
                raise
            recipe, said = changed
            stops = str(error).partition("\n")[0]
            trouble.append(f"a training would stop: {stops} {said}, as shown, works")


def _change(recipe: Recipe, error: MissingClassError) -> tuple[Recipe, str] | None:
    """Return a recipe that goes further than one that lacks a class somewhere, and what was changed in it."""
    name, data = error.setting.removeprefix("data."), recipe.data
    update: dict[str, Any]
    if error.works is None:
        kept = [one for one in error.class_names if one not in error.hopeless]
        if not error.hopeless or len(kept) < 2:
            return None
        update, said = {"classes": tuple(kept)}, f"data.classes={json.dumps(kept, ensure_ascii=False)}"
    elif name == "fold" and data.fold is not None:
        fold = {"number": min(data.fold.number, int(error.works)), "of": int(error.works)}
        update, said = {"fold": data.fold.model_copy(update=fold)}, f"data.fold of {error.works}"
    else:
        update, said = {name: error.works}, f"{error.setting}={error.works:g}"
    return recipe.model_copy(update={"data": data.model_copy(update=update)}), said


def _keep_whole(recipe: Recipe) -> Recipe:
    """Return the recipe without what leaves images out or changes labels: a list names all, as they are."""
    whole = {"fraction": 1.0, "corrections": None, "long_tail": None, "label_noise": None}
    return recipe.model_copy(update={"data": recipe.data.model_copy(update=whole)})
