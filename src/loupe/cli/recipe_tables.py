"""A recipe as lines of text: what `loupe show` prints of it, and how that of a packaged recipe is kept.

Settings and layers of a packaged recipe follow from Loupe and torch as they are installed. Computing them
loads both, which takes seconds, so they are kept in the cache, under a digest of what they follow from.
"""

import contextlib
import hashlib
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs
from pydantic import TypeAdapter

from loupe.errors import LoupeError
from loupe.runs.writing import write_json
from loupe.terminal import print_line, print_table, write_count

if TYPE_CHECKING:
    from loupe.recipe import Recipe

_NONE = "–"  # where a layer has no parameters
_HEADINGS = ("layer", "kind", "kernel", "stride", "pad", "output", "parameters", "multiply-adds")


@dataclass(frozen=True)
class ShownRecipe:
    """What is printed of a recipe.

    Args:
        toml: every setting.
        rows: a row a layer, and one of all together.
        lines: what stands below them.
    """

    toml: str
    rows: list[list[str]]
    lines: list[str]

    def print_layers(self) -> None:
        print_table(_HEADINGS, self.rows, right=(2, 3, 4, 6, 7))
        for line in self.lines:
            print_line(line)


def describe_recipe(recipe: "Recipe") -> ShownRecipe:
    """Return what is printed of a recipe that is complete.

    Raises:
        LoupeError: as `describe_recipe_layers` does.
    """
    from loupe.models.layer_table import OUTSIDE  # loads torch, as does the next
    from loupe.running.describe_network import describe_recipe_layers

    table, notes = describe_recipe_layers(recipe)
    rows = [
        [
            row.name,
            row.kind,
            *(one.replace(" × ", "x") for one in row.window),
            "x".join(map(str, row.output_shape)),
            write_count(row.parameters) or _NONE,
            write_count(row.multiply_adds),
        ]
        for row in table.rows
    ]
    if table.outside:
        rows.append([OUTSIDE, *6 * ("",), write_count(table.outside)])
    total = table.parameters
    rows.append(["together", *5 * ("",), f"{total:,}", f"{table.multiply_adds:,}"])
    trained = f"{table.trainable:,} of {total:,} parameters trained; {total * 4 / 2**20:.2f} MiB as float32"
    is_marked = any(not row.parameters for row in table.rows)
    marked = [f"{_NONE}: no parameters, so none that transfer.freeze or train.freeze_later could hold still"]
    return ShownRecipe(recipe.to_toml(), rows, [trained, *(marked if is_marked else []), *notes])


_KEPT = TypeAdapter(ShownRecipe)


def find_kept(name: str) -> ShownRecipe | None:
    """Return what is printed of a packaged recipe, as `keep` kept it; None if it may be another now."""
    if not is_packaged(name):
        return None
    try:
        kept = json.loads(_find_file(name).read_text(encoding="utf-8"))
        return _KEPT.validate_python(kept["shown"]) if kept["origin"] == digest_origin() else None
    except (OSError, ValueError, TypeError, KeyError):
        return None


def keep(name: str, recipe: "Recipe", shown: ShownRecipe, origin: str) -> None:
    """Keep what is printed of a packaged recipe, unless it depends on more than what is installed.

    Args:
        name: of the packaged recipe; nothing is kept of others.
        recipe: the same, complete.
        shown: what is printed of it.
        origin: what `digest_origin` said before it was computed.
    """
    from loupe.data.sources import find_known_shapes, list_places

    data = recipe.data
    has_files = find_known_shapes(data.name, data.settings) is None
    has_files = has_files or not data.settings.keys().isdisjoint(list_places(data.name))
    if not is_packaged(name) or has_files or recipe.transfer is not None:
        return
    file = _find_file(name)
    with contextlib.suppress(OSError, LoupeError):  # where the cache may not be written, it is computed anew
        file.parent.mkdir(parents=True, exist_ok=True)
        write_json(file, {"origin": origin, "shown": asdict(shown)})


def is_packaged(name: str) -> bool:
    """Return whether a recipe of this name comes with Loupe."""
    is_name = re.fullmatch(r"[\w.-]+", name) is not None
    return is_name and resources.files("loupe.recipes").joinpath(f"{name}.toml").is_file()


def _find_file(name: str) -> Path:
    return platformdirs.user_cache_path("loupe") / "recipes" / f"{name}.json"


def digest_origin() -> str:
    """Return a digest of what a packaged recipe's layers follow from: Loupe's files, what is installed."""
    files = sorted(_stamp_files(Path(str(resources.files("loupe")))))
    places = [Path(place) for place in sys.path if place.endswith("-packages")]
    installed = sorted(path.name for place in places if place.is_dir() for path in place.glob("*.dist-info"))
    return hashlib.sha256(json.dumps([files, sys.version, installed]).encode()).hexdigest()


def _stamp_files(folder: Path) -> Iterator[tuple[str, int, int]]:
    """Yield path, size and time of each Python file and recipe below a folder."""
    for path in folder.rglob("*"):
        if path.suffix in (".py", ".toml"):
            status = path.stat()
            yield str(path), status.st_size, status.st_mtime_ns
