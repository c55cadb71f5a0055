"""Figures of a study as text, as their metric writes them."""

from collections.abc import Sequence

from loupe.statistics import Interval, PairedDifference
from loupe.statistics.arms import Cell
from loupe.statistics.intervals import SeedSummary
from loupe.studies.analysis import Quantity, StudyAnalysis


def write_figure(value: float, figure: Quantity) -> str:
    """Return a figure: "98.43 %" or "0.0199"."""
    return figure.metric.write(value)


def write_interval(interval: Interval, figure: Quantity) -> str:
    """Return the ends of an interval: "98.16 to 98.70 %"."""
    return figure.metric.write_interval(interval)


def write_sd(summary: SeedSummary, figure: Quantity) -> str:
    """Return the standard deviation over seeds: points, or the figure's own unit; "" for one seed."""
    return figure.metric.write_spread(summary.sd)


def write_difference(difference: PairedDifference, figure: Quantity) -> str:
    """Return a difference with its sign: "+0.12" in percentage points, or "-0.0031"."""
    return figure.metric.write_difference(difference.mean)


def write_difference_interval(difference: PairedDifference, figure: Quantity) -> str:
    """Return the ends of a difference's interval; "" where there is none."""
    if difference.interval is None:
        return ""
    low, high = difference.interval.low, difference.interval.high
    return f"{figure.metric.write_difference(low)} to {figure.metric.write_difference(high)}"


def name_cell(analysis: StudyAnalysis, cell: Cell) -> str:
    """Return an arm and its place: "frozen at fraction 0.05"."""
    places = [f"{axis} {value}" for axis, value in zip(analysis.study.axes, cell.place, strict=False)]
    return f"{cell.arm} at {', '.join(places)}" if places else cell.arm


def list_names(names: Sequence[str], most: int = 4) -> str:
    """Return names in a row: "M1, M2 and M3"; beyond `most` the rest is counted."""
    if len(names) > most:
        return f"{', '.join(names[: most - 1])} and {len(names) - most + 1} more"
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))
