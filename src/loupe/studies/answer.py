"""One sentence that answers a study's question, made of its figures by rules."""

from loupe.reports.page import format_level
from loupe.statistics import Interval, PairedDifference
from loupe.statistics.arms import Cell
from loupe.studies.analysis import StudyAnalysis, compares_places
from loupe.studies.wording import (
    list_names,
    name_cell,
    write_difference,
    write_difference_interval,
    write_figure,
    write_interval,
)
from loupe.wording import count_of


def answer_question(analysis: StudyAnalysis) -> str:
    """Return what the study says to its question, in one sentence; a second names arms that are the same."""
    if not analysis.cells:
        return "There is no answer yet: no run has finished."
    same = [f"{list_names(arms)} are the same runs, whatever they change." for arms in analysis.same_arms]
    return " ".join([_answer(analysis), *same, *_tell_of_folds(analysis)])


def _tell_of_folds(analysis: StudyAnalysis) -> list[str]:
    folds = analysis.whole.folds
    if folds is None:
        return []
    return [
        f"Each image was validated once, by the one of {folds} networks that had not trained on it; epochs "
        "were chosen on the same images, which flatters a little. The test set stayed shut."
    ]


def _answer(analysis: StudyAnalysis) -> str:
    if analysis.laws:
        answer = _tell_of_more_data(analysis)
        return f"{answer} {_tell_over_places(analysis)}" if analysis.overall else answer
    if not analysis.reference:
        return _tell_of_one(analysis)
    if analysis.study.axes and not compares_places(analysis.study):
        return _tell_over_places(analysis)
    return _tell_of_arms(analysis)


def _describe(analysis: StudyAnalysis, cell: Cell) -> str:
    summary, figure = cell.summary, analysis.figure
    interval = ""
    if summary.interval is not None:
        level = format_level(analysis.study.confidence)
        interval = f"{level} interval {write_interval(summary.interval, figure)}, "
    return f"{write_figure(summary.mean, figure)} ({interval}{count_of(summary.num_seeds, 'seed')})"


def _tell_of_one(analysis: StudyAnalysis) -> str:
    chosen = analysis.chosen or analysis.cells[0]
    best = " is best on validation and" if len(analysis.cells) > 1 else ""
    name = name_cell(analysis, chosen)
    return f"{name}{best} has a mean {analysis.figure.name} of {_describe(analysis, chosen)}."


def _tell_of_arms(analysis: StudyAnalysis) -> str:
    """Tell which arm validation chooses, and which others differ from the reference beyond noise."""
    cells = [cell for cell in analysis.cells if cell.arm != analysis.reference]
    beyond = [cell for cell in cells if not cell.is_noise]
    worse = [cell.arm for cell in beyond if _is_worse(analysis, cell)]
    better = [cell.arm for cell in beyond if not _is_worse(analysis, cell)]
    same = len(cells) - len(beyond)
    if analysis.find_cell(analysis.reference, ()) is None:
        return f"{analysis.reference}, which the others are compared with, has no finished run."
    first = _tell_of_reference(analysis)
    parts = []
    if better:
        parts.append(f"better beyond noise: {list_names(better)}")
    if worse:
        parts.append(f"worse beyond noise: {list_names(worse)}")
    if same and beyond:
        parts.append(f"{same} of {len(cells)} cannot be told from it")
    elif same:
        parts.append(f"it cannot be told from {'any of the others' if same > 1 else 'the other'}")
    return f"{'; '.join([first, *parts])}."


def _tell_of_reference(analysis: StudyAnalysis) -> str:
    cell = analysis.find_cell(analysis.reference, ())
    assert cell is not None
    is_chosen = analysis.chosen is not None and analysis.chosen.arm == cell.arm
    how = "is best on validation, with" if is_chosen else "has"
    return f"{cell.arm} {how} a mean {analysis.figure.name} of {_describe(analysis, cell)}"


def _tell_over_places(analysis: StudyAnalysis) -> str:
    """Tell how each arm differs from the reference on average over the axes, and what the axes do."""
    parts = []
    for arm, overall in analysis.overall.items():
        cells = [cell for cell in analysis.cells if cell.arm == arm and cell.difference is not None]
        beyond = [cell for cell in cells if not cell.is_noise]
        worse = sum(_is_worse(analysis, cell) for cell in beyond)
        better = len(beyond) - worse
        counts = _count_places(better, worse, len(cells))
        parts.append(f"{arm} {_tell_difference(analysis, overall)}, {counts}")
    unit = "points of " if analysis.figure.is_share else ""
    axes = list_names([axis.label or name for name, axis in analysis.study.axes.items()])
    what = f"in {unit}{analysis.figure.name} on average over {axes}"
    answer = f"Against {analysis.reference}, {what}: {'; '.join(parts)}."
    effects = [
        f"from {analysis.study.axes[one.axis].label or one.axis} {one.first} to {one.last} "
        f"{_tell_difference(analysis, one.difference)}"
        for one in analysis.effects
    ]
    if not effects:
        return answer
    return f"{answer} In {unit}{analysis.figure.name}, all else held: {'; '.join(effects)}."


def _tell_difference(analysis: StudyAnalysis, overall: PairedDifference) -> str:
    interval = write_difference_interval(overall, analysis.figure)
    level = format_level(analysis.study.confidence)
    told = f" ({level} interval {interval}, {count_of(overall.num_seeds, 'seed')})" if interval else ""
    noise = ", within noise" if overall.is_noise else ""
    return f"{write_difference(overall, analysis.figure)}{told}{noise}"


def _count_places(better: int, worse: int, num_places: int) -> str:
    if not better and not worse:
        return f"beyond noise at none of {num_places} places"
    counts = [f"better at {better}"] if better else []
    counts += [f"worse at {worse}"] if worse else []
    return f"beyond noise {' and '.join(counts)} of {num_places} places"


def _is_worse(analysis: StudyAnalysis, cell: Cell) -> bool:
    assert cell.difference is not None
    return (cell.difference.mean < 0) == analysis.figure.metric.is_higher_better


def _tell_of_more_data(analysis: StudyAnalysis) -> str:
    parts = []
    for law in analysis.laws:
        error, interval = law.twice.error, law.twice.interval
        name = " ".join([law.arm, *law.place]) if len(analysis.laws) > 1 else "the network"
        to_value = analysis.figure.to_error
        now, then = to_value(law.law.predict(law.sizes[-1])), to_value(error)
        if interval is not None:
            ends = sorted((to_value(interval.low), to_value(interval.high)))
            interval = Interval(ends[0], ends[1])
        level = format_level(analysis.study.confidence)
        told = f" ({level} interval {write_interval(interval, analysis.figure)})" if interval else ""
        parts.append(
            f"with {2 * law.sizes[-1]:,} training images {name} would reach a mean {analysis.figure.name} of "
            f"{write_figure(then, analysis.figure)}{told}, where {law.sizes[-1]:,} give "
            f"{write_figure(now, analysis.figure)}"
        )
    return f"If the power law holds, {'; '.join(parts)}."
