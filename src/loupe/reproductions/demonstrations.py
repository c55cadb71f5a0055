"""Defects shown beside what is right: which there are, and where their results are kept."""

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from loupe.errors import UnknownNameError
from loupe.reproductions.batch_sums import show_batch_sums
from loupe.reproductions.claims import find_rows
from loupe.reproductions.collapse import show_collapse
from loupe.reproductions.judged_crops import show_judged_crops, show_trained_crops
from loupe.reproductions.number_rules import Found
from loupe.reproductions.repeated_maps import show_repeated_maps
from loupe.reproductions.report import Demonstration
from loupe.reproductions.schema import Reproduction, Shown
from loupe.reproductions.shared_weights import show_shared_weights
from loupe.runs import RunFolder
from loupe.runs.reading import reading
from loupe.runs.writing import write_json
from loupe.studies.rows import find_run

DEMONSTRATIONS: dict[str, Callable[..., Demonstration]] = {
    "collapsed-autoencoder": show_collapse,
    "batch-sums": show_batch_sums,
    "shared-weights": show_shared_weights,
    "judged-crops": show_judged_crops,
}

ON_TRAINED: dict[str, Callable[[Sequence[RunFolder], Path], Demonstration]] = {
    "trained-crops": show_trained_crops,
    "repeated-maps": show_repeated_maps,
}
"""Those that are shown on networks of a study; they may draw into the page's folder."""


def find_demonstration(
    name: str, among: Mapping[str, Callable[..., Demonstration]] = DEMONSTRATIONS
) -> Callable[..., Demonstration]:
    """Return a demonstration by name.

    Raises:
        UnknownNameError: there is none.
    """
    if name not in among:
        raise UnknownNameError("demonstration", name, among, "mend the reproduction's file")
    return among[name]


def demonstrate(
    reproduction: Reproduction, folder: Path, known: Path | None, *, is_quick: bool, only_known: bool
) -> list[Demonstration]:
    """Return the source's demonstrations, from an earlier session where they are there."""
    shown = []
    for name in reproduction.demonstrations:
        make, file = find_demonstration(name), folder / f"{name}.json"
        if known is not None and (known / file.name).is_file() and not (file.is_file() or is_quick):
            shutil.copyfile(known / file.name, file)
        if not file.is_file() and only_known:
            continue
        if not file.is_file():
            write_json(file, asdict(make(is_quick=is_quick)))
        shown.append(_read_demonstration(file))
    return shown


def demonstrate_on_trained(
    reproduction: Reproduction,
    folder: Path,
    known: Path | None,
    found: Mapping[str, Found],
    pool: Path,
    *,
    is_kept: bool,
) -> list[Demonstration]:
    """Return what is shown on trained networks; from an earlier session where none of them are here.

    Args:
        reproduction: of the source.
        folder: of the page.
        known: folder with results of another machine.
        found: studies with their rows, by name.
        pool: folder of the runs.
        is_kept: take what an earlier session showed on fewer networks, too.
    """
    shown = []
    for one in reproduction.shown:
        make, file = find_demonstration(one.name, ON_TRAINED), folder / f"{one.name}.json"
        runs = _find_trained(one, found[one.study], pool)
        folder.mkdir(parents=True, exist_ok=True)
        names = tuple(run.path.name for run in runs)
        earlier = _read_demonstration(file).runs if file.is_file() else ()
        if runs and names != earlier and not (is_kept and earlier):
            write_json(file, asdict(replace(make(runs, folder), runs=names)))
        elif known is not None and (known / file.name).is_file() and not file.is_file():
            shutil.copyfile(known / file.name, file)
            picture = _read_demonstration(file).picture
            if picture and (known / picture).is_file():
                shutil.copyfile(known / picture, folder / picture)
        if file.is_file():
            shown.append(_read_demonstration(file))
    return shown


def _find_trained(claim: Shown, found: Found, pool: Path) -> list[RunFolder]:
    """Return the folders of the finished runs that a defect is shown on, as far as they are here."""
    runs = [find_run(pool, row) for row in find_rows(claim, found)]
    return [run for run in runs if run is not None]


def _read_demonstration(file: Path) -> Demonstration:
    with reading(file):
        values = json.loads(file.read_text(encoding="utf-8"))
        rows, runs = tuple(tuple(row) for row in values["rows"]), tuple(values.get("runs", ()))
        return Demonstration(**{**values, "rows": rows, "runs": runs})
