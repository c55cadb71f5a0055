"""Recipes kept in the folder of a study or a search: it goes on with those it began with.

A packaged recipe is another one in a later version, and a file is edited; what was begun must not become a
mixture of both.
"""

from collections.abc import Iterable
from pathlib import Path

import tomli_w

from loupe.recipe import name_recipe, read_recipe_file
from loupe.runs.writing import write_text

_FOLDER = "recipes"


def keep_recipes(folder: Path, recipes: Iterable[str]) -> dict[str, str]:
    """Write recipes into a folder, and return what each is called there.

    Args:
        folder: of a study or a search.
        recipes: packaged ones by name, others by path.

    Raises:
        LoupeError: a recipe cannot be read.
    """
    called: dict[str, str] = {}
    for recipe in dict.fromkeys(recipes):
        name = name_recipe(recipe)
        while name in called.values():
            name += "-2"
        called[recipe] = name
        file = folder / _FOLDER / f"{name}.toml"
        if Path(recipe) != file.resolve():
            file.parent.mkdir(parents=True, exist_ok=True)
            write_text(file, tomli_w.dumps(read_recipe_file(recipe)))
    return called


def find_recipe(place: Path, recipe: str) -> str:
    """Return the path of a recipe, wherever a command is given; its name as it is where nothing is found.

    Args:
        place: the folder of a study or a search, whose kept recipes come first, or the file of one, beside
            which a recipe's file may lie.
        recipe: as the file names it.
    """
    kept = place / _FOLDER / f"{recipe}.toml"
    if recipe == name_recipe(recipe) and kept.is_file():
        return str(kept.resolve())
    folder = place if place.is_dir() else place.parent
    is_beside = recipe.endswith(".toml") and (folder / recipe).is_file()
    return str((folder / recipe).resolve()) if is_beside else recipe
