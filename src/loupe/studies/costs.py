"""What the arms of a study achieve against what they cost."""

from statistics import fmean

from loupe.reports.cost_front import Cost, Costed, CostFront, draw_front
from loupe.statistics.arms import Cell
from loupe.studies.analysis import StudyAnalysis, name_row
from loupe.studies.copies import name_originals
from loupe.studies.wording import name_cell

_KINDS: tuple[Cost, ...] = ("parameters", "multiply_adds", "seconds")


def draw_study_costs(analysis: StudyAnalysis) -> CostFront | None:
    """Return the study's figure against cost, a point an arm and place; None where all cost the same.

    Arms that are one and the same are one point.
    """
    originals = name_originals(analysis.copies)
    networks = [
        Costed(name_cell(analysis, cell), cell.summary.mean, cell.summary.interval, _measure(analysis, cell))
        for cell in analysis.cells
        if cell.arm not in originals
    ]
    return draw_front(networks, analysis.figure.metric, analysis.figure.split)


def _measure(analysis: StudyAnalysis, cell: Cell) -> dict[Cost, float | None]:
    """Return the costs of a cell, means over its finished seeds."""
    name = (cell.arm, cell.place)
    rows = [row for row in analysis.rows if row.is_finished and name_row(analysis.study, row) == name]
    costs: dict[Cost, float | None] = {}
    for kind in _KINDS:
        values = [value for row in rows if (value := row.value(kind)) is not None]
        costs[kind] = fmean(values) if values else None
    return costs
