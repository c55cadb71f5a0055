"""Folders of one kind, such as studies: listed, and found by names that cannot leave their place."""

from dataclasses import dataclass
from pathlib import Path

from loupe.errors import RunError, suggest
from loupe.runs.reading import is_plain


@dataclass(frozen=True)
class Shelf:
    """Folders of one kind.

    Args:
        parent: holds them; it may not be there yet.
        kind: "study", "search" or "audit".
        plural: of the kind, as in addresses.
        marker: the file by which a folder is of this kind; a TOML file of the kind's name if left out.
    """

    parent: Path
    kind: str
    plural: str
    marker: str = ""

    def list_all(self) -> list[Path]:
        """Return the folders, the one changed last first."""
        if not self.parent.is_dir():
            return []
        found = [path for path in self.parent.iterdir() if self._is_inside(path)]
        return sorted(found, key=lambda path: (-_find_change(path), path.name))

    def find(self, identifier: str) -> Path:
        """Return the folder with a name.

        Raises:
            RunError: there is none in this place.
        """
        path = self.parent / identifier if is_file_name(identifier) else None
        if path is not None and self._is_inside(path):
            return path
        names = [folder.name for folder in self.list_all()]
        raise RunError(
            f"There is no {self.kind} {identifier[:80]!r}.",
            got=identifier[:80],
            allowed=", ".join(names[:8]) or f"no {self.kind} yet",
            nearest=suggest(identifier, names),
            next_step=f"GET /api/{self.plural} lists them",
        )

    def _is_inside(self, path: Path) -> bool:
        """Return whether a path is a folder of this kind, and no way out of the place."""
        inside = path.resolve().is_relative_to(self.parent.resolve())
        return inside and is_plain(path / (self.marker or f"{self.kind}.toml"))


def is_file_name(text: str) -> bool:
    """Return whether a text can be the name of one file, and nothing but that."""
    is_short = 0 < len(text.encode(errors="replace")) < 256
    return is_short and text not in (".", "..") and not set(text) & set("/\\\0")


def _find_change(path: Path) -> float:
    tables = [file for name in ("results.csv", "trials.csv", "audit.json") if (file := path / name).is_file()]
    return max((file.stat().st_mtime for file in tables), default=path.stat().st_mtime)


def find_place(runs: Path, plural: str, given: Path | None = None) -> Path:
    """Return where folders of a kind are: as given, else beside the folder of runs, else inside it."""
    if given is not None:
        return given
    parent = runs.parent if runs.name not in ("", "..") else runs.absolute().parent
    beside, inside = parent / plural, runs / plural
    return inside if inside.is_dir() and not beside.is_dir() else beside
