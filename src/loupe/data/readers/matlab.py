"""MATLAB's .mat files up to version 7, read by scipy; nothing in them is run."""

from pathlib import Path

import numpy as np

from loupe.errors import DataFileError


def read_matlab(path: Path, names: tuple[str, ...]) -> tuple[np.ndarray, ...]:
    """Return the arrays of numbers called `names`.

    Raises:
        DataFileError: no .mat file of version 4 to 7, or one without an array of numbers by such a name.
    """
    from scipy.io import loadmat

    try:
        found = loadmat(path, variable_names=list(names))
    except Exception as error:  # a parser given arbitrary bytes can fail in any way
        is_newer = isinstance(error, NotImplementedError)
        raise DataFileError(
            f"{path} is not a .mat file that can be read.",
            got="version 7.3, which is an HDF5 file"
            if is_newer
            else f"{type(error).__name__}: {error}"[:120],
            allowed="a .mat file of version 4 to 7",
            next_step="save it again with `save -v7`" if is_newer else "fetch the file again",
        ) from None
    wrong = [name for name in names if not _is_numbers(found.get(name))]
    if wrong:
        raise DataFileError(
            f"{path} lacks an array.",
            got=", ".join(name for name in found if not name.startswith("__")) or "no array by these names",
            allowed=f"arrays of numbers called {', '.join(names)}",
            next_step="fetch the file again",
        )
    return tuple(found[name] for name in names)


def _is_numbers(value: object) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.kind in "biuf"
