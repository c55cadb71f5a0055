"""What `loupe lint` reads: code by its ending, studies, searches, runs, folders of them, recipes."""

import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from loupe.errors import LoupeError, UntrustedPluginError
from loupe.linting import Record, Violation, lint_file, lint_record
from loupe.recipe import list_recipes
from loupe.searches.files import list_searches
from loupe.studies.files import list_studies

_CODE = (".py", ".ipynb", ".pyw")
_OWN_FILES = ("recipe.toml", "environment.json", "study.toml", "search.toml")
KINDS = "recipes, studies, searches, run folders, Python files (.py), notebooks (.ipynb)"


@dataclass(frozen=True)
class Linted:
    """What was found in all that was named.

    Args:
        found: the mistakes.
        num_read: how many files and runs were looked at.
        failed: why others could not be.
    """

    found: tuple[Violation, ...]
    num_read: int
    failed: tuple[LoupeError, ...] = ()


def lint_targets(targets: Sequence[str]) -> Linted:
    """Return what is wrong with everything that words name; what cannot be looked at keeps no other from it.

    Raises:
        UntrustedPluginError: a recipe names code that nobody has trusted yet.
    """
    found, failed, num_read = list[Violation](), list[LoupeError](), 0
    for target in targets:
        try:
            read = list_read(target)
        except LoupeError as error:
            failed.append(error)
            continue
        for one in read:
            try:
                found += lint_target(one)
                num_read += 1
            except UntrustedPluginError:
                raise
            except LoupeError as error:
                failed.append(error)
    return Linted(tuple(found), num_read, tuple(failed))


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
            allowed=KINDS,
            next_step="name a file, or another folder",
        )
    return [str(one) for one in (*files, *runs)]


def lint_target(target: str) -> list[Violation]:
    """Return what is wrong with what a word names: code by its ending, then a run, a folder, a recipe.

    Raises:
        LoupeError: it is of a kind that is not read, or cannot be read.
    """
    path = Path(target)
    if path.suffix in _CODE:
        return lint_file(path)
    kind = _find_kind(target)
    if kind == "search":
        return _lint_search(target)
    if kind == "study":
        return _lint_study(target)
    if kind is not None:
        raise LoupeError(
            f"{target} is {kind}, which `loupe lint` does not read.",
            got=kind,
            allowed=KINDS,
            next_step=_NEXT[kind],
        )
    if (path / "environment.json").is_file() or not _is_recipe(target):
        return [found for record in _read_runs(target) for found in lint_record(record)]
    from loupe.running import load_recipe  # loads torch: names and settings of parts are checked too

    return lint_record(Record(target, load_recipe(target)))


_NEXT = {
    "an exercise": "lint the recipe that it hands out; `loupe class make` checks the exercise itself",
    "a reproduction": "lint its studies, which it names; `loupe reproduce` checks the reproduction itself",
}


def _find_kind(target: str) -> str | None:
    """Return what a word names if it is neither code, nor a recipe, nor a run: "study", "search" …

    A packaged one, a folder, or a TOML file by what stands in it.
    """
    path = Path(target)
    if path.is_dir():
        return next((kind for kind in ("search", "study") if (path / f"{kind}.toml").is_file()), None)
    if path.suffix == ".toml" and path.is_file():
        try:
            fields = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None  # reading it as a recipe says what is wrong
        if "task" in fields:
            return "an exercise"
        if "studies" in fields:
            return "a reproduction"
        return "search" if "space" in fields else "study" if "recipe" in fields else None
    if path.exists() or target in list_recipes():
        return None
    return "study" if target in list_studies() else "search" if target in list_searches() else None


def _lint_search(target: str) -> list[Violation]:
    """Return the mistakes in the recipes at the ends of a search's space, each once, with the first of them.

    Raises:
        SearchError: the space, the budget or the recipe cannot be as they are.
    """
    from loupe.searches.loading import list_probes, load_search  # loads torch
    from loupe.searches.space import make_recipe

    search, found = load_search(target), dict[tuple[str, str], Violation]()
    for place, settings in list_probes(search):
        recipe = make_recipe(search, settings, seed=search.seed)
        where = f"{target}, {place}" if place else target
        for one in lint_record(Record(where, recipe, num_fresh_seeds=search.fresh_seeds)):
            found.setdefault((one.rule, one.where), one)
    return list(found.values())


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
        yield Record(str(one.path), one.read_recipe(), found, history, is_run=True)
