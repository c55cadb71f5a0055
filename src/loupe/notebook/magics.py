"""`%load_ext loupe`: one-line recipes in a notebook."""

import shlex
import tomllib
from typing import Any

from loupe.errors import LoupeError
from loupe.notebook.run import Run
from loupe.notebook.series import Series
from loupe.notebook.training import train


def register_magics(shell: Any) -> None:
    """Add `%loupe RECIPE change …` and the cell `%%loupe change …`, whose text is a recipe, to a notebook."""
    shell.register_magic_function(run_magic, "line_cell", "loupe")


def run_magic(line: str, cell: str | None = None) -> Run | Series:
    """Train what a line or a cell says, and return the run.

    Args:
        line: a recipe and changes, `digits train.epochs=3`; over a cell, changes of its recipe.
        cell: a recipe as TOML.

    Raises:
        LoupeError: the recipe has mistakes.
    """
    words = shlex.split(line)
    if cell is None:
        is_change = not words or "=" in words[0]
        return train("digits" if is_change else words[0], *(words if is_change else words[1:]))
    try:
        mapping = tomllib.loads(cell)
    except tomllib.TOMLDecodeError as error:
        raise LoupeError(
            "The cell is no recipe.", got=str(error), allowed="TOML, such as [train] and below it epochs = 3",
            next_step="`loupe show` prints recipes to begin with",
        ) from None  # fmt: skip
    return train(mapping, *words)
