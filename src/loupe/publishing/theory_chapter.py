"""A chapter on theory for the draft of a run: sentences, each with the figure that shows it."""

from collections.abc import Iterator, Sequence

from loupe.models.layer_table import LayerTable
from loupe.publishing.draft import Heading, Paragraph, Part, Points
from loupe.publishing.report_figure import ReportFigure
from loupe.publishing.theory_text import HEADINGS, TEXTS, tell_merits


def write_chapter(figures: Sequence[ReportFigure], layers: LayerTable) -> Iterator[Part]:
    """Yield the chapter's parts.

    Args:
        figures: of `TheoryFigures`, in its order.
        layers: of the network, of which the sums are.
    """
    yield Heading("Theory")
    for figure in figures:
        name = figure.name.removeprefix("theory-")
        if name in HEADINGS:
            yield Heading(HEADINGS[name], 2)
        yield Paragraph(TEXTS[name], (figure,))
        yield figure
    yield Heading("Merits and limits of convolutional networks", 2)
    yield Points(tell_merits(layers))
