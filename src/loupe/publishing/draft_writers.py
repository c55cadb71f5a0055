"""A draft as Markdown, LaTeX or Word."""

import io
from collections.abc import Callable, Mapping
from typing import Any, Literal, get_args

from loupe.errors import LoupeError
from loupe.publishing.draft import Draft, Heading, Paragraph, Points
from loupe.publishing.latex_table import escape_latex, write_latex
from loupe.publishing.report_figure import ReportFigure
from loupe.publishing.table import ReportTable

DraftForm = Literal["markdown", "latex", "docx"]
FORMS: tuple[DraftForm, ...] = get_args(DraftForm)

_TEXT_WIDTH = 160.0  # mm, of the page below
_PREAMBLE = r"""\documentclass[a4paper,11pt]{article}
\usepackage[T1]{fontenc}
\usepackage[utf8]{inputenc}
\usepackage{lmodern}
\usepackage{booktabs}
\usepackage{graphicx}
\usepackage{longtable}
\usepackage[margin=25mm]{geometry}
\emergencystretch=5em
"""


def write_markdown(draft: Draft, files: Mapping[str, str]) -> bytes:
    """Return the draft as Markdown; figures are numbered and stand in place.

    Args:
        draft: the draft.
        files: of each figure by its name: where its picture lies, from the draft's folder.
    """
    lines = [f"# {_escape(draft.title)}", "", f"*{_escape(draft.note)}*", ""]
    numbers = {"figure": 0, "table": 0}
    for part in draft.parts:
        if isinstance(part, Heading):
            lines += [f"{'#' * (part.level + 1)} {_escape(part.text)}", ""]
        elif isinstance(part, Paragraph):
            lines += [_escape(f"{part.text} {draft.send_to(part.shown_in, ' ', _by_number)}".rstrip()), ""]
        elif isinstance(part, Points):
            lines += [*(f"- {_escape(text)}" for text in part.texts), ""]
        elif isinstance(part, ReportFigure):
            numbers["figure"] += 1
            lines += [f"![{_escape(part.title)}]({files[part.name]})", ""]
            lines += [f"**Figure {numbers['figure']}.** {_escape(part.caption)}", ""]
        else:
            numbers["table"] += 1
            lines += [_write_table(part, numbers["table"])]
    return "\n".join(lines).encode()


def _by_number(kind: str, number: int, name: str) -> str:
    return str(number)


def _write_table(table: ReportTable, number: int) -> str:
    from loupe.publishing.table import write_markdown as write

    return write(table).replace("**Table.**", f"**Table {number}.**", 1)


