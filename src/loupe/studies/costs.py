"""What the arms of a study achieve against what they cost."""

from collections.abc import Sequence
from statistics import fmean

from loupe.reports.cost_front import Cost, Costed, CostFront, draw_front
from loupe.statistics.arms import Cell
from loupe.studies.analysis import StudyAnalysis, name_row
from loupe.studies.copies import name_originals
from loupe.studies.wording import tell_cell
from loupe.wording import list_names

_KINDS: tuple[Cost, ...] = ("parameters", "multiply_adds", "seconds")
_MOST_POINTS = 12  # with more, what is a cheaper arm and what a smaller place cannot be seen


def draw_study_costs(analysis: StudyAnalysis) -> CostFront | None:
    """Return the study's figure against cost, a point an arm and place; None where all cost the same.

    Arms that are one and the same are one point. Of many places a point is an arm, figure and costs its means
    over the places at which every arm has finished runs.
    """
    originals = name_originals(analysis.copies)
    cells = [cell for cell in analysis.cells if cell.arm not in originals]
    networks = [
        Costed(tell_cell(analysis, cell), cell.summary.mean, cell.summary.interval, _measure(analysis, cell))
        for cell in cells
    ]
    over = ""
    if len(networks) > _MOST_POINTS:
        of_cells, networks = networks, _average_over_places(cells, networks)
        over = list_names(list(analysis.study.axes)) if len(networks) < len(of_cells) else ""
    return draw_front(networks, analysis.figure.metric, analysis.figure.split, over)


def _average_over_places(cells: Sequence[Cell], networks: Sequence[Costed]) -> list[Costed]:
    """Return a point an arm, without intervals; the networks as they are where every arm has one place."""
    by_arm: dict[str, dict[object, Costed]] = {}
    for cell, network in zip(cells, networks, strict=True):
        by_arm.setdefault(cell.arm, {})[cell.place] = network
    shared = set.intersection(*(set(places) for places in by_arm.values()))
    if not shared or len(by_arm) == len(networks):
        return list(networks)
    averages = []
    for arm, places in by_arm.items():
        there = [network for place, network in places.items() if place in shared]
        costs: dict[Cost, float | None] = {}
        for kind in _KINDS:
            values = [value for one in there if (value := one.costs.get(kind)) is not None]
            costs[kind] = fmean(values) if len(values) == len(there) else None
        averages.append(Costed(arm, fmean(one.score for one in there), None, costs))
    return averages


def _measure(analysis: StudyAnalysis, cell: Cell) -> dict[Cost, float | None]:
    """Return the costs of a cell, means over its finished seeds."""
    name = (cell.arm, cell.place)
    rows = [row for row in analysis.rows if row.is_finished and name_row(analysis.study, row) == name]
    costs: dict[Cost, float | None] = {}
    for kind in _KINDS:
        values = [value for row in rows if (value := row.value(kind)) is not None]
        costs[kind] = fmean(values) if values else None
    return costs
