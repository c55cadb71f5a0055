"""A draft as a Word document: A4, captions beside what they name, tables with rules above and below."""

import io
import re
from collections.abc import Mapping, Sequence
from typing import Any

from loupe.errors import LoupeError
from loupe.publishing.draft import Draft, Heading, Paragraph, Points
from loupe.publishing.report_figure import ReportFigure
from loupe.publishing.table import ReportTable

_FONT, _INK, _SOFT = "Calibri", "1F2933", "4B5563"
_PAGE, _MARGIN = (210.0, 297.0), 24.0  # mm
_TEXT_WIDTH = _PAGE[0] - 2 * _MARGIN
_TALLEST = 200.0  # mm, of a picture, so that its caption has room beside it
_SIZES = {"Title": 20, "Heading 1": 15, "Heading 2": 12, "Heading 3": 11}  # points
_MOST_KEPT = 16  # rows of a table that is not divided between pages
_LONGEST_LINE = 26  # letters after which the text of a cell goes on below
_LETTER, _INSIDE = 1.65, 4.0  # mm of a letter of 8.5 points, and of a cell's margins


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
    _set_page(document)
    _set_styles(document)
    document.add_heading(_clean(draft.title), 0)
    document.add_paragraph().add_run(_clean(draft.note)).italic = True
    numbers = {"Figure": 0, "Table": 0}
    for part in draft.parts:
        if isinstance(part, Heading):
            document.add_heading(_clean(part.text), part.level)
        elif isinstance(part, Paragraph):
            sent = draft.send_to(part.shown_in, "\u00a0", lambda kind, number, name: str(number))
            document.add_paragraph(_clean(f"{part.text} {sent}".rstrip()))
        elif isinstance(part, Points):
            for text in part.texts:
                document.add_paragraph(_clean(text), style="List Bullet")
        elif isinstance(part, ReportFigure):
            _add_figure(document, part, pictures[part.name])
            _add_caption(document, "Figure", part.caption, numbers)
        else:
            _add_caption(document, "Table", part.caption, numbers).paragraph_format.keep_with_next = True
            _add_table(document, part)
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def _set_page(document: Any) -> None:
    from docx.shared import Mm

    section = document.sections[0]
    section.page_width, section.page_height = (Mm(one) for one in _PAGE)
    section.left_margin = section.right_margin = Mm(_MARGIN)
    section.top_margin = section.bottom_margin = Mm(_MARGIN)


def _set_styles(document: Any) -> None:
    """Give the template's own styles our fonts, so that a reader changes them in one place."""
    from docx.oxml.ns import qn
    from docx.shared import Pt, RGBColor

    sizes: dict[str, float] = {"Normal": 10.5, "Caption": 9, **_SIZES}
    for name, size in sizes.items():
        style = document.styles[name]
        style.font.name, style.font.size = _FONT, Pt(size)
        style.font.bold, style.font.italic = name in _SIZES, False
        style.font.color.rgb = RGBColor.from_string(_SOFT if name == "Caption" else _INK)
        fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
        for theme in [one for one in fonts.attrib if "Theme" in one]:
            del fonts.attrib[theme]
        fonts.set(qn("w:eastAsia"), _FONT)
    document.styles["Caption"].paragraph_format.space_after = Pt(12)
    for rule in document.styles["Title"].element.xpath(".//w:pBdr"):
        rule.getparent().remove(rule)


def _add_figure(document: Any, figure: ReportFigure, picture: bytes) -> None:
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.shared import Mm

    width, height = (25.4 * float(one) for one in figure.figure.get_size_inches())
    width = min(width, _TEXT_WIDTH, width * _TALLEST / height)
    document.add_picture(io.BytesIO(picture), width=Mm(width))
    paragraph = document.paragraphs[-1]
    paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
    paragraph.paragraph_format.keep_with_next = True


