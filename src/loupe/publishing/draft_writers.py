"""A draft as Markdown, LaTeX or Word."""

from collections.abc import Callable, Mapping
from typing import Any, Literal, get_args

from loupe.publishing.draft import Draft, Heading, Paragraph, Points
from loupe.publishing.latex_table import escape_latex, write_latex
from loupe.publishing.report_figure import ReportFigure
from loupe.publishing.table import ReportTable
from loupe.publishing.word_document import write_word

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


WRITERS: dict[DraftForm, tuple[str, str, Callable[[Draft, Any], bytes]]] = {
    "markdown": ("draft.md", "png", write_markdown),
    "latex": ("draft.tex", "pdf", write_latex_draft),
    "docx": ("draft.docx", "png", write_word),
}
"""Of each form the file's name, the format of its figures, and what writes it."""
