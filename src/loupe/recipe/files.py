"""Where recipes are found: packaged ones by name, others by path. No torch here."""

import errno
import os
import re
import stat
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from loupe.errors import LoupeError, UnknownNameError, describe_cause, suggest
from loupe.recipe.former_names import read_former_names
from loupe.recipe.kinds import find_packaged_elsewhere, refuse_folder, refuse_other_kind
from loupe.recipe.reading import read_toml

_MOST_BYTES = 64 * 2**20


@dataclass(frozen=True)
class TomlFiles:
    """TOML files of one kind: some in a package, others anywhere on disk.

    Args:
        kind: what a file describes, "recipe".
        package: the package that holds the packaged ones.
        list_command: the command that lists these, for error messages.
    """

    kind: str
    package: str
    list_command: str

    def list(self) -> dict[str, str]:
        """Return the packaged files: name → one line about each."""
        names = (entry.name for entry in resources.files(self.package).iterdir())
        packaged = sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml"))
        return {name: str(read_toml(self._read_packaged(name), name).get("about", "")) for name in packaged}

    def read(self, place: str | Path) -> dict[str, Any]:
        """Return the mapping of a packaged file, a TOML file, or the one in a folder.

        Raises:
            UnknownNameError: there is no packaged file of this name.
            LoupeError: the file cannot be read, is not TOML, holds nothing, or is of another kind.
        """
        packaged, listing = self.list(), f"`{self.list_command}` says more"
        if str(place) in packaged:
            return {"name": str(place), **read_toml(self._read_packaged(str(place)), str(place))}
        path = _expand(place)
        if path.is_dir():
            refuse_folder(self.kind, path)
            path = path / f"{self.kind}.toml"
        if path.suffix != ".toml" and not path.is_file():
            others = "its changes come after it" if "=" in str(place) else "a path to a .toml file works too"
            elsewhere = find_packaged_elsewhere(self.kind, str(place))
            step = elsewhere or f"{listing}; {others}"
            raise UnknownNameError(self.kind, str(place), packaged, step)
        try:
            text = _read_text(path)
        except (OSError, UnicodeDecodeError) as error:
            raise LoupeError(
                f"The {self.kind} file {path} cannot be read.",
                got=describe_cause(error),
                allowed=f"a TOML file, or one of: {', '.join(packaged)}",
                nearest=suggest(path.stem, packaged),
                next_step=f"{listing.replace('more', 'more about the packaged ones')}",
            ) from None
        mapping = read_toml(text, str(path))
        refuse_other_kind(self.kind, str(place), mapping)
        return {"name": _make_name(path.stem) or self.kind, **mapping}

    def _read_packaged(self, name: str) -> str:
        return resources.files(self.package).joinpath(f"{name}.toml").read_text(encoding="utf-8")


_RECIPES = TomlFiles("recipe", "loupe.recipes", "loupe recipes")


def list_recipes() -> dict[str, str]:
    """Return the packaged recipes: name → one line about each."""
    return _RECIPES.list()


def read_recipe_file(place: str | Path) -> dict[str, Any]:
    """Return the mapping of a packaged recipe, a TOML file, or a run folder's recipe.

    Raises:
        UnknownNameError: there is no such packaged recipe.
        LoupeError: the file cannot be read, or is not TOML.
    """
    return read_former_names(_RECIPES.read(place))


def name_recipe(recipe: str) -> str:
    """Return what a recipe is called: a packaged one by its name, a file by its own without ending."""
    path = Path(recipe)
    name = path.stem if path.suffix == ".toml" else path.name
    return _make_name(name) or "recipe"


def _make_name(stem: str) -> str:
    return re.sub(r"[^\w.-]+", "-", stem).strip("-.")


def _read_text(path: Path) -> str:
    """Return the text of a file; of a pipe or a device nothing is waited for.

    Raises:
        OSError: there is no such file, it is none, or far too large for what it should be.
        UnicodeDecodeError: it is not UTF-8.
    """
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "not a regular file")
        content = file.read(_MOST_BYTES + 1)
    if len(content) > _MOST_BYTES:
        raise OSError(errno.EFBIG, "more than 64 MiB")
    return content.decode("utf-8-sig")


def _expand(place: str | Path) -> Path:
    try:
        return Path(place).expanduser()
    except RuntimeError:  # the home of nobody
        return Path(place)
