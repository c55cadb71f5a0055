"""Tables as LaTeX: turned, made smaller or carried over pages where they are wider or longer than one."""

import re
import textwrap

from loupe.publishing.table import ReportColumn, ReportTable

_MOST_SIGNS = 90  # on a line of 160 mm at 11 points
_SIZES = {"": 90, r"\small": 99, r"\footnotesize": 110, r"\scriptsize": 123}  # signs on that line
_LONG_CELL = 40  # signs; longer text is broken into lines
_NARROWEST = 8  # signs a heading is given
_FEW_ROWS = 3
_BETWEEN = 3  # signs between two columns
_ROWS_OF_A_PAGE = 45


def turn(table: ReportTable, heading: str = "") -> ReportTable:
    """Return the table with rows and columns exchanged and cells as text; column 1 names what a row is."""
    names, *rows = zip(*table.write_rows(), strict=True)
    labels = [column.label for column in table.columns[1:]]
    return ReportTable(
        table.name,
        table.caption,
        (ReportColumn(heading), *(ReportColumn(name) for name in names)),
        tuple((label, *row) for label, row in zip(labels, rows, strict=True)),
    )


def write_latex(table: ReportTable) -> str:
    """Return the table as LaTeX, with caption and label.

    It needs the packages booktabs; graphicx if it is very wide; longtable if it is longer than a page.
    """
    if sum(_measure(table)) > _MOST_SIGNS and _can_be_turned(table):
        table = turn(table)
    widths = _measure(table)
    size, fits = next(((one, most) for one, most in _SIZES.items() if sum(widths) <= most), (r"\tiny", 0))
    spec = _specify(table, widths, fits or sum(widths))
    head = " & ".join(
        _write_heading(column.label, width - _BETWEEN, is_number=table.is_number(index))
        for index, (column, width) in enumerate(zip(table.columns, widths, strict=True))
    )
    lines = [" & ".join(map(escape_latex, row)) + r" \\" for row in table.write_rows()]
    if table.num_totals and len(lines) > table.num_totals:
        lines.insert(len(lines) - table.num_totals, r"\midrule")
    caption = rf"\caption{{{escape_latex(table.caption)}}}"
    label = rf"\label{{tab:{_name_label(table.name)}}}"
    if len(table.rows) > _ROWS_OF_A_PAGE:
        return _write_long(caption, label, size, spec, head, lines)
    begin, end = rf"\begin{{tabular}}{{{spec}}}", r"\end{tabular}"
    if not fits:
        size, begin, end = "", r"\resizebox{\linewidth}{!}{%" + "\n" + begin, end + "}"
    above = [r"\begin{table}[htbp]", r"\centering", caption, label, *([size] if size else [])]
    body = [begin, r"\toprule", head + r" \\", r"\midrule", *lines, r"\bottomrule", end]
    return "\n".join([*above, *body, r"\end{table}", ""])


def _write_long(caption: str, label: str, size: str, spec: str, head: str, lines: list[str]) -> str:
    again = [r"\toprule", head + r" \\", r"\midrule"]
    return "\n".join(
        [
            "{" + size + r"\setlength{\tabcolsep}{4pt}",
            rf"\begin{{longtable}}{{{spec}}}",
            caption + label + r" \\",
            *again,
            r"\endfirsthead",
            *again,
            r"\endhead",
            r"\bottomrule",
            r"\endfoot",
            *lines,
            r"\end{longtable}}",
            "",
        ]
    )


def _measure(table: ReportTable) -> list[int]:
    """Return how many signs wide each column is, with the space beside it; headings are broken at spaces."""
    widths = []
    for column, cells in zip(table.columns, zip(*table.write_rows(), strict=True), strict=True):
        inside = min(_LONG_CELL, max(map(len, cells)))
        lines = _break_heading(column.label, inside)
        widths.append(_BETWEEN + max(inside, *map(len, lines)))
    return widths


def _break_heading(label: str, width: int) -> list[str]:
    return textwrap.wrap(label, max(width, _NARROWEST), break_long_words=False) or [""]


def _write_heading(label: str, width: int, *, is_number: bool) -> str:
    lines = [escape_latex(line) for line in _break_heading(label, width)]
    stack = r"\shortstack[r]{" if is_number else r"\shortstack[l]{"
    return lines[0] if len(lines) == 1 else stack + r" \\ ".join(lines) + "}"


def _can_be_turned(table: ReportTable) -> bool:
    cells = [cell for row in table.write_rows() for cell in row]
    return len(table.rows) <= _FEW_ROWS and not table.num_totals and max(map(len, cells)) <= _LONG_CELL


def _specify(table: ReportTable, widths: list[int], signs: int) -> str:
    """Return the columns for LaTeX; long text gets what the others leave of a line of 160 mm."""
    is_long = [max(map(len, cells)) > _LONG_CELL for cells in zip(*table.write_rows(), strict=True)]
    left = max(signs - sum(widths), 0) // max(sum(is_long), 1)
    inside = [160 * (width - _BETWEEN + left) / signs for width in widths]  # mm
    return "".join(
        f"p{{{width:.0f}mm}}" if long else "r" if table.is_number(index) else "l"
        for index, (width, long) in enumerate(zip(inside, is_long, strict=True))
    )


_LATEX = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#",
    "_": r"\_", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}",
    ">": r"\textgreater{}", "|": r"\textbar{}", '"': r"\textquotedbl{}", "–": "--", "−": r"$-$",
    "×": r"$\times$", "±": r"$\pm$", "≥": r"$\geq$", "≤": r"$\leq$", "…": r"\ldots{}", "→": r"$\to$",
    "[": "{[}", "]": "{]}", "\N{NO-BREAK SPACE}": "~", "\n": " ", "\t": " ",
}  # fmt: skip


_NEGATIVE = re.compile(r"(?<![\w.)-])-(?=\d)")  # not of a date, a range, a name, 1e-05


def escape_latex(text: str) -> str:
    """Return text that LaTeX sets as it is, a hyphen before a number as a minus sign."""
    signed = _NEGATIVE.sub("−", text)
    return "".join(_LATEX.get(one, one if one.isprintable() else "") for one in signed)


def _name_label(name: str) -> str:
    return "".join(one if one.isascii() and (one.isalnum() or one in "-.") else "-" for one in name)
