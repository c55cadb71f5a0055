"""`loupe data`: the data card of a dataset or of a recipe's data."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from loupe.data import SOURCES, build_augmentation
from loupe.data.manifest import write_manifest
from loupe.data.overlaps import find_overlaps
from loupe.errors import LoupeError, UnknownNameError
from loupe.plugins import load_named_plugins
from loupe.recipe import Recipe, list_recipes
from loupe.reports.data_card import write_data_card
from loupe.running.data_checks import refuse_wrong_augmentations
from loupe.running.prepare import load_recipe
from loupe.running.training_setup import load_recipe_data, split_recipe_data
from loupe.runs.writing import write_text


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
        name: a dataset's name, a packaged recipe's name, or a recipe file.
        overrides: changes such as `data.path=crops`.
        out: folder that receives a folder for the card.
        plugins: Python files that register further datasets.
        manifest: CSV file for path, label and split of every image; None for none.

    Raises:
        LoupeError: no such dataset or recipe, or data that is missing or damaged.
    """
    load_named_plugins(plugins)
    if name in SOURCES:
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
    dataset = load_recipe_data(recipe)
    splits = split_recipe_data(recipe, dataset)
    augmentations = [
        (choice.name, build_augmentation(choice.name, **choice.settings)) for choice in recipe.data.augment
    ]
    refuse_wrong_augmentations([augmentation for _, augmentation in augmentations], splits.train)
    problems = (*dataset.notes, *splits.changes, *find_overlaps(splits).describe())
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


def _keep_whole(recipe: Recipe) -> Recipe:
    """Return the recipe without what leaves images out or changes labels: a list names all, as they are."""
    whole = {"fraction": 1.0, "corrections": None, "long_tail": None, "label_noise": None}
    return recipe.model_copy(update={"data": recipe.data.model_copy(update=whole)})
