"""Where searches are found: packaged ones by name, others by path. No torch here."""

from pathlib import Path
from typing import Any

from loupe.recipe.files import TomlFiles

_SEARCHES = TomlFiles("search", "loupe.searches.packaged", "loupe searches")


def list_searches() -> dict[str, str]:
    """Return the packaged searches: name → one line about each."""
    return _SEARCHES.list()


def read_search_file(place: str | Path) -> dict[str, Any]:
    """Return the mapping of a packaged search, a TOML file, or a search's folder.

    Raises:
        UnknownNameError: there is no such packaged search.
        LoupeError: the file cannot be read, or is not TOML.
    """
    return _SEARCHES.read(place)
