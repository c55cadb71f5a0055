"""Figures written to files, each with its caption beside."""

import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any

from matplotlib import rc_context

from loupe.errors import LoupeError
from loupe.figures.presentation import STYLES, StyleName, present
from loupe.figures.style import save_figure
from loupe.publishing.place import list_runs, open_place
from loupe.publishing.report_figure import ReportFigure, name_file
from loupe.publishing.run_figures import RunFigures
from loupe.publishing.study_figures import draw_study_figures
from loupe.runs import SeriesFolder, name_run
from loupe.studies.folder import StudyFolder

FORMATS = ("pdf", "svg", "png")
_DPI = 300
_LARGEST_DPI = 2400


@dataclass
class WrittenFigures:
    """What was written.

    Args:
        folder: that holds the files.
        figures: each figure's name, title, caption and files.
        left_out: why figures are missing, in words.
    """

    folder: Path
    figures: list[dict[str, Any]] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    @property
    def files(self) -> list[Path]:
        """Every picture, in order."""
        return [self.folder / name for figure in self.figures for name in figure["files"]]


def write_figures(  # noqa: PLR0913 - what can be wished for, each by its name
    place: str | PathLike[str],
    *,
    formats: Sequence[str] = ("pdf",),
    dpi: int = _DPI,
    style: StyleName = "paper",
    out: str | PathLike[str] | None = None,
    replace: bool = False,
    data: Path | None = None,
    index: int | None = None,
    class_name: str | None = None,
    theory: bool = False,
) -> WrittenFigures:  # fmt: skip
    """Write every figure of a run, of the runs of a series, or of a study, and return what was written.

    Beside the pictures stand `captions.md` and `captions.json`: one caption a figure. Only training and
    validation images are drawn; what is said of the test set comes from the stored result.

    Args:
        place: a run, series or study: its folder, or its name in runs/ or studies/.
        formats: "pdf", "svg", "png", one or several.
        dpi: dots an inch, of PNG files and of pictures inside the others, 1 to 2,400.
        style: "paper" (85 or 175 mm wide), "grey" (that without colours), or "slides".
        out: folder; `figures/NAME` if left out.
        replace: whether files that are there may be written over.
        data: where the run's images lie now.
        index: the validation image to look at.
        class_name: the class whose first validation image to look at.
        theory: draw what a chapter on theory shows, on the network and that image: a neuron, ReLU, a sliding
            kernel, stride, padding, poolings, flatten, the whole network, residual blocks.

    Raises:
        LoupeError: no such place, format, style or image; a study's theory, which has no network; or files of
            these names are there already.
    """
    _refuse_wrong_wishes(formats, dpi, style)
    opened = open_place(place)
    folder = Path(out) if out is not None else Path("figures") / _name(opened)
    written = WrittenFigures(folder)
    contents: dict[str, bytes] = {}
    wishes = {"data": data, "index": index, "class_name": class_name, "is_slide": style == "slides",
              "is_theory": theory}  # fmt: skip
    for run, figure in _draw(opened, written.left_out, wishes):
        present(figure.figure, style)
        names = {form: f"{name_file(run, figure.name)}.{form}" for form in formats}
        for form, name in names.items():
            contents[name] = render(figure, form, dpi)
        written.figures.append(
            {"name": figure.name, "title": figure.title, "caption": figure.caption, "run": run,
             "style": style, "files": list(names.values())}
        )  # fmt: skip
    contents["captions.md"] = write_captions(written.figures).encode()
    contents["captions.json"] = (json.dumps(written.figures, indent=2, ensure_ascii=False) + "\n").encode()
    write_files(folder, contents, replace=replace)
    return written


def write_files(folder: Path, contents: dict[str, bytes], *, replace: bool) -> None:
    """Write files into a folder, which is made if it is not there; all or none.

    Raises:
        LoupeError: one is there already with other content, and nobody said that it may be replaced.
    """
    there = [
        name
        for name, content in contents.items()
        if (folder / name).is_symlink()
        or ((folder / name).exists() and (folder / name).read_bytes() != content)
    ]
    if there and not replace:
        raise LoupeError(
            f"{len(there)} of these files would be written over in {folder}.",
            got=", ".join(there[:4]) + (" …" if len(there) > 4 else ""),
            allowed="a folder without files of these names",
            next_step="name another folder with --out, or say --replace",
        )
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).unlink(missing_ok=True)  # what a link points to is not ours
        (folder / name).write_bytes(content)


def render(figure: ReportFigure, form: str, dpi: int) -> bytes:
    """Return a figure as a file: text stays text in PDF and SVG, and no date makes two files differ."""
    buffer = io.BytesIO()
    settings = {"pdf.fonttype": 42, "svg.fonttype": "none", "svg.hashsalt": figure.name}
    with rc_context(settings):  # type: ignore[arg-type]  # the stub wants a Literal of every key
        save_figure(figure.figure, buffer, dpi, form=form)
    return buffer.getvalue()


def write_captions(figures: Sequence[dict[str, Any]]) -> str:
    """Return the captions as Markdown."""
    lines = ["# Captions", ""]
    for one in figures:
        files = ", ".join(f"`{name}`" for name in one["files"])
        lines += [f"**{one['title']}.** {one['caption']}", "", f"{files}", ""]
    return "\n".join(lines)


def _draw(opened: Any, left_out: list[str], wishes: dict[str, Any]) -> Iterator[tuple[str, ReportFigure]]:
    if isinstance(opened, StudyFolder):
        if wishes["is_theory"]:
            raise refuse_theory(opened)
        for figure in draw_study_figures(opened):
            yield opened.path.name, figure
        return
    for run in list_runs(opened):
        figures = RunFigures(run, **wishes)
        for figure in figures.draw():
            yield name_run(run.path), figure
        left_out += figures.left_out


def refuse_theory(study: StudyFolder) -> LoupeError:
    """Return the error that a study has no network whose theory could be drawn."""
    return LoupeError(
        "A study has no network of its own to draw.",
        got=study.path.name,
        allowed="a run, or a series of seeds",
        next_step=f"name one of its runs, in {study.path.parent / 'runs'}",
    )


def _name(opened: Any) -> str:
    is_whole = isinstance(opened, StudyFolder | SeriesFolder)
    return opened.path.name if is_whole else name_run(opened.path)


def _refuse_wrong_wishes(formats: Sequence[str], dpi: int, style: str) -> None:
    unknown = [one for one in formats if one not in FORMATS]
    if unknown or not formats:
        raise LoupeError(
            "A figure cannot be written so.",
            got=", ".join(unknown) or "no format",
            allowed="pdf, svg, png, one or several with commas between",
            next_step="--format pdf,svg",
        )
    if not 1 <= dpi <= _LARGEST_DPI:
        raise LoupeError(
            "A figure cannot have so many dots an inch.",
            got=dpi,
            allowed=f"1 to {_LARGEST_DPI:,}",
            next_step="journals ask for 300 to 600",
        )
    if style not in STYLES:
        raise LoupeError(
            f"There is no style {style!r}.", got=style, allowed=", ".join(STYLES), next_step="--style paper"
        )
