"""Where a recipe's images get their sides from: an earlier run's record, or a list."""

from pathlib import Path

from loupe.data import KnownSides
from loupe.data.manifest import read_manifest
from loupe.errors import RunError
from loupe.plugins import expand_path
from loupe.recipe import Recipe
from loupe.runs import RunFolder, find_run_folder


def find_sides_place(place: str) -> str:
    """Return the absolute path of the run or list that a recipe takes its sides from.

    Raises:
        LoupeError: there is neither.
    """
    if place.casefold().endswith(".csv"):
        return str(expand_path(place))
    return str(find_run_folder(place).resolve())


def load_known_sides(recipe: Recipe) -> KnownSides | None:
    """Return the sides a recipe takes from elsewhere; None if its data says them.

    Raises:
        LoupeError: the run keeps no record of its images, or the list cannot be read.
    """
    place = recipe.data.sides_of
    if place is None:
        return None
    path = Path(place)
    if path.suffix.casefold() == ".csv":
        return read_manifest(expand_path(place))
    path = find_run_folder(place)
    seeds = sorted(one.parent for one in path.glob("seed-*/environment.json"))
    if seeds and not (path / "environment.json").is_file():
        path = seeds[0]  # of a series always the same one, so that all seeds of this recipe share their sides
    record = RunFolder(path).read_images()
    if record is None:
        raise RunError(
            f"Run {path.name} keeps no record of its images to take sides from.",
            got="no images.npz: a run of an earlier version",
            allowed="a run of this version, or a list (CSV with path, label, split)",
            next_step="train it anew, or write a list",
        )
    return KnownSides(path.name, record.sides())