def _escape(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("<", "&lt;").replace("\n", " ")
    for sign in "*_`[]#|":
        escaped = escaped.replace(sign, f"\\{sign}")
    return escaped


def write_latex_draft(draft: Draft, files: Mapping[str, str]) -> bytes:
    """Return the draft as LaTeX; it needs the packages of its head. Arguments as of `write_markdown`."""
    lines = [
        _PREAMBLE,
        rf"\title{{{escape_latex(draft.title)}}}",
        r"\date{}",
        r"\begin{document}",
        r"\maketitle",
    ]
    lines += [rf"\noindent\emph{{{escape_latex(draft.note)}}}", ""]
    floats = False
    for part in draft.parts:
        if floats and isinstance(part, Heading) and part.level == 1:
            lines += [r"\clearpage", ""]  # figures and tables stay in their section
            floats = False
        floats = floats or isinstance(part, ReportFigure | ReportTable)
        if isinstance(part, Paragraph):
            lines += [
                f"{escape_latex(part.text)} {draft.send_to(part.shown_in, '~', _by_label)}".rstrip(),
                "",
            ]
        else:
            lines += [_write_latex_part(part, files), ""]
    lines += [r"\end{document}", ""]
    return "\n".join(lines).encode()


def _by_label(kind: str, number: int, name: str) -> str:
    return rf"\ref{{{'fig' if kind == 'figure' else 'tab'}:{_name_label(name)}}}"


def _write_latex_part(part: Heading | Points | ReportFigure | ReportTable, files: Mapping[str, str]) -> str:
    if isinstance(part, Heading):
        return rf"\{'sub' * (part.level - 1)}section{{{escape_latex(part.text)}}}"
    if isinstance(part, Points):
        items = "\n".join(rf"\item {escape_latex(text)}" for text in part.texts)
        return "\\begin{itemize}\n" + items + "\n\\end{itemize}"
    if isinstance(part, ReportFigure):
        width = min(_TEXT_WIDTH, 25.4 * float(part.figure.get_size_inches()[0]))
        size = rf"width={width:.0f}mm,height=0.75\textheight"  # with room for its caption
        return "\n".join(
            [
                r"\begin{figure}[htbp]",
                r"\centering",
                rf"\includegraphics[{size},keepaspectratio]{{{files[part.name]}}}",
                rf"\caption{{{escape_latex(part.caption)}}}",
                rf"\label{{fig:{_name_label(part.name)}}}",
                r"\end{figure}",
            ]
        )
    return write_latex(part)


def _name_label(name: str) -> str:
    return "".join(one if one.isascii() and (one.isalnum() or one in "-.") else "-" for one in name)


def write_word(draft: Draft, pictures: Mapping[str, bytes]) -> bytes:
    """Return the draft as a Word document (.docx), its pictures inside.

    Args:
        draft: the draft.
        pictures: of each figure by its name: a PNG file.

    Raises:
        LoupeError: the extra `word` is not installed.
    """
    try:
        import docx
    except ImportError:
        raise LoupeError(
            "Word documents need python-docx.",
            got="it is not installed",
            allowed="--format markdown or latex without it",
            next_step="pip install 'loupe-bench[word]'",
        ) from None
    document = docx.Document()
    document.add_heading(_clean(draft.title), 0)
    document.add_paragraph().add_run(_clean(draft.note)).italic = True
    numbers = {"Figure": 0, "Table": 0}
    for part in draft.parts:
        if isinstance(part, Paragraph):
            sent = draft.send_to(part.shown_in, "\u00a0", _by_number)
            document.add_paragraph(_clean(f"{part.text} {sent}".rstrip()))
        else:
            _add_part(document, part, pictures, numbers)
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def _add_part(
    document: Any,
    part: Heading | Points | ReportFigure | ReportTable,
    pictures: Mapping[str, bytes],
    numbers: dict[str, int],
) -> None:
    from docx.shared import Inches

    if isinstance(part, Heading):
        document.add_heading(_clean(part.text), part.level)
    elif isinstance(part, Points):
        for text in part.texts:
            document.add_paragraph(_clean(text), style="List Bullet")
    elif isinstance(part, ReportFigure):
        width = min(6.0, float(part.figure.get_size_inches()[0]))
        document.add_picture(io.BytesIO(pictures[part.name]), width=Inches(width))
        _add_caption(document, "Figure", part.caption, numbers)
    else:
        _add_caption(document, "Table", part.caption, numbers)
        _add_table(document, part)


def _add_caption(document: Any, kind: str, text: str, numbers: dict[str, int]) -> None:
    numbers[kind] += 1
    paragraph = document.add_paragraph(style="Caption")
    paragraph.add_run(f"{kind} {numbers[kind]}. ").bold = True
    paragraph.add_run(_clean(text))


def _add_table(document: Any, table: ReportTable) -> None:
    from docx.shared import Pt

    lines = [[column.label for column in table.columns], *table.write_rows()]
    added = document.add_table(rows=len(lines), cols=len(table.columns), style="Light List")
    for cells, line in zip(added.rows, lines, strict=True):
        for cell, text in zip(cells.cells, line, strict=True):
            run = cell.paragraphs[0].add_run(_clean(text))
            run.font.size = Pt(8)
    document.add_paragraph()


def _clean(text: str) -> str:
    """Return text that XML can hold."""
    return "".join(one for one in text if one.isprintable() or one in "\n\u00a0")


WRITERS: dict[DraftForm, tuple[str, str, Callable[[Draft, Any], bytes]]] = {
    "markdown": ("draft.md", "png", write_markdown),
    "latex": ("draft.tex", "pdf", write_latex_draft),
    "docx": ("draft.docx", "png", write_word),
}
"""Of each form the file's name, the format of its figures, and what writes it."""
