"""A study on one screen: plan, find what is done, carry out the rest, compare, report."""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from loupe.experiments.engines import Engine, open_engine
from loupe.experiments.studies.conductor import StudyConductor, Task, Watcher, gather_tasks
from loupe.experiments.studies.keys import Keys
from loupe.experiments.studies.plan import Plan, make_plan
from loupe.reports.studies import write_study_report
from loupe.runs.study_folder import StudyFolder, StudyRow
from loupe.study import Study


def run_study(
    study: Study,
    out: Path = Path("studies"),
    *,
    engine: str = "auto",
    workers: int | None = None,
    known: Path | None = None,
    watcher: Watcher | None = None,
) -> StudyFolder:
    """Carry out what is not done of a study, and return its folder with table, figure and report.

    A study that was broken off goes on where it stopped. Runs are found by what determines their numbers, in
    `out/runs`, so that studies share them. A run that fails is recorded, and the others go on.

    Args:
        study: from `load_study`.
        out: receives `<study's name>/` and `runs/`.
        engine: "serial", "processes", "ray" or "auto".
        workers: runs at once; as many as there is room for if left out.
        known: another `results.csv` whose finished runs are taken as they are.
        watcher: hears what happens.

    Raises:
        StudyError: the study or a recipe it makes has mistakes.
        LoupeError: the data is missing.
        KeyboardInterrupt: after Ctrl-C, when what was reached is written.
    """
    folder = StudyFolder(out / study.name)
    plan = make_plan(study)
    conductor = prepare_study(study, plan, folder, out, known, watcher)
    folder.write_study(study.to_toml())
    conductor.write()
    try:
        with opened(engine, workers, study.threads, conductor.num_waiting) as opened_engine:
            opened_engine.carry_out(conductor)
    finally:
        conductor.write()
        write_study_report(study, folder, out / "runs", plan.skipped)
    return folder


def prepare_study(
    study: Study, plan: Plan, folder: StudyFolder, out: Path, known: Path | None, watcher: Watcher | None
) -> StudyConductor:
    """Return the conductor of a study, with what is done sorted from what is to be run."""
    tasks = find_tasks(plan, out)
    rows = read_known(folder, study, known)
    return StudyConductor(plan.runs, tasks, folder, tuple(study.axes), rows, watcher or Watcher())


def find_tasks(plan: Plan, out: Path) -> list[Task]:
    """Return the tasks of a plan; datasets are loaded for their digests."""
    return gather_tasks(plan.runs, Keys().of, out / "runs")


def read_known(folder: StudyFolder, study: Study, known: Path | None) -> dict[str, StudyRow]:
    """Return the finished rows by key: of earlier sittings, and of another results.csv."""
    axes: Sequence[str] = tuple(study.axes)
    rows = folder.read_results(axes)
    if known is not None:
        other = StudyFolder(known.parent)
        other.results_file = known
        rows = [*other.read_results(axes), *rows]
    return {row.key: row for row in rows if row.is_finished}


@contextlib.contextmanager
def opened(name: str, workers: int | None, threads: int, num_jobs: int) -> Iterator[Engine]:
    """Open an engine with no more workers than jobs, and close it afterwards."""
    most = max(1, num_jobs)
    if name == "auto" and num_jobs <= 1:
        name, workers = "serial", None
    engine = open_engine(name, workers=min(workers, most) if workers else None, threads=threads)
    try:
        yield engine
    finally:
        engine.close()
