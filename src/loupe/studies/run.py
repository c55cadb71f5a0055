"""A study on one screen: plan, find what is done, carry out the rest, compare, report."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from loupe.engines import Engine, open_engine
from loupe.studies import Study
from loupe.studies.analysis import StudyAnalysis
from loupe.studies.folder import StudyFolder
from loupe.studies.keys import Keys
from loupe.studies.plan import Plan, make_plan
from loupe.studies.report import write_study_report
from loupe.studies.rows import StudyRow
from loupe.studies.scheduler import StudyConductor, Watcher, gather_tasks

_SECONDS_BETWEEN_LOOKS = 1.0  # at runs that other processes are at


@dataclass(frozen=True)
class Known:
    """Another table of results.

    Args:
        file: where it is.
        num_finished: its finished runs.
        num_fitting: how many of these are runs of this study.
    """

    file: Path
    num_finished: int
    num_fitting: int


@dataclass(frozen=True)
class PreparedStudy:
    """A study whose runs are known, and which of them are done.

    Args:
        study: the study.
        plan: its runs.
        folder: receives results, figure and report.
        pool: receives the run folders; other studies may share them.
        scheduler: hands out the runs that are not done.
        known: what another table gave, if one was named.
        num_other: finished runs of an earlier sitting that are none of this study any more.
    """

    study: Study
    plan: Plan
    folder: StudyFolder
    pool: Path
    scheduler: StudyConductor
    known: Known | None = None
    num_other: int = 0

    @property
    def num_waiting(self) -> int:
        """Runs that are not done."""
        return len(self.scheduler.waiting)


def run_study(
    study: Study,
    out: Path = Path("studies"),
    *,
    engine: str = "auto",
    workers: int | None = None,
    known: Path | None = None,
    watcher: Watcher | None = None,
) -> StudyAnalysis:
    """Carry out what is not done of a study, write table, figure and report, and return what it found.

    A study that was interrupted goes on where it stopped. Runs are found by what determines their numbers, in
    `out/runs`, so that studies share them. A run that fails is recorded, and the others go on.

    Args:
        study: from `load_study`.
        out: receives `<study's name>/` and `runs/`.
        engine: "serial", "processes", "ray", "together" or "auto".
        workers: runs at once; as many as there is room for if left out.
        known: another `results.csv` whose finished runs are taken as they are.
        watcher: hears what happens.

    Raises:
        StudyError: the study or a recipe it makes has mistakes.
        LoupeError: the data is missing.
        KeyboardInterrupt: after Ctrl-C, when what was reached is written.
    """
    prepared = prepare_study(study, out, known=known, engine=engine)
    opened = open_engine(engine, workers=workers, threads=study.threads, num_jobs=prepared.num_waiting)
    try:
        return carry_out_study(prepared, opened, watcher)
    finally:
        opened.close()


def prepare_study(
    study: Study,
    out: Path = Path("studies"),
    *,
    known: Path | None = None,
    further: Sequence[str] = (),
    engine: str = "auto",
) -> PreparedStudy:
    """Return a study with its runs, those that are done told from those that are not.

    Datasets are loaded, for their digests; nothing is written. Metrics in `further` get columns beside what
    is compared and what recipes name; they are computed from the runs' answers. The engine is named because
    runs of "together" have keys of their own.

    Raises:
        StudyError: the study or a recipe it makes has mistakes.
        LoupeError: the data is missing, or `known` cannot be read.
    """
    plan, folder, pool = make_plan(study), StudyFolder(out / study.name), out / "runs"
    tasks = gather_tasks(plan.runs, Keys(engine).of, pool)
    axes = tuple(study.axes)
    earlier, further = read_earlier(folder, axes), (study.compare, *further)
    keys = {task.key for task in tasks}
    num_other = len(_name_finished(folder.read_results(axes)).keys() - keys)
    if known is None:
        scheduler = StudyConductor(plan.runs, tasks, folder, axes, earlier, further)
        return PreparedStudy(study, plan, folder, pool, scheduler, None, num_other)
    given = _name_finished(StudyFolder.read_rows(known, axes))
    scheduler = StudyConductor(plan.runs, tasks, folder, axes, {**given, **earlier}, further)
    taken = Known(known, len(given), len(given.keys() & keys))
    return PreparedStudy(study, plan, folder, pool, scheduler, taken, num_other)


def carry_out_study(prepared: PreparedStudy, engine: Engine, watcher: Watcher | None = None) -> StudyAnalysis:
    """Carry out what is not done, and return what the study found; `run_study` says more."""
    scheduler, folder = prepared.scheduler, prepared.folder
    scheduler.watcher = watcher or Watcher()
    with folder.locked():
        folder.write_study(prepared.study)
        scheduler.write()
        try:
            engine.carry_out(scheduler)
            _wait_for_others(scheduler, engine)
        finally:
            scheduler.write()
            analysis = write_study_report(prepared.study, folder, prepared.pool, prepared.plan.skipped)
    return analysis


def _wait_for_others(scheduler: StudyConductor, engine: Engine) -> None:
    """Wait for runs that other studies are at, and carry out what they leave."""
    if held := scheduler.find_held():
        scheduler.watcher.on_wait(held)
    while scheduler.waiting:
        if scheduler.find_held():
            time.sleep(_SECONDS_BETWEEN_LOOKS)
        engine.carry_out(scheduler)


def read_earlier(folder: StudyFolder, axes: Sequence[str]) -> dict[str, StudyRow]:
    """Return the finished rows of earlier sittings and of earlier forms of a study by key.

    Raises:
        RunError: a file cannot be read.
    """
    rows = folder.read_results(axes)
    if folder.earlier_file.exists():
        rows = [*folder.read_rows(folder.earlier_file, ()), *rows]
    return _name_finished(rows)


def _name_finished(rows: Iterable[StudyRow]) -> dict[str, StudyRow]:
    return {row.key: row for row in rows if row.is_finished}
