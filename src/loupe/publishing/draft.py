"""A draft as a list of parts, before it is Markdown, LaTeX or Word."""

from collections.abc import Sequence
from dataclasses import dataclass

from loupe.publishing.report_figure import ReportFigure
from loupe.publishing.table import ReportTable


@dataclass(frozen=True)
class Heading:
    """A heading; level 1 is a section."""

    text: str
    level: int = 1


@dataclass(frozen=True)
class Paragraph:
    """Sentences."""

    text: str


@dataclass(frozen=True)
class Points:
    """Sentences one below the other, each with a mark before it."""

    texts: tuple[str, ...]


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

    @property
    def figures(self) -> list[ReportFigure]:
        """Its figures, in order."""
        return [part for part in self.parts if isinstance(part, ReportFigure)]

    @property
    def tables(self) -> list[ReportTable]:
        """Its tables, in order."""
        return [part for part in self.parts if isinstance(part, ReportTable)]
