"""Where recipes are found: packaged ones by name, others by path. No torch here."""

import re
from importlib import resources
from pathlib import Path
from typing import Any

from loupe.errors import LoupeError, UnknownNameError, suggest
from loupe.recipe.reading import read_toml


def list_recipes() -> dict[str, str]:
    """Return the packaged recipes: name → one line about each."""
    names = (entry.name for entry in resources.files("loupe.recipes").iterdir())
    packaged = sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml"))
    return {name: str(read_toml(_read_packaged(name), name).get("about", "")) for name in packaged}


def read_recipe_file(place: str | Path) -> dict[str, Any]:
    """Return the mapping of a packaged recipe, a TOML file, or a run folder's recipe.

    Raises:
        UnknownNameError: there is no such packaged recipe.
        LoupeError: the file cannot be read, or is not TOML.
    """
    packaged = list_recipes()
    if str(place) in packaged:
        return {"name": str(place), **read_toml(_read_packaged(str(place)), str(place))}
    path = _expand(place)
    path = path / "recipe.toml" if path.is_dir() else path
    if path.suffix != ".toml" and not path.is_file():
        raise UnknownNameError(
            "recipe", str(place), packaged, "`loupe recipes` says more; a path to a .toml file works too"
        )
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise LoupeError(
            f"The recipe file {path} cannot be read.",
            got=getattr(error, "strerror", None) or "not UTF-8 text",
            allowed=f"a TOML file, or one of: {', '.join(packaged)}",
            nearest=suggest(path.stem, packaged),
            next_step="`loupe recipes` says more about the packaged ones",
        ) from None
    return {"name": re.sub(r"[^\w.-]+", "-", path.stem).strip("-.") or "recipe", **read_toml(text, str(path))}


def _expand(place: str | Path) -> Path:
    try:
        return Path(place).expanduser()
    except RuntimeError:  # the home of nobody
        return Path(place)


def _read_packaged(name: str) -> str:
    return resources.files("loupe.recipes").joinpath(f"{name}.toml").read_text(encoding="utf-8")
