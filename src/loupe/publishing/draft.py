"""A draft as a list of parts, before it is Markdown, LaTeX or Word."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from loupe.publishing.report_figure import ReportFigure
from loupe.publishing.table import ReportTable
from loupe.wording import list_names


@dataclass(frozen=True)
class Heading:
    """A heading; level 1 is a section."""

    text: str
    level: int = 1


@dataclass(frozen=True)
class Paragraph:
    """Sentences.

    Args:
        text: the sentences.
        shown_in: figures and tables of the draft that show what they say; a reader is sent there by number.
    """

    text: str
    shown_in: tuple[ReportFigure | ReportTable, ...] = ()


@dataclass(frozen=True)
class Points:
    """Sentences one below the other, each with a mark before it."""

    texts: tuple[str, ...]


Refer = Callable[[str, int, str], str]
Part = Heading | Paragraph | Points | ReportFigure | ReportTable


@dataclass(frozen=True)
class Draft:
    """A draft of methods and results.

    Args:
        title: of the text.
        note: what a reader has to know of it before anything else.
        parts: in order.
    """

    title: str
    note: str
    parts: Sequence[Part]

    def send_to(self, shown_in: Sequence[ReportFigure | ReportTable], tie: str, refer: Refer) -> str:
        """Return a sentence that sends a reader to figures and tables: "See Figures 1 and 2 and Table 1."

        Args:
            shown_in: parts of this draft; none of them gives no sentence.
            tie: between the word and a number.
            refer: returns how a part is named, from its kind ("figure" or "table"), number and name.
        """
        told = []
        of_kind: dict[str, Sequence[ReportFigure | ReportTable]] = {
            "figure": self.figures,
            "table": self.tables,
        }
        for kind, listed in of_kind.items():
            numbers = [
                refer(kind, number, one.name)
                for number, one in enumerate(listed, start=1)
                if any(one is other for other in shown_in)
            ]
            if numbers:
                word = kind.capitalize() + ("s" if len(numbers) > 1 else "")
                told.append(word + tie + list_names(numbers, most=len(numbers)))
        return f"See {' and '.join(told)}." if told else ""

    @property
    def figures(self) -> list[ReportFigure]:
        """Its figures, in order."""
        return [part for part in self.parts if isinstance(part, ReportFigure)]

    @property
    def tables(self) -> list[ReportTable]:
        """Its tables, in order."""
        return [part for part in self.parts if isinstance(part, ReportTable)]
