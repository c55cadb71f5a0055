"""What `loupe lint` reads: code by its ending, studies, runs, folders of them, recipes."""

import tomllib
from collections.abc import Iterator
from pathlib import Path

from loupe.errors import LoupeError
from loupe.linting import Record, Violation, lint_file, lint_record
from loupe.recipe import list_recipes
from loupe.studies.files import list_studies

_CODE = (".py", ".ipynb", ".pyw")
_OWN_FILES = ("recipe.toml", "environment.json", "study.toml")


def list_read(target: str) -> list[str]:
    """Return what is read of a target: itself, or the code and the runs in a folder.

    Raises:
        LoupeError: a folder has neither.
    """
    path = Path(target)
    if not path.is_dir() or any((path / name).is_file() for name in _OWN_FILES):
        return [target]
    files = sorted(file for ending in _CODE for file in path.rglob(f"*{ending}") if file.is_file())
    runs = sorted(file.parent for file in path.glob("*/recipe.toml"))
    if not files and not runs:
        raise LoupeError(
            f"There is nothing to look at in {path}.",
            got="a folder without scripts, notebooks and runs",
            allowed="Python files (.py), notebooks (.ipynb), run folders",
            next_step="name a file, or another folder",
        )
    return [str(one) for one in (*files, *runs)]


def lint_target(target: str) -> list[Violation]:
    """Return what is wrong with what a word names: code by its ending, then a run, a folder, a recipe."""
    path = Path(target)
    if path.suffix in _CODE:
        return lint_file(path)
    if _is_study(target):
        return _lint_study(target)
    if (path / "environment.json").is_file() or not _is_recipe(target):
        return [found for record in _read_runs(target) for found in lint_record(record)]
    from loupe.running import load_recipe  # loads torch: names and settings of parts are checked too

    return lint_record(Record(target, load_recipe(target)))


def _is_study(target: str) -> bool:
    """Return whether a word names a study: a packaged one, a study's folder, or a TOML file of one."""
    path = Path(target)
    if path.is_dir():
        return (path / "study.toml").is_file()
    if path.suffix == ".toml" and path.is_file():
        try:
            return "recipe" in tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return False  # reading it as a recipe says what is wrong
    return not path.exists() and target not in list_recipes() and target in list_studies()


def _lint_study(target: str) -> list[Violation]:
    """Return the mistakes in the recipes that a study makes, each once, with the first arm that has it."""
    from loupe.studies.loading import load_study
    from loupe.studies.plan import make_plan  # loads torch

    study, found = load_study(target), dict[tuple[str, str], Violation]()
    for run in make_plan(study).runs:
        where = f"{target}, {run.name.rpartition(', seed')[0]}"
        for one in lint_record(Record(where, run.recipe, num_seeds=len(study.seeds))):
            found.setdefault((one.rule, one.where), one)
    return list(found.values())


def _is_recipe(target: str) -> bool:
    """Return whether a word names a recipe or a folder; else it may be a run's name in runs/."""
    runs = Path("runs")
    is_run_name = runs.is_dir() and any(one.name.startswith(target) for one in runs.iterdir())
    return target in list_recipes() or Path(target).exists() or not is_run_name


def _read_runs(place: str) -> Iterator[Record]:
    """Yield what is on record of a run, or of each seed of a series."""
    from loupe.runs import SeriesFolder, load_run  # loads torch

    run = load_run(place)
    for one in run.runs.values() if isinstance(run, SeriesFolder) else [run]:
        result = one.read_result()
        history = [record.to_row() for record in one.read_history()]
        found = None if result is None else result.to_dict()
        yield Record(str(one.path), one.read_recipe(), found, history)
