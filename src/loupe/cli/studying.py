"""Verbs that carry out many runs."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from loupe.cli.app import LOOK, WORK, app
from loupe.cli.misnamed import FieldsOf
from loupe.terminal import open_console, print_line, print_table
from loupe.wording import count_of

if TYPE_CHECKING:
    from loupe.engines import Engine
    from loupe.studies.analysis import StudyAnalysis
    from loupe.studies.run import PreparedStudy

Workers = Annotated[int | None, Parameter(help="Runs at once; as many as there is room for if left out.")]
EngineName = Annotated[
    str,
    Parameter(
        help="serial, processes or ray; together trains runs of one shape as one; auto takes processes where "
        "there is room for two."
    ),
]
StudiesFolder = Annotated[
    Path | None,
    Parameter(
        help="Folder for studies and their runs; the one STUDY lies in if that is a folder, else studies."
    ),
]


@app.command(group=WORK)
def study(
    study: str,
    /,
    *overrides: Annotated[
        str, Parameter(help="Changes to the study: seeds=[0,1], set.train.epochs=5 …"), FieldsOf("study")
    ],
    dry_run: Annotated[
        bool, Parameter(negative=(), help="Show the runs and their time; run nothing.")
    ] = False,
    out: StudiesFolder = None,
    engine: EngineName = "auto",
    workers: Workers = None,
    known: Annotated[
        Path | None, Parameter(help="Another results.csv; its finished runs are taken as they are.")
    ] = None,
) -> int:
    """Carry out a study: many runs, one answer. What is done already is not done again.

    Parameters
    ----------
    study
        A packaged study (`loupe studies`), a TOML file, or a study's folder.
    """
    from loupe.cli.study_tables import describe_known, describe_other
    from loupe.engines import open_engine
    from loupe.studies.loading import load_study
    from loupe.studies.run import prepare_study

    out = out or find_parent(study, "study.toml") or Path("studies")
    prepared = prepare_study(load_study(study, overrides), out, known=known, engine=engine)
    num_jobs = prepared.num_waiting
    opened = open_engine(engine, workers=workers, threads=prepared.study.threads, num_jobs=num_jobs)
    try:
        if prepared.known is not None:
            print_line(describe_known(prepared.known))
        if prepared.num_other:
            print_line(describe_other(prepared))
        can_run = _print_plan(prepared, opened.num_workers, lists_all=dry_run)
        return (0 if can_run else 1) if dry_run else _carry_out(prepared, opened)
    finally:
        opened.close()


@app.command(group=WORK, name="learning-curve")
def learning_curve(
    run: str,
    /,
    *,
    of: Annotated[
        Literal["images", "epochs", "width"], Parameter(help="What there might be more of.")
    ] = "images",
    seeds: Annotated[int, Parameter(help="Seeds of each size, from 0 on.")] = 3,
    dry_run: Annotated[
        bool, Parameter(negative=(), help="Show the runs and their time; run nothing.")
    ] = False,
    out: Annotated[Path, Parameter(help="Folder for studies and their runs.")] = Path("studies"),
    engine: EngineName = "auto",
    workers: Workers = None,
) -> int:
    """Say whether more images, epochs or width would help a run: a short study, on validation alone.

    Images: an eighth to all of the run's own, with a power law that says what twice as many would give.
    Epochs and width: half, as it is, twice. What is done already is not done again.

    Parameters
    ----------
    run
        A run folder, or its name (or how it begins) inside runs/.
    """
    from loupe.engines import open_engine
    from loupe.studies.growth import measure_last_step, plan_growth, say_growth
    from loupe.studies.run import prepare_study

    prepared = prepare_study(plan_growth(run, of, range(max(1, seeds))), out, engine=engine)
    num_jobs = prepared.num_waiting
    opened = open_engine(engine, workers=workers, threads=prepared.study.threads, num_jobs=num_jobs)
    try:
        can_run = _print_plan(prepared, opened.num_workers, lists_all=dry_run)
        if dry_run:
            return 0 if can_run else 1
        analysis = _watch(prepared, opened)
    finally:
        opened.close()
    step = measure_last_step(analysis, prepared.pool)
    print_line(say_growth(analysis, step, of), style="bold")
    if step is not None:
        rows = [
            [
                name,
                f"{100 * one.mean:+.1f}",
                f"{100 * one.interval.low:+.1f}" if one.interval else "",
                f"{100 * one.interval.high:+.1f}" if one.interval else "",
            ]
            for name, one in sorted(step.by_class.items(), key=lambda pair: -pair[1].mean)
        ]
        print_table(["class", f"points, {step.before} to {step.after}", "from", "to"], rows, [1, 2, 3])
    print_line(f"report: {prepared.folder.report_file}")
    return 1 if analysis.failed else 0


def find_parent(place: str, file: str) -> Path | None:
    """Return where the folder lies that a study or search was named by; None if it was named otherwise."""
    folder = Path(place).expanduser()
    if not (folder / file).is_file():
        return None
    return folder.parent if folder.name else folder.resolve().parent


def _print_plan(prepared: "PreparedStudy", num_workers: int, *, lists_all: bool) -> bool:
    """Print what is done, what is to be run, and how long that will take; return whether all can be run."""
    from loupe.cli.study_tables import describe_design, describe_plan, print_rest

    if lists_all:
        print_table(*describe_plan(prepared))
        for name, why in prepared.plan.skipped:
            print_line(f"left out: {name}: {why}", style="dim")
        for sentence in describe_design(prepared):
            print_line(sentence)
    return print_rest(prepared, num_workers, checks_all=lists_all)


def _carry_out(prepared: "PreparedStudy", engine: "Engine") -> int:
    """Carry out a study with progress on the terminal, and print its answer."""
    from loupe.studies.answer import answer_question
    from loupe.studies.report import describe_study_looks

    analysis = _watch(prepared, engine)
    failed = analysis.failed
    if failed:
        print_line(f"{count_of(len(failed), 'run')} without a result; the report says why.")
    print_line(answer_question(analysis), style="bold")
    rows = [*analysis.stage_rows, *analysis.run_rows]
    print_line(f"looks at the test set: {describe_study_looks(rows, prepared.pool)}")
    print_line(f"report: {prepared.folder.report_file}")
    return 1 if failed else 0


def _watch(prepared: "PreparedStudy", engine: "Engine") -> "StudyAnalysis":
    """Return what a study found, carried out with progress on the terminal."""
    from loupe.cli.study_progress import StudyProgress
    from loupe.studies.run import carry_out_study

    num_tasks = prepared.scheduler.num_tasks
    progress = StudyProgress(open_console(), num_tasks - prepared.num_waiting, num_tasks)
    try:
        return carry_out_study(prepared, engine, progress)
    except KeyboardInterrupt:
        progress.close()
        print_line(f"Stopped; what was reached is kept in {prepared.folder.path}. The same command goes on.")
        raise
    finally:
        progress.close()


@app.command(group=WORK)
def reproduce(
    source: str,
    /,
    *,
    quick: Annotated[bool, Parameter(negative=(), help="A short form: minutes, and no verdicts.")] = False,
    out: Annotated[Path, Parameter(help="Folder for pages and studies.")] = Path("reproductions"),
    engine: EngineName = "auto",
    workers: Workers = None,
    known: Annotated[
        Path | None, Parameter(help="Folder with a STUDY.csv each; finished runs are taken as they are.")
    ] = None,
    only_report: Annotated[
        bool, Parameter(negative=(), help="Write the page of what is done; run nothing.")
    ] = False,
) -> int:
    """Run what a published source's numbers need, and write a page with a verdict on each.

    Parameters
    ----------
    source
        A packaged source (`loupe reproductions`), or a TOML file.
    """
    from loupe.cli.study_progress import StudyProgress
    from loupe.cli.study_tables import describe_known, print_rest
    from loupe.reproductions.files import read_reproduction
    from loupe.reproductions.run import reproduce as carry_out

    started: list[StudyProgress] = []

    def make_watcher(prepared: "PreparedStudy") -> StudyProgress:
        for progress in started:
            progress.close()
        num_tasks = prepared.scheduler.num_tasks
        if prepared.known is not None:
            print_line(describe_known(prepared.known))
        print_rest(prepared, 1, name=prepared.study.name)
        started.append(StudyProgress(open_console(), num_tasks - prepared.num_waiting, num_tasks))
        return started[-1]

    try:
        page = carry_out(
            read_reproduction(source),
            out,
            is_quick=quick,
            engine=engine,
            workers=workers,
            known=known,
            make_watcher=make_watcher,
            only_report=only_report,
        )
    finally:
        for progress in started:
            progress.close()
    print_line(f"page: {page}")
    return 0


@app.command(group=LOOK)
def reproductions() -> int:
    """List the published sources that can be reproduced."""
    from loupe.reproductions.files import list_reproductions

    print_table(("source", "about"), list(list_reproductions().items()))
    return 0


@app.command(group=LOOK)
def studies() -> int:
    """List the packaged studies."""
    from loupe.studies import list_studies

    print_table(("study", "about"), list(list_studies().items()))
    return 0
