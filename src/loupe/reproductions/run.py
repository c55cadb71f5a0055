"""A source on one screen: its studies are carried out, its claims judged, one page written."""

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from loupe.engines import open_engine
from loupe.errors import ReproductionError, RunError
from loupe.recipe import set_value
from loupe.reproductions.claims import judge_claims
from loupe.reproductions.demonstrations import (
    ON_TRAINED,
    demonstrate,
    demonstrate_on_trained,
    find_demonstration,
)
from loupe.reproductions.details import RunDetails, gather_details, keep_details
from loupe.reproductions.exhibits import make_exhibits
from loupe.reproductions.number_rules import Found
from loupe.reproductions.references import find_unknown_claims, find_unknown_figures, list_claimed_metrics
from loupe.reproductions.report import Demonstration, write_reproduction
from loupe.reproductions.schema import Reproduction
from loupe.studies import Study, read_study_file
from loupe.studies.folder import StudyFolder
from loupe.studies.loading import load_study
from loupe.studies.run import PreparedStudy, carry_out_study, prepare_study
from loupe.studies.scheduler import Watcher

MakeWatcher = Callable[[PreparedStudy], Watcher]


def reproduce(
    reproduction: Reproduction,
    out: Path = Path("reproductions"),
    *,
    is_quick: bool = False,
    engine: str = "auto",
    workers: int | None = None,
    known: Path | None = None,
    make_watcher: MakeWatcher | None = None,
    only_report: bool = False,
) -> Path:
    """Carry out what a source's claims need and is not done, and return the page.

    Args:
        reproduction: from `read_reproduction`.
        out: receives `<name>/` (or `<name>-quick/`) with page, Markdown and each study's results, and
            `studies/` with the studies themselves.
        is_quick: the short form, minutes instead of hours; its numbers are shown and not judged.
        engine: as for a study.
        workers: as for a study.
        known: folder with a `<study>.csv` for each study, whose finished runs are taken as they are, and with
            the demonstrations, `<name>.json`.
        make_watcher: returns who hears what a study does.
        only_report: write the page of what is done, and run nothing.

    Raises:
        ReproductionError: a claim is about what the studies do not hold.
        LoupeError: the data is missing, a study has mistakes, or `known` holds no results.
        KeyboardInterrupt: after Ctrl-C; what was reached is kept.
    """
    _refuse_unknown_names(reproduction)
    if known is not None:
        _refuse_other_results(known, reproduction)
    folder = out / (f"{reproduction.name}-quick" if is_quick else reproduction.name)
    studies = {
        name: load_quickly(name, reproduction) if is_quick else load_study(name)
        for name in reproduction.studies
    }
    found = {name: Found(study, ()) for name, study in studies.items()}
    ready: dict[str, PreparedStudy] = {}
    for name, study in studies.items():  # all of them first: without the data an earlier page stays as it is
        file = known / f"{name}.csv" if known is not None else None
        claimed = list_claimed_metrics(reproduction, name)
        known_file = file if file and file.is_file() else None
        ready[name] = prepare_study(study, out / "studies", known=known_file, further=claimed, engine=engine)
    if unknown := list(find_unknown_figures(reproduction)):  # what plugins register is there by now
        raise ReproductionError(reproduction.name, unknown)
    demonstrations: list[Demonstration] = []
    try:
        for name, prepared in ready.items():
            study = prepared.study
            if not only_report:
                _carry_out(prepared, engine, workers, make_watcher)
            else:
                prepared.folder.write_study(study)
                prepared.scheduler.write()
            found[name] = Found(study, tuple(prepared.folder.read_results(tuple(study.axes))))
            _keep_results(prepared.folder, folder / f"{name}.csv")
        demonstrations = demonstrate(reproduction, folder, known, is_quick=is_quick, only_known=only_report)
        demonstrations += demonstrate_on_trained(
            reproduction, folder, known, found, out / "studies" / "runs", is_kept=only_report
        )
    finally:
        for name, one in found.items():
            rows = StudyFolder(out / "studies" / one.study.name).read_results(tuple(one.study.axes))
            found[name] = Found(one.study, tuple(rows))
        shown = [one.defect for one in demonstrations]
        verdicts = judge_claims(reproduction, found, is_quick=is_quick, demonstrated=shown)
        details = {name: _describe_runs(reproduction, one, folder, known) for name, one in ready.items()}
        exhibits = make_exhibits(folder, reproduction, found, details)
        page = write_reproduction(
            folder, reproduction, verdicts, found, demonstrations, exhibits, is_quick=is_quick
        )
    return page


def _refuse_unknown_names(reproduction: Reproduction) -> None:
    """Raise before hours of training, not after them, if a name in the file is nothing's."""
    for name in reproduction.demonstrations:
        find_demonstration(name)
    for one in reproduction.shown:
        find_demonstration(one.name, ON_TRAINED)
    studies = {name: load_study(name) for name in reproduction.studies}
    if unknown := list(find_unknown_claims(reproduction, studies)):
        raise ReproductionError(reproduction.name, unknown)


def _refuse_other_results(known: Path, reproduction: Reproduction) -> None:
    names = [f"{name}.csv" for name in reproduction.studies]
    if not any((known / name).is_file() for name in names):
        raise RunError(
            f"{known} holds no results of {reproduction.name}.",
            got="a folder without them" if known.is_dir() else "no folder",
            allowed=f"a folder with one or more of {', '.join(names)}",
            next_step="leave --known out to run everything",
        )


def _carry_out(
    prepared: PreparedStudy, engine: str, workers: int | None, make_watcher: MakeWatcher | None
) -> None:
    num_jobs, threads = prepared.num_waiting, prepared.study.threads
    opened = open_engine(engine, workers=workers, threads=threads, num_jobs=num_jobs)
    watcher = make_watcher(prepared) if make_watcher is not None else None
    try:
        carry_out_study(prepared, opened, watcher)
    finally:
        opened.close()


def _describe_runs(
    reproduction: Reproduction, prepared: PreparedStudy, folder: Path, known: Path | None
) -> list[RunDetails]:
    """Return and keep the details of runs that the page shows: those a claim names, and unfinished ones."""
    name = prepared.study.name.removesuffix("-quick")
    is_shown = any(one.study == name for one in (*reproduction.classes, *reproduction.courses))
    wanted = {key for _, key in prepared.scheduler.planned}
    if not is_shown:
        wanted -= {
            row.key for row in prepared.folder.read_results(tuple(prepared.study.axes)) if row.is_finished
        }
    file = f"{name}-details.json"
    return keep_details(
        folder / file,
        gather_details(prepared, wanted),
        known / file if known is not None else None,
        wanted=wanted,
    )


def _keep_results(study: StudyFolder, copy: Path) -> None:
    """Copy a study's results beside the page, from where they can be committed and gone on from."""
    copy.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(study.results_file, copy)


def load_quickly(name: str, reproduction: Reproduction) -> Study:
    """Return a study in its quick form, under a name of its own."""
    mapping = read_study_file(name)
    for dotted, value in _flatten(reproduction.quick.get(name, {})):
        set_value(mapping, dotted, value)
    return load_study({**mapping, "name": f"{mapping['name']}-quick"})


def _flatten(changes: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    flat: list[tuple[str, Any]] = []
    for key, value in changes.items():
        if isinstance(value, Mapping) and value and "name" not in value:
            flat += _flatten(value, f"{prefix}{key}.")
        else:
            flat.append((f"{prefix}{key}", value))
    return flat
