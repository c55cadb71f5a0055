"""What the trials of a search achieve against what they cost."""

from loupe.reports.cost_front import Costed, CostFront, draw_front
from loupe.searches.outcome import SearchOutcome
from loupe.statistics import Interval


def draw_search_costs(outcome: SearchOutcome) -> CostFront | None:
    """Return validation scores against cost, a point a finished trial; None where all cost the same."""
    networks = [
        Costed(
            f"trial {row.number}",
            row.score,
            Interval(row.low, row.high) if row.low is not None and row.high is not None else None,
            {"parameters": row.parameters, "multiply_adds": row.multiply_adds, "seconds": row.seconds},
        )
        for row in outcome.trials
        if row.score is not None and row.status == "finished"
    ]
    return draw_front(networks, outcome.metric, "validation")
