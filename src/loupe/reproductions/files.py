"""Where reproductions are found: packaged ones by name, others by path. No torch here."""

from pathlib import Path

from pydantic import ValidationError

from loupe.checking import describe_pydantic_errors, validate_strictly
from loupe.errors import ReproductionError
from loupe.recipe.files import TomlFiles
from loupe.reproductions.schema import Reproduction

_REPRODUCTIONS = TomlFiles("reproduction", "loupe.reproductions.packaged", "loupe reproductions")


def list_reproductions() -> dict[str, str]:
    """Return the packaged reproductions: name → one line about each."""
    return _REPRODUCTIONS.list()


def read_reproduction(place: str | Path) -> Reproduction:
    """Return a packaged reproduction, or one in a TOML file.

    Raises:
        UnknownNameError: there is no such packaged reproduction.
        ReproductionError: the file has mistakes.
        LoupeError: the file cannot be read, or is not TOML.
    """
    mapping = _REPRODUCTIONS.read(place)
    try:
        return validate_strictly(Reproduction, mapping)
    except ValidationError as error:
        fields = {"": tuple(Reproduction.model_fields)}
        mistakes = describe_pydantic_errors(error.errors(), where="", fields=fields)
        raise ReproductionError(str(mapping["name"]), mistakes) from None
