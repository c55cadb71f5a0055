"""One sentence that answers a study's question, made of its figures by rules.

Three things are said apart: a difference is shown, and how large it is at least; practically none is shown,
inside a stated margin; or these runs cannot tell, and how many seeds would.
"""

import math
from collections import Counter

from loupe.reports.page import format_level
from loupe.statistics import Interval
from loupe.statistics.arms import Cell
from loupe.statistics.conclusions import Difference
from loupe.studies.analysis import StudyAnalysis, compares_places
from loupe.studies.wording import (
    is_worse,
    tell_cell,
    tell_shared_seeds,
    write_change_with_unit,
    write_difference_interval,
    write_figure,
    write_interval,
    write_margin,
    write_needed,
    write_needed_for,
    write_size,
    write_target,
)
from loupe.wording import count_of, list_names, quote_word

PREDICTED_MEAN = (
    "What interval a prediction has is of the mean over new seeds on these images: one more run, or other "
    "images, may well give something outside."
)
"""What the interval of a prediction covers: those of measured means count other images too."""


def answer_question(analysis: StudyAnalysis) -> str:
    """Return what the study says to its question, in one sentence; others name arms that are the same."""
    if not analysis.cells:
        finished = sum(row.is_finished for row in analysis.rows)
        if not finished:
            return "There is no answer yet: no run has finished."
        name = analysis.figure.name
        return f"There is no answer: {name} is defined in none of {count_of(finished, 'finished run')}."
    same = [group.sentence for group in analysis.copies]
    seeds = list(filter(None, [tell_shared_seeds(analysis)]))
    return " ".join([_answer(analysis), *same, *seeds, *_tell_of_folds(analysis)])


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
    best = f" is best on validation{_name_tied(analysis)} and" if len(analysis.cells) > 1 else ""
    name = tell_cell(analysis, chosen)
    return f"{name}{best} has a mean {analysis.figure.name} of {_describe(analysis, chosen)}."


def _tell_of_arms(analysis: StudyAnalysis) -> str:
    """Tell how the reference does, and of which arms what is shown against it."""
    if analysis.find_cell(analysis.reference, ()) is None:
        return f"{quote_word(analysis.reference)}, which the others are compared with, has no finished run."
    parts = [_tell_of_reference(analysis), *_sort_arms(analysis)]
    return f"{'; '.join(parts)}."


def _sort_arms(analysis: StudyAnalysis) -> list[str]:
    """Return what is shown of which arms: better, worse, practically the same, or these runs cannot tell."""
    found: dict[str, list[tuple[str, Difference]]] = {"better": [], "worse": [], "same": [], "open": []}
    for arm, one in analysis.overall.items():
        if one.conclusion == "shown":
            found["worse" if is_worse(analysis, one) else "better"].append((arm, one))
        else:
            found["same" if one.conclusion == "practically none" else "open"].append((arm, one))
    parts = []
    for side in ("better", "worse"):
        names = [
            f"{quote_word(arm)} by at least {write_size(one.at_least, analysis)}"
            for arm, one in sorted(found[side], key=lambda pair: -abs(pair[1].at_least))
        ]
        parts += [f"{side} than it: {list_names(names)}"] if names else []
    if same := [quote_word(arm) for arm, _ in found["same"]]:
        parts.append(f"practically the same, within {write_margin(analysis)}: {list_names(same)}")
    if found["open"]:
        parts.append(_tell_of_open(analysis, found["open"]))
    return parts


def _tell_of_open(analysis: StudyAnalysis, arms: list[tuple[str, Difference]]) -> str:
    """Return of which arms these runs cannot tell, and how many seeds would."""
    names = [quote_word(arm) for arm, _ in arms]
    told = f"these runs cannot tell of {list_names(names)}"
    if len(arms) == len(analysis.overall) > 1:
        told = "these runs tell it from none of the others"
    known = [one for _, one in arms if one.num_seeds_needed is not None]
    if not known:
        return f"{told}: one seed shows no spread" if all(one.num_seeds == 1 for _, one in arms) else told
    by_seeds = sorted(
        (one for one in known if one.num_seeds_needed), key=lambda one: one.num_seeds_needed or 0
    )
    needed = []
    if by_seeds:
        ends = dict.fromkeys(write_needed(one).removesuffix(" seeds") for one in (by_seeds[0], by_seeds[-1]))
        target = write_target(by_seeds, analysis)
        needed.append(f"{' to '.join(ends).replace(' to about ', ' to ')} seeds an arm would{target}")
    lacking = [quote_word(arm) for arm, one in arms if one.num_seeds_needed == 0]
    if lacking and by_seeds:
        needed.append(f"of {list_names(lacking)} no number of seeds would, but more test images")
    elif lacking:
        needed.append("no number of seeds would, but more test images")
    return "; ".join([told, *needed])


def _tell_of_reference(analysis: StudyAnalysis) -> str:
    cell = analysis.find_cell(analysis.reference, ())
    assert cell is not None
    is_chosen = (
        analysis.chosen is not None
        and analysis.chosen.arm == cell.arm
        and len({one.arm for one in analysis.cells}) > 1  # of one arm, as far as runs are done, none is best
    )
    how = f"is best on validation{_name_tied(analysis)}, with" if is_chosen else "has"
    return f"{quote_word(cell.arm)} {how} a mean {analysis.figure.name} of {_describe(analysis, cell)}"


