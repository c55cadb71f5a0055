"""A study as the interface answers it: what its report says, also while it is carried out."""

from pathlib import Path

from loupe.errors import LoupeError
from loupe.reports.page import format_level
from loupe.runs import RunFolder, list_run_folders
from loupe.runs.reading import is_plain, read_text
from loupe.studies import Study
from loupe.studies.analysis import StudyAnalysis, analyse_study
from loupe.studies.answer import answer_question
from loupe.studies.drawing import name_figure
from loupe.studies.folder import StudyFolder
from loupe.studies.loading import load_study
from loupe.studies.report import render_study, write_cell
from loupe.studies.rows import StudyRow, find_run
from loupe.studies.wording import write_figure
from loupe.web.run_index import RunIndex
from loupe.web.sections import Section, make_fragment
from loupe.web.study_answers import ArmAnswer, State, StudyDetails, StudyRun, StudySummary, UnderWay


def summarise_study(path: Path) -> StudySummary:
    """Return a study in a few figures; what is damaged is said, not raised."""
    try:
        folder = StudyFolder(path)
        study = _read_study(folder)
        return _summarise(folder, study, folder.read_results(tuple(study.axes)))
    except LoupeError as error:
        return StudySummary(id=path.name, state="damaged", problem=error.message)


def _read_study(folder: StudyFolder) -> Study:
    return load_study(folder.path)


def _summarise(folder: StudyFolder, study: Study, rows: list[StudyRow]) -> StudySummary:
    ended = [row for row in rows if not row.stage]
    state: State = "finished" if len(ended) >= study.num_runs else "unfinished"
    return StudySummary(
        id=folder.path.name,
        question=study.question,
        about=study.about,
        state="running" if folder.is_under_way() else state,
        num_runs=study.num_runs,
        num_done=len(ended),
        num_failed=sum(not row.is_finished for row in rows),
    )


def describe_study(index: RunIndex, path: Path) -> StudyDetails:
    """Return what a study says so far.

    Args:
        index: knows what the study's runs are called.
        path: the study's folder.

    Raises:
        LoupeError: a file of the study is damaged.
    """
    folder, pool = StudyFolder(path), path.parent / "runs"
    study = _read_study(folder)
    analysis = analyse_study(study, folder.read_results(tuple(study.axes)), pool)
    rows = [*analysis.stage_rows, *analysis.run_rows]
    summary = _summarise(folder, study, rows)
    return StudyDetails(
        summary=summary,
        answer=answer_question(analysis),
        figure=name_figure(analysis),
        reference=analysis.reference,
        level=format_level(study.confidence),
        axes=list(analysis.whole.axes),
        arms=_list_arms(analysis),
        same=[list(group.arms) for group in analysis.copies if not group.lacking],
        runs=[_describe_row(index, analysis, row, pool) for row in rows],
        under_way=_list_under_way(index, pool) if summary.state == "running" else [],
        toml=read_text(folder.study_file),
        has_report=is_plain(folder.report_file),
    )


def make_study_section(index: RunIndex, path: Path) -> Section:
    """Return what the report of a study says so far, for the page.

    Args:
        index: knows what the study's runs are called.
        path: the study's folder.

    Raises:
        LoupeError: a file of the study is damaged.
    """
    folder = StudyFolder(path)
    return make_fragment(render_study(_read_study(folder), folder, path.parent / "runs", index.address))


def _list_arms(analysis: StudyAnalysis) -> list[ArmAnswer]:
    arms = []
    for cell in analysis.cells:
        texts = write_cell(analysis, cell)
        arms.append(ArmAnswer(**texts, is_open=cell.is_open, is_chosen=cell in analysis.best))
    return arms


def _describe_row(index: RunIndex, analysis: StudyAnalysis, row: StudyRow, pool: Path) -> StudyRun:
    run = find_run(pool, row)
    validation, test = (analysis.figure.of(row, split) for split in ("validation", "test"))
    return StudyRun(
        name=row.arm or f"stage {row.stage}",
        at=[row.at.get(axis, "") for axis in analysis.whole.axes],
        seed=row.seed,
        status=row.status,
        reason=row.reason or "",
        best_epoch=row.best_epoch,
        validation="" if validation is None else write_figure(validation, analysis.figure),
        test="" if test is None else write_figure(test, analysis.figure),
        seconds=row.seconds,
        run=index.name(run) if run is not None else None,
    )


def _list_under_way(index: RunIndex, pool: Path) -> list[UnderWay]:
    """Return the runs of the pool that train now; it is shared by the studies of a folder."""
    running = []
    for path in list_run_folders(pool):
        folder = RunFolder(path)
        if folder.is_being_trained():
            one = index.summarise(folder)
            running.append(
                UnderWay(
                    run=one.id,
                    epoch=one.epoch,
                    num_epochs=one.num_epochs,
                    share=one.share,
                    seconds_left=one.seconds_left,
                )
            )
    return running
