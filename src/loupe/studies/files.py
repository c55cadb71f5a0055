"""Where studies are found: packaged ones by name, others by path. No torch here."""

from pathlib import Path
from typing import Any

from loupe.recipe.files import TomlFiles

_STUDIES = TomlFiles("study", "loupe.studies.packaged", "loupe studies")


def list_studies() -> dict[str, str]:
    """Return the packaged studies: name → one line about each."""
    return _STUDIES.list()


def read_study_file(place: str | Path) -> dict[str, Any]:
    """Return the mapping of a packaged study, a TOML file, or a study's folder.

    Raises:
        UnknownNameError: there is no such packaged study.
        LoupeError: the file cannot be read, or is not TOML.
    """
    return _STUDIES.read(place)
