"""Links among image files: which are links, which files are listed twice, which folders are one folder.

A link is read as what it leads to. A file that is listed in two places counts as an image of its own in each,
as a copy would: a folder gives the same images whether a tool keeps its files as links or copies them. It is
said.
"""

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from loupe.errors import DataError

_MOST_NAMED = 3


class FileOnDisk(Protocol):
    """An image file, with what people call it."""

    @property
    def path(self) -> Path: ...

    @property
    def name(self) -> str: ...


def describe_links(parts: Mapping[str, Sequence[FileOnDisk]], root: Path) -> tuple[str, ...]:
    """Return one line on links among the files of a list; none if there are none.

    Args:
        parts: the files of each part.
        root: the folder that is listed; links that lead out of it are counted apart.
    """
    links, outside = 0, 0
    first: dict[tuple[int, int], str] = {}
    again: list[tuple[str, str]] = []
    real_root = os.path.realpath(root)
    for entry in (entry for entries in parts.values() for entry in entries):
        try:
            is_link, found = entry.path.is_symlink(), entry.path.stat()
        except OSError:
            continue  # told as unreadable when it is decoded
        if is_link:
            links += 1
            outside += not Path(os.path.realpath(entry.path)).is_relative_to(real_root)
        before = first.setdefault((found.st_dev, found.st_ino), entry.name)
        if before is not entry.name and found.st_ino:  # file systems without numbers say 0
            again.append((entry.name, before))
    said = []
    if links:
        where = f", {outside:,} of them to files outside it" if outside else ""
        said.append(f"{_count(links, 'image is a link', 'images are links')}{where}")
    if again:
        named = "; ".join(f"{name} is {before}" for name, before in again[:_MOST_NAMED])
        more = " …" if len(again) > _MOST_NAMED else ""
        said.append(
            f"{_count(len(again), 'image is a file', 'images are files')} listed before ({named}{more}), "
            "each counted as a copy would be"
        )
    return (f"In {root.name}, {'; '.join(said)}.",) if said else ()


def refuse_shared_folders(folders: Iterable[Path], root: Path) -> None:
    """Check that no two class folders are one folder, and none lies within another, by way of links.

    Raises:
        DataError: two are, named.
    """
    places: dict[Path, Path] = {}
    for folder in folders:
        place = Path(os.path.realpath(folder))
        if place in places:
            raise _refuse_pair(folder, places[place], "is", root)
        places[place] = folder
    for place, folder in places.items():
        around = next((places[one] for one in place.parents if one in places), None)
        if around is not None:
            raise _refuse_pair(folder, around, "lies within", root)


def refuse_broken_folders(root: Path) -> None:
    """Check that no link in a folder that looks like one to a folder leads nowhere: a class would be lost.

    Raises:
        DataError: some do, each named.
    """
    broken = [
        f"{entry.name} -> {entry.readlink()}"
        for entry in sorted(root.iterdir())
        if entry.is_symlink() and not entry.exists() and not entry.suffix and not entry.name.startswith(".")
    ]
    if broken:
        raise DataError(
            f"Links in {root} lead nowhere.",
            got=", ".join(broken[:10]) + (f" and {len(broken) - 10} more" if len(broken) > 10 else ""),
            allowed="links to folders that are there",
            next_step="connect the disk they lead to, or remove the links",
        )


def _refuse_pair(folder: Path, other: Path, how: str, root: Path) -> DataError:
    one, two = (path.relative_to(root).as_posix() for path in (folder, other))
    steps = [step for path in (folder, other) for step in (path, *path.parents) if step.is_relative_to(root)]
    link = next((step for step in steps if step != root and step.is_symlink()), folder)
    return DataError(
        f"Two folders of {root} hold the same images, by a link.",
        got=f"{one} {how} {two}",
        allowed="a folder of its own for each class of each part",
        next_step=f"remove the link {link.relative_to(root).as_posix()}",
    )


def _count(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"
