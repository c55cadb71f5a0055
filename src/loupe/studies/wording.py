"""Figures of a study as text, as their metric writes them."""

import math
from collections.abc import Sequence

from loupe.statistics import Interval
from loupe.statistics.arm_runs import Place
from loupe.statistics.arms import Cell
from loupe.statistics.conclusions import Difference
from loupe.statistics.intervals import SeedSummary
from loupe.statistics.planning import MOST_SEEDS
from loupe.studies.analysis import StudyAnalysis
from loupe.studies.plan import name_place
from loupe.studies.quantity import Quantity
from loupe.wording import count_of, list_names, quote_word


def write_figure(value: float, figure: Quantity) -> str:
    """Return a figure: "98.43 %" or "0.0199"."""
    return figure.metric.write(value)


def write_interval(interval: Interval, figure: Quantity) -> str:
    """Return the ends of an interval: "98.16 to 98.70 %"."""
    return figure.metric.write_interval(interval)


def write_std(summary: SeedSummary, figure: Quantity) -> str:
    """Return the standard deviation over seeds: points, or the figure's own unit; "" for one seed."""
    return figure.metric.write_spread(summary.std)


def write_change(value: float, analysis: StudyAnalysis) -> str:
    """Return a difference: "+0.12" in percentage points, "× 1.34" of errors, or "-0.031"."""
    if analysis.is_ratio:
        return f"× {math.exp(min(value, 700.0)):#.3g}".removesuffix(".")
    return analysis.figure.metric.write_difference(value)


def write_change_with_unit(value: float, analysis: StudyAnalysis) -> str:
    """Return a difference with its unit: "+0.12 points", "× 1.34"."""
    unit = "" if analysis.is_ratio else analysis.figure.metric.difference_unit
    return f"{write_change(value, analysis)} {unit}".rstrip()


def write_difference_interval(difference: Difference, analysis: StudyAnalysis) -> str:
    """Return the ends of a difference's interval; "" where there is none."""
    if difference.interval is None:
        return ""
    low, high = difference.interval.low, difference.interval.high
    return f"{write_change(low, analysis)} to {write_change(high, analysis)}"


def write_change_of_cell(analysis: StudyAnalysis, cell: Cell) -> str:
    """Return a cell's difference, and beside it on how many seeds where that is not all of both arms."""
    one = cell.difference
    if one is None:
        return ""
    change, reference = write_change(one.mean, analysis), analysis.find_cell(analysis.reference, cell.place)
    counts = {cell.summary.num_seeds, reference.summary.num_seeds if reference else one.num_seeds}
    if not one.shares_seeds:
        return f"{change} (unpaired)"
    return change if counts == {one.num_seeds} else f"{change} ({count_of(one.num_seeds, 'seed')})"


def tell_missing(analysis: StudyAnalysis) -> str:
    """Return how many runs of a study have a result, and what has none; "" if all have."""
    study, rows = analysis.whole, analysis.run_rows
    finished = [row for row in rows if row.is_finished]
    if len(finished) >= study.num_runs:
        return ""
    num_failed = len(rows) - len(finished)
    num_waiting = study.num_runs - len(rows)
    why = [f"{num_failed} failed"] * bool(num_failed) + [f"{num_waiting} not at their end"] * bool(
        num_waiting
    )
    told = f"{len(finished)} of {count_of(study.num_runs, 'run')} have a result ({', '.join(why)})"
    known = {(row.arm, *row.at.values()) for row in finished}
    cells = [(arm, at) for arm, at in study.list_cells() if not study.find_skip(arm, at)]
    empty = [(arm, at) for arm, at in cells if (arm, *at.values()) not in known]
    whole = {arm for arm, _ in cells} - {arm for arm, at in cells if (arm, at) not in empty}
    names = [arm for arm in study.arms if arm in whole]
    names += [name_place(arm, at) for arm, at in empty if arm not in whole]
    return f"{told}; none at all: {list_names(names)}" if names else told


