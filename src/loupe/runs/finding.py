"""Where run folders are: made, found by path or name, listed."""

import contextlib
import os
import re
import secrets
from datetime import UTC, datetime
from pathlib import Path

from loupe.errors import RunError, suggest

_SEED = re.compile(r"(?P<series>.+)[/:](?P<name>seed-\d+)/?")


def create_run_folder(parent: Path, recipe_name: str) -> Path:
    """Create and return `parent/<recipe>-<date>-<short id>`, a folder that was not there before.

    Raises:
        RunError: the folder cannot be made.
    """
    while True:
        name = f"{recipe_name}-{datetime.now(UTC):%Y-%m-%d}-{secrets.token_hex(3)}"
        try:
            (parent / name).mkdir(parents=True)
        except FileExistsError:
            if parent.is_dir():
                continue
            raise _cannot_create(parent, "it is a file") from None
        except OSError as error:
            raise _cannot_create(parent, os.strerror(error.errno or 0)) from None
        return parent / name


def _cannot_create(parent: Path, reason: str) -> RunError:
    return RunError(
        f"No run folder can be made in {parent}.",
        got=reason,
        allowed="a folder that can be written to",
        next_step="set run.folder to another place",
    )


def name_run(path: Path) -> str:
    """Return the name `loupe resume` takes: the folder's; for a seed of a series, the series' before it."""
    is_seed = (path.parent / "recipe.toml").is_file()
    return f"{path.parent.name}/{path.name}" if is_seed else path.name


def find_run_folder(place: str | os.PathLike[str], parent: Path = Path("runs")) -> Path:
    """Return the run folder at a path, or by name (or an unmistakable beginning of it) inside `parent`.

    A seed of a series is `SERIES/seed-0`, or `SERIES:seed-0` as the page calls it.

    Raises:
        RunError: there is none, or several fit.
    """
    place = os.fspath(place)
    path = Path(place)
    with contextlib.suppress(RuntimeError):  # the home of nobody
        path = path.expanduser()
    path = path.parent if path.name == "recipe.toml" else path
    for folder in (path, parent / path):
        if is_run_folder(folder):
            return folder
    if (path / "recipe.toml").is_file():
        raise RunError(
            f"{path} holds a recipe, but no run.",
            got="a recipe.toml without environment.json",
            allowed="a folder that `loupe train` made",
            next_step=f"loupe train {path / 'recipe.toml'}",
        )
    seed = _SEED.fullmatch(place)
    if seed is not None:
        return _find_seed(find_run_folder(seed["series"], parent), seed["name"])
    names = [folder.name for folder in list_run_folders(parent)]
    of_recipe = re.compile(
        re.escape(place) + r"-\d{4}-\d\d-\d\d-[0-9a-f]{6}"
    )  # as create_run_folder names them
    fitting = [name for name in names if of_recipe.fullmatch(name)] or [
        name for name in names if place and name.startswith(place)
    ]
    if len(fitting) == 1:
        return parent / fitting[0]
    raise RunError(
        f"Several runs begin with {str(place)!r}." if fitting else f"There is no run {str(place)!r}.",
        got=str(place),
        allowed=f"a run folder: {', '.join((fitting or names)[-8:]) or 'none in ' + str(parent)}",
        nearest=None if fitting else suggest(place, names),
        next_step="`loupe list` shows the runs",
    )


def _find_seed(series: Path, name: str) -> Path:
    if is_run_folder(series / name):
        return series / name
    seeds = sorted(file.parent.name for file in series.glob("seed-*/environment.json"))
    raise RunError(
        f"Run {series.name} has no {name}.",
        got=name,
        allowed=", ".join(seeds) or "the run itself: it is no series of seeds",
        nearest=suggest(name, seeds),
        next_step=f"name {series / seeds[0] if seeds else series}",
    )


def find_single_run(place: str | os.PathLike[str]) -> Path:
    """Return the folder of a run with one network, found as `find_run_folder` does.

    Raises:
        RunError: there is none, several fit, or it is a series of seeds.
    """
    path = find_run_folder(place)
    seeds = sorted(file.parent.name for file in path.glob("seed-*/environment.json"))
    if seeds and not (path / "environment.json").exists():
        raise RunError(
            f"{path.name} is a series of seeds: as many networks.",
            got=path.name,
            allowed="one of its runs",
            next_step=f"name {path / seeds[0]}",
        )
    return path


def is_run_folder(path: Path) -> bool:
    """Return whether a folder holds a run, or a series of seeds."""
    try:
        return (path / "environment.json").exists() or any(path.glob("seed-*/environment.json"))
    except OSError:  # a folder that may not be entered, a link in a circle
        return False


def list_run_folders(parent: Path) -> list[Path]:
    """Return the run folders in `parent`, oldest first."""
    if not parent.is_dir():
        return []
    folders = [path for path in parent.iterdir() if path.is_dir() and is_run_folder(path)]
    return sorted(folders, key=_find_start)


def _find_start(folder: Path) -> int:
    """Return when the first run of a folder was started; its environment is written once, then."""
    times = []
    for file in (folder / "environment.json", *folder.glob("seed-*/environment.json")):
        with contextlib.suppress(OSError):  # a broken link
            times.append(file.stat().st_mtime_ns)
    return min(times, default=0)
