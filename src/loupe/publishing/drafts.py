"""Drafts written to files, their figures beside them."""

from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path

from loupe.errors import LoupeError
from loupe.figures.presentation import StyleName, present
from loupe.publishing.draft_writers import FORMS, WRITERS, DraftForm
from loupe.publishing.figure_files import refuse_theory, render, write_files
from loupe.publishing.place import list_runs, open_place
from loupe.publishing.report_figure import name_file
from loupe.publishing.run_draft import draft_run
from loupe.publishing.study_draft import draft_study
from loupe.runs import SeriesFolder, name_run
from loupe.studies.folder import StudyFolder

_DPI = 300


@dataclass
class WrittenDraft:
    """What was written.

    Args:
        file: the draft.
        num_figures: in it.
        num_tables: in it.
        left_out: why figures are missing, in words.
    """

    file: Path
    num_figures: int
    num_tables: int
    left_out: list[str] = field(default_factory=list)


def write_draft(
    place: str | PathLike[str],
    form: DraftForm = "markdown",
    *,
    style: StyleName = "paper",
    out: str | PathLike[str] | None = None,
    replace: bool = False,
    data: Path | None = None,
    theory: bool = False,
) -> WrittenDraft:
    """Write a draft of methods and results of a run, a series or a study, and return what was written.

    Args:
        place: its folder, or its name in runs/ or studies/.
        form: "markdown", "latex" (figures as PDF beside it), or "docx".
        style: of the figures.
        out: folder; `drafts/NAME` if left out.
        replace: whether files that are there may be written over.
        data: where the run's images lie now.
        theory: begin with a chapter on theory, drawn from the run's network and one validation image.

    Raises:
        LoupeError: no such place or form, no result yet, the theory of a study, or files of
            these names are there already.
    """
    if form not in FORMS:
        raise LoupeError(
            f"A draft cannot be written as {form!r}.",
            got=form,
            allowed=", ".join(FORMS),
            next_step="--format latex",
        )
    opened, left_out = open_place(place), list[str]()
    if isinstance(opened, StudyFolder):
        if theory:
            raise refuse_theory(opened)
        draft, name = draft_study(opened), opened.path.name
    else:
        run = list_runs(opened)[0]
        draft = draft_run(run, opened, data=data, left_out=left_out, theory=theory)
        name = opened.path.name if isinstance(opened, SeriesFolder) else name_run(opened.path)
    file, picture_format, write = WRITERS[form]
    folder = Path(out) if out is not None else Path("drafts") / name
    pictures, contents = dict[str, bytes](), dict[str, bytes]()
    for figure in draft.figures:
        present(figure.figure, style)
        pictures[figure.name] = render(figure, picture_format, _DPI)
    if form == "docx":
        contents[file] = write(draft, pictures)
    else:
        files = {one: f"figures/{name_file(name, one)}.{picture_format}" for one in pictures}
        contents = {files[one]: picture for one, picture in pictures.items()}
        contents[file] = write(draft, files)
    write_files(folder, contents, replace=replace)
    return WrittenDraft(folder / file, len(draft.figures), len(draft.tables), left_out)