def tell_shared_seeds(analysis: StudyAnalysis) -> str:
    """Return what differences rest on where arms have finished different seeds; "" of the same seeds."""
    seeds: dict[tuple[str, Place], set[int]] = {}
    for run in analysis.runs:
        seeds.setdefault((run.arm, run.place), set()).add(run.seed)
    apart, is_unequal = [], False
    for cell in analysis.cells:
        reference = seeds.get((analysis.reference, cell.place))
        if cell.difference is None or reference is None:
            continue
        own = seeds[cell.arm, cell.place]
        is_unequal |= own != reference
        if not own & reference:
            apart.append(tell_cell(analysis, cell))
    if not is_unequal:
        return ""
    told = (
        "Not all arms have the same seeds: means are over all of an arm's, differences over those it shares"
    )
    if apart:
        told += f"; unpaired, as no seed is shared: {list_names(apart, most=8)}"
    return f"{told}."


def write_margin(analysis: StudyAnalysis) -> str:
    """Return what counts as practically none: "0.50 points", "5 %"."""
    margin = analysis.family.margin
    return f"{100 * margin:g} %" if analysis.is_ratio else analysis.figure.metric.write_gap(margin)


def write_needed(difference: Difference) -> str:
    """Return how many seeds it would take: "about 12 seeds"; "" where nothing is known of it."""
    needed = difference.num_seeds_needed
    if needed is None:
        return ""
    if needed == 0:
        return "no number of seeds, but more test images"
    return f"more than {MOST_SEEDS:,} seeds" if needed > MOST_SEEDS else f"about {count_of(needed, 'seed')}"


def write_needed_for(difference: Difference, analysis: StudyAnalysis) -> str:
    """Return how many seeds would show what: "about 12 seeds would show a difference of 0.50 points".

    What is to be shown is a difference as large as this one, or as the margin where that is larger. Where
    test images make it twice as many or more, how many it would be without.
    """
    needed = write_needed(difference)
    if not needed:
        return ""
    return f"{needed} would{write_target([difference], analysis) if difference.num_seeds_needed else ''}"


def write_target(differences: Sequence[Difference], analysis: StudyAnalysis) -> str:
    """Return what seeds would show: " show a difference of 5.56 points"; of several, as large as these."""
    margin = analysis.family.margin
    if len(differences) > 1:
        is_any_small = any(abs(one.mean) < margin for one in differences)
        smaller = f" ({write_margin(analysis)} where one is smaller)" if is_any_small else ""
        return f" show differences as large as these{smaller}"
    (one,) = differences
    size = write_size(max(margin, abs(one.mean)), analysis)
    told = f" show a difference of {size}"
    needed, alone = one.num_seeds_needed, one.num_seeds_without_images
    if one.num_images and needed and alone and needed >= 2 * alone:
        told += f" (about {alone:,} if {one.num_images:,} test images were enough)"
    return told


def write_size(value: float, analysis: StudyAnalysis) -> str:
    """Return the size of a difference that its direction stands beside: "0.31 points", "a factor of 1.3"."""
    if analysis.is_ratio:
        return f"a factor of {math.exp(min(abs(value), 700.0)):.3g}"
    return analysis.figure.metric.write_gap(abs(value))


def is_worse(analysis: StudyAnalysis, difference: Difference) -> bool:
    """Return whether a difference is to the worse."""
    return (difference.mean < 0) == analysis.figure.metric.is_higher_better


def name_cell(analysis: StudyAnalysis, cell: Cell) -> str:
    """Return an arm and its place: "frozen at fraction 0.05"."""
    return _add_place(analysis, cell, cell.arm)


def tell_cell(analysis: StudyAnalysis, cell: Cell) -> str:
    """Return an arm and its place as they stand in a sentence: `"without" at fraction 0.05`."""
    return _add_place(analysis, cell, quote_word(cell.arm))


def _add_place(analysis: StudyAnalysis, cell: Cell, name: str) -> str:
    places = [f"{axis} {value}" for axis, value in zip(analysis.study.axes, cell.place, strict=False)]
    return f"{name} at {', '.join(places)}" if places else name
