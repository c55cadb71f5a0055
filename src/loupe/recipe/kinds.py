"""Which kind of file a TOML file is: a recipe, a study, a search, an exercise or a reproduction.

Told by names of fields and of packaged files alone, so that a file given to the wrong verb is told the right
one.
"""

import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from loupe.errors import LoupeError
from loupe.wording import list_names


@dataclass(frozen=True)
class Kind:
    """What a TOML file may describe.

    Args:
        name: with its article, "a study".
        verb: the command that takes it.
        marks: fields that no other kind has.
        folder: where in the package those that come with Loupe lie; "" if none do.
        smallest: what a file of it holds at least.
        source: where a first file of it can be taken from.
    """

    name: str
    verb: str
    marks: frozenset[str]
    folder: str
    smallest: str
    source: str


KINDS = {
    "exercise": Kind(
        "an exercise",
        "loupe class make",
        frozenset({"task"}),
        "",
        'task = "…" and data = "digits"',
        "`loupe class make --help` describes every field",
    ),
    "reproduction": Kind(
        "a reproduction",
        "loupe reproduce",
        frozenset({"studies"}),
        "reproductions/packaged",
        "studies and claims",
        "`loupe reproductions` lists those that come with Loupe",
    ),
    "search": Kind(
        "a search",
        "loupe search",
        frozenset({"space"}),
        "searches/packaged",
        'recipe = "digits", trials = 9 and space."train.batch_size" = { kind = "choice", values = [16, 64] }',
        "`loupe searches` lists those that come with Loupe",
    ),
    "study": Kind(
        "a study",
        "loupe study",
        frozenset({"arms", "axes", "stages", "question"}),
        "studies/packaged",
        'recipe = "digits" and what is compared, such as [arms.mine]',
        "`loupe studies` lists those that come with Loupe",
    ),
    "recipe": Kind(
        "a recipe",
        "loupe train",
        frozenset({"data", "model", "train", "evaluate", "transfer"}),
        "recipes",
        'what is trained on, as in data = "digits"',
        "`loupe recipes` lists those that come with Loupe",
    ),
}


def refuse_other_kind(kind: str, place: str, mapping: Mapping[str, Any]) -> None:
    """Refuse a file that describes something else, and one that describes nothing.

    Args:
        kind: what it is to describe: "recipe", "study" …
        place: the file, as it was named.
        mapping: what it holds.

    Raises:
        LoupeError: it holds no field, or none of this kind but those of another.
    """
    wanted = KINDS[kind]
    held = [name for name, value in mapping.items() if not _is_empty(value)]
    if not held:
        raise LoupeError(
            f"The {kind} file {place} holds no field.",
            got="headings without fields" if mapping else "an empty file, or comments alone",
            allowed=f"{wanted.name}: at least {wanted.smallest}",
            next_step=f"write that, or begin with another: {wanted.source}",
        )
    other = find_other_kind(kind, mapping)
    if kind == "recipe" and other is None and not {*held} - _SAYS_NO_TRAINING:
        raise LoupeError(
            f"The recipe file {place} says nothing of what is trained.",
            got=f"{list_names(held)} alone",
            allowed=f"{wanted.name}: at least {wanted.smallest}",
            next_step=f"write that, or begin with another: {wanted.source}",
        )
    if other is not None:
        found = sorted(KINDS[other].marks & mapping.keys()) or ["recipe"]
        raise LoupeError(
            f"{place} is {KINDS[other].name}, not {wanted.name}.",
            got=f"the {'field' if len(found) == 1 else 'fields'} {list_names(found)} of {KINDS[other].name}",
            allowed=f"{wanted.name}: {wanted.smallest}",
            next_step=f"{KINDS[other].verb} {place}",
        )


_DEPTH = 9  # tables in one another, more than any recipe has
_SAYS_NO_TRAINING = {"name", "about", "run"}


def _is_empty(value: object, depth: int = 0) -> bool:
    """Return whether a value is a table without a field, its own tables included, as deep as recipes go."""
    return (
        isinstance(value, Mapping)
        and depth < _DEPTH
        and all(_is_empty(inner, depth + 1) for inner in value.values())
    )


def find_other_kind(kind: str, fields: Collection[str]) -> str | None:
    """Return the kind that the fields of a file are of; None if some are of this one, or none of another."""
    found = [name for name, one in KINDS.items() if one.marks.intersection(fields)]
    if "exercise" in found and "recipe" in found and not {"model", "train"}.intersection(fields):
        found.remove("recipe")  # an exercise names data too
    if kind in found or (kind in ("study", "search") and "recipe" in fields and found in ([], ["recipe"])):
        return None
    if not found and kind == "recipe" and "recipe" in fields:
        return "study"
    return found[0] if found else None


def find_packaged_elsewhere(kind: str, name: str) -> str | None:
    """Return what to do with a name that a packaged file of another kind bears; None if none does."""
    if "/" in name or "\\" in name:
        return None
    for other, one in KINDS.items():
        if other != kind and one.folder and _holds(one.folder, name):
            return f"{name} is {one.name}: {one.verb} {name}"
    return None


def refuse_folder(kind: str, folder: Path) -> None:
    """Refuse a folder that lacks the file of a kind.

    Raises:
        LoupeError: it says what the folder holds instead.
    """
    try:
        held = {entry.name for entry in folder.iterdir()}
    except OSError:
        return  # reading the file says why
    if f"{kind}.toml" in held:
        return
    other = next((name for name in KINDS if f"{name}.toml" in held), None)
    owner = "run" if kind == "recipe" else kind
    next_step = f"name another; {KINDS[kind].source}"
    if kind == "recipe":
        next_step += "; your own images are data.name=folder data.path=FOLDER behind `loupe train digits`"
    raise LoupeError(
        f"The folder {folder} holds no {kind}.toml.",
        got=f"the folder of {KINDS[other].name}" if other else "other files" if held else "an empty folder",
        allowed=f"a TOML file, or the folder of a {owner}, with a {kind}.toml in it",
        next_step=f"{KINDS[other].verb} {folder}" if other else next_step,
    )


def find_command(place: str) -> str | None:
    """Return the command that takes a packaged file of this name, or a file at this place; None if none does.

    A file is looked into; one that is not there, or no TOML, counts as a recipe.
    """
    if not place.endswith(".toml"):
        plain = "/" not in place and "\\" not in place
        held = (one for one in KINDS.values() if one.folder and plain and _holds(one.folder, place))
        return next((f"{one.verb} {place}" for one in held), None)
    try:
        with Path(place).open("rb") as file:
            fields = tomllib.load(file)
    except (OSError, ValueError, RecursionError):
        fields = {}
    kind = find_other_kind("recipe", fields) or "recipe"
    return f"{KINDS[kind].verb} {place}"


def _holds(folder: str, name: str) -> bool:
    return resources.files("loupe").joinpath(*folder.split("/"), f"{name}.toml").is_file()