def _add_caption(document: Any, kind: str, text: str, numbers: dict[str, int]) -> Any:
    numbers[kind] += 1
    paragraph = document.add_paragraph(style="Caption")
    paragraph.add_run(f"{kind} {numbers[kind]}. ").bold = True
    paragraph.add_run(_clean(text))
    paragraph.paragraph_format.keep_together = True
    return paragraph


def _add_table(document: Any, table: ReportTable) -> None:
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.shared import Mm, Pt

    rows = [[column.label for column in table.columns], *table.write_rows()]
    lines = [[_tie(_clean(text)) for text in row] for row in rows]
    added = document.add_table(rows=len(lines), cols=len(table.columns))
    added.autofit = False
    is_number = [table.is_number(index) for index in range(len(table.columns))]
    widths = _share_out([[line[index] for line in lines] for index in range(len(table.columns))])
    for column, width in zip(added.columns, widths, strict=True):
        column.width = Mm(width)
    for place, (row, line) in enumerate(zip(added.rows, lines, strict=True)):
        _keep_whole(row, repeats=place == 0)
        is_last = place == len(lines) - 1
        for index, (cell, text) in enumerate(zip(row.cells, line, strict=True)):
            cell.width = Mm(widths[index])
            _rule(cell, above=place == 0, below=is_last or place in (0, len(lines) - 1 - table.num_totals))
            paragraph = cell.paragraphs[0]
            run = paragraph.add_run(text)
            run.font.size, run.bold = Pt(8.5), place == 0
            paragraph.paragraph_format.space_before = paragraph.paragraph_format.space_after = Pt(1.5)
            paragraph.paragraph_format.keep_with_next = len(lines) <= _MOST_KEPT and not is_last
            if is_number[index]:
                paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT
    document.add_paragraph()


def _share_out(columns: Sequence[Sequence[str]]) -> list[float]:
    """Return widths in mm by what columns hold: room for their longest words, and for more if there is."""
    least, wanted = [], []
    for texts in columns:
        words = max((len(word) for text in texts for word in re.split(r"[ \n-]", text)), default=0)
        least.append(_LETTER * max(words, 4) + _INSIDE)
        wanted.append(max(least[-1], _LETTER * min(max(map(len, texts), default=0), _LONGEST_LINE) + _INSIDE))
    if sum(wanted) <= _TEXT_WIDTH:
        return wanted
    share = max(0.0, _TEXT_WIDTH - sum(least)) / max(sum(wanted) - sum(least), 1e-9)
    widths = [low + share * (high - low) for low, high in zip(least, wanted, strict=True)]
    return [one * min(1.0, _TEXT_WIDTH / sum(widths)) for one in widths]


def _keep_whole(row: Any, *, repeats: bool) -> None:
    """Keep a row on one page; the head comes again on each page."""
    from docx.oxml import OxmlElement

    properties = row._tr.get_or_add_trPr()  # python-docx has no other way to these two
    properties.append(OxmlElement("w:cantSplit"))
    if repeats:
        properties.append(OxmlElement("w:tblHeader"))


def _rule(cell: Any, *, above: bool, below: bool) -> None:
    """Draw lines above and below a cell."""
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    borders = OxmlElement("w:tcBorders")
    for side, is_drawn in (("top", above), ("bottom", below)):
        if is_drawn:
            line = OxmlElement(f"w:{side}")
            for name, value in (("val", "single"), ("sz", "6"), ("space", "0"), ("color", _SOFT)):
                line.set(qn(f"w:{name}"), value)
            borders.append(line)
    cell._tc.get_or_add_tcPr().append(borders)


def _tie(text: str) -> str:
    """Keep what stands between brackets on one line."""
    return re.sub(r"\[[^\]]*\]", lambda found: found[0].replace(" ", "\u00a0"), text)


def _clean(text: str) -> str:
    """Return text that XML can hold."""
    return "".join(one for one in text if one.isprintable() or one in "\n\u00a0")