def _name_tied(analysis: StudyAnalysis) -> str:
    """Return who else is as good on validation as the one chosen: " (as b is)"; "" if none is."""
    names = [tell_cell(analysis, cell) for cell in analysis.best[1:]]
    return f" (as {list_names(names)} {'is' if len(names) == 1 else 'are'})" if names else ""


def _tell_over_places(analysis: StudyAnalysis) -> str:
    """Tell how each arm differs from the reference on average over the axes, and what the axes do."""
    parts = [
        f"{quote_word(arm)} {_tell_difference(analysis, one)}{_count_places(analysis, arm)}"
        for arm, one in analysis.overall.items()
    ]
    axes = list_names([axis.label or name for name, axis in analysis.study.axes.items()])
    what = f"in {analysis.figure.name} on average over {axes}"
    answer = f"Against {quote_word(analysis.reference)}, {what}: {'; '.join(parts)}.{_tell_balance(analysis)}"
    effects = [
        f"from {analysis.study.axes[one.axis].label or one.axis} {one.first} to {one.last} "
        f"{_tell_difference(analysis, one.difference)}"
        for one in analysis.effects
    ]
    if not effects:
        return answer
    return f"{answer} In {analysis.figure.name}, all else held: {'; '.join(effects)}."


def _tell_balance(analysis: StudyAnalysis) -> str:
    """Return which values weigh more in an average over places; "" where these are a full grid."""
    axes = analysis.study.axes
    places = [cell.place for cell in analysis.cells if cell.arm == analysis.reference]
    if not places or len(places) == math.prod(len(axis.names) for axis in axes.values()):
        return ""
    parts = []
    for (name, axis), values in zip(axes.items(), zip(*places, strict=True), strict=True):
        (value, most), *others = Counter(values).most_common()
        if others and others[0][1] < most:
            parts.append(f"{most} have {axis.label or name} {value}")
    if not parts:
        return ""
    return f" The {len(places)} places count alike and are no full grid: {list_names(parts)}."


def _tell_difference(analysis: StudyAnalysis, one: Difference) -> str:
    """Return what is shown of a difference."""
    size = write_change_with_unit(one.mean, analysis)
    seeds = count_of(one.num_seeds, "seed") + ("" if one.shares_seeds else ", unpaired")
    if one.interval is None:
        return f"differs by {size} ({seeds}), and whether by more than chance these runs cannot tell"
    level = format_level(analysis.study.confidence)
    told = f"{size} ({level} interval {write_difference_interval(one, analysis)}, {seeds})"
    if one.conclusion == "shown":
        side = "worse" if is_worse(analysis, one) else "better"
        return f"is {side} by at least {write_size(one.at_least, analysis)}: {told}"
    if one.conclusion == "practically none":
        return f"makes practically no difference, less than {write_margin(analysis)}: {told}"
    needed = write_needed_for(one, analysis)
    unknown = "and whether by more than chance these runs cannot tell"
    return f"differs by {told}, {unknown}{f'; {needed}' if needed else ''}"


def _count_places(analysis: StudyAnalysis, arm: str) -> str:
    """Return at how many places by itself an arm is shown to differ; "" where single ones are not judged."""
    cells = [cell.difference for cell in analysis.cells if cell.arm == arm and cell.difference is not None]
    if len(cells) < 2 or all(one.conclusion == "not looked at" for one in cells):
        return ""
    shown = [one for one in cells if one.conclusion == "shown"]
    worse = sum(is_worse(analysis, one) for one in shown)
    better = len(shown) - worse
    counts = [f"better at {better}"] if better else []
    counts += [f"worse at {worse}"] if worse or not better else []
    return f", and shown by itself {' and '.join(counts)} of {len(cells)} places"


def _tell_of_more_data(analysis: StudyAnalysis) -> str:
    told, bent = list[str](), list[str]()
    for law in analysis.laws:
        name = " ".join([law.arm, *law.place]) if len(analysis.laws) > 1 else "the network"
        if not law.holds:
            bent.append(name)
            continue
        error, interval = law.twice.error, law.twice.interval
        to_value = analysis.figure.to_error
        now, then = to_value(law.law.predict(law.sizes[-1])), to_value(error)
        if interval is not None:
            ends = sorted((to_value(interval.low), to_value(interval.high)))
            interval = Interval(ends[0], ends[1])
        level = format_level(analysis.study.confidence)
        ends_told = f" ({level} interval {write_interval(interval, analysis.figure)})" if interval else ""
        told.append(
            f"with {2 * law.sizes[-1]:,} training images {name} would reach a mean {analysis.figure.name} of "
            f"{write_figure(then, analysis.figure)}{ends_told}, where the law gives "
            f"{write_figure(now, analysis.figure)} at {law.sizes[-1]:,}"
        )
    parts = [f"If the power law holds, {'; '.join(told)}."] if told else []
    if any(law.holds and law.twice.interval is not None for law in analysis.laws):
        parts.append(PREDICTED_MEAN)
    if bent:
        parts.append(
            f"The errors of {list_names(bent)} lie farther off a power law than their seeds lie apart, so "
            "that no prediction for more images is made: the curve bends, or something besides the number of "
            "images changes with it, such as the number of steps."
        )
    return " ".join(parts)
