"""Published classes and courses of a training beside ours, and how far runs are that are not at their end."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from loupe.figures.style import save_figure
from loupe.reports.page import format_level
from loupe.reproductions.claims import is_about
from loupe.reproductions.details import RunDetails
from loupe.reproductions.drawing import OurCourse, draw_classes, draw_confusions, draw_course
from loupe.reproductions.number_rules import Found
from loupe.reproductions.schema import ClassFigures, Course, Reproduction, Runs
from loupe.statistics import Interval, compute_wilson_interval, summarise_seeds
from loupe.studies.plan import name_place
from loupe.studies.report import FIGURE_DPI
from loupe.wording import count_of


@dataclass(frozen=True)
class Exhibit:
    """A part of a page that shows and does not judge.

    Args:
        title: heading.
        text: what is shown, and how it was made.
        heads: of the columns.
        rows: of the table; may be empty.
        pictures: (file beside the page, what it shows).
    """

    title: str
    text: str
    heads: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    pictures: tuple[tuple[str, str], ...] = ()


Details = Mapping[str, Sequence[RunDetails]]
"""Details of runs, by study."""


def make_exhibits(
    folder: Path, reproduction: Reproduction, found: Mapping[str, Found], details: Details
) -> list[Exhibit]:
    """Return what a page shows beside its claims, and draw its pictures into the page's folder."""
    exhibits = []
    for claim in reproduction.classes:
        if runs := [one for one in _find_runs(claim, found, details) if one.confusion]:
            exhibits.append(_show_classes(folder, claim, runs, found[claim.study]))
    for course in reproduction.courses:
        if runs := _find_runs(course, found, details):
            exhibits.append(_show_course(folder, course, runs))
    unfinished = [
        (study, one) for study, runs in details.items() for one in runs if not one.is_finished and one.course
    ]
    if unfinished:
        exhibits.append(_show_unfinished(unfinished))
    return exhibits


def _find_runs(claim: Runs, found: Mapping[str, Found], details: Details) -> list[RunDetails]:
    if claim.study not in found:
        return []
    arm = claim.arm or next(iter(found[claim.study].study.arms))
    return [one for one in details.get(claim.study, ()) if is_about(one, claim, arm)]


def _show_classes(folder: Path, claim: ClassFigures, runs: Sequence[RunDetails], found: Found) -> Exhibit:
    level = found.study.confidence
    known = [name for name in claim.published if all(name in one.class_names for one in runs)]
    ours = {name: _judge_class(name, runs, level) for name in known}
    order = sorted(claim.published, key=lambda name: claim.published[name])
    stem = f"{claim.study}-{claim.row}"
    picture, confusions = f"{stem}-classes.png", f"{stem}-confusion.png"
    save_figure(
        draw_classes([(name, claim.published[name], *ours[name]) for name in order if name in ours]),
        folder / picture,
        dpi=FIGURE_DPI,
    )
    save_figure(draw_confusions(runs), folder / confusions, dpi=FIGURE_DPI)
    rows = [
        (name, _percent(claim.published[name]), _percent(ours[name][0]), _ends(ours[name][1]))
        if name in ours
        else (name, _percent(claim.published[name]), "no such class", "")
        for name in order
    ]
    for pair, count in claim.confused.items():
        true, _, predicted = pair.partition(" as ")
        found_here = {true, predicted} <= set(runs[0].class_names)
        mean = fmean(one.count_confused(true, predicted) for one in runs) if found_here else None
        told_here = f"{mean:.3g}" if mean is not None else "no such class"
        rows.append((f"{true} taken for {predicted}, images", str(count), told_here, ""))
    of = "new images and new seeds" if len(runs) > 1 else "new images"
    told = [
        f"Recall of each class on test, published and ours ({count_of(len(runs), 'seed')}; intervals for "
        f"{of}), the hardest published class first."
    ]
    told += [f"Ours: {claim.scaled}."] if claim.scaled else []
    told += [f"Original flawed: {claim.flaw}."] if claim.flaw else []
    tau = _compare_orders(claim, ours)
    if tau is not None:
        told.append(f"Kendall's tau between the two orders of classes: {tau:+.2f}.")
    return Exhibit(
        f"{claim.what[0].upper()}{claim.what[1:]} ({claim.row})",
        " ".join(told),
        ("class", "published", "ours", f"{format_level(level)} interval"),
        tuple(rows),
        (
            (picture, "recall of each class, published and ours"),
            (confusions, "confusion matrix of our networks on test, all seeds added up"),
        ),
    )


def _judge_class(name: str, runs: Sequence[RunDetails], level: float) -> tuple[float, Interval]:
    """Return the mean recall of a class over seeds, and its interval."""
    recalls, intervals = [], []
    for one in runs:
        row = one.confusion[one.class_names.index(name)]
        recalls.append(one.recalls[name])
        intervals.append(compute_wilson_interval(row[one.class_names.index(name)], sum(row), level))
    summary = summarise_seeds(recalls, level, low=0.0, high=1.0, over_images=intervals)
    return summary.mean, summary.interval or intervals[0]


def _compare_orders(claim: ClassFigures, ours: Mapping[str, tuple[float, Interval]]) -> float | None:
    """Return Kendall's tau-b of published and own recalls over the classes; None where all are equal."""
    from scipy.stats import kendalltau  # here alone: it takes a tenth of a second

    published, own = [claim.published[name] for name in ours], [one for one, _ in ours.values()]
    if min(len(set(published)), len(set(own))) < 2:
        return None
    return float(kendalltau(published, own).statistic)


def _show_course(folder: Path, claim: Course, runs: Sequence[RunDetails]) -> Exhibit:
    picture = f"{claim.study}-{claim.row}-course.png"
    ours = [OurCourse(_name(one), one.course, one.num_epochs) for one in runs]
    save_figure(draw_course(claim.published, claim.epochs, ours), folder / picture, dpi=FIGURE_DPI)
    compared = [one for one in runs if one.is_finished] or runs  # a mean is one of the same runs throughout
    rows = []
    for epoch, accuracy in claim.published:
        here = [_read_course(one, epoch / claim.epochs) for one in compared]
        reached = [one for one in here if one is not None]
        rows.append(
            (
                f"{epoch} of {claim.epochs}",
                _percent(accuracy),
                _percent(fmean(reached)) if len(reached) == len(compared) else "",
            )
        )
    planned = ", ".join(str(count) for count in sorted({one.num_epochs for one in runs}))
    return Exhibit(
        f"{claim.what[0].upper()}{claim.what[1:]} ({claim.row})",
        f"Accuracy along the training: published on test, ours on validation "
        f"({count_of(len(compared), 'seed')}, {planned} epochs), at the same part of the planned training; "
        "ours is read between two epochs along a straight line."
        f"{f' Original flawed: {claim.flaw}.' if claim.flaw else ''}",
        ("published epoch", "published", "ours, as far along"),
        tuple(rows),
        ((picture, "accuracy along the training, published and ours"),),
    )


def _read_course(run: RunDetails, part: float) -> float | None:
    """Return the accuracy at a part of the planned training, along a line between epochs; None outside."""
    place = part * run.num_epochs - 1
    if place < 0 or place > len(run.course) - 1:
        return None
    left = min(int(place), len(run.course) - 2) if len(run.course) > 1 else 0
    right = min(left + 1, len(run.course) - 1)
    return run.course[left] + (place - left) * (run.course[right] - run.course[left])


def _show_unfinished(runs: Sequence[tuple[str, RunDetails]]) -> Exhibit:
    rows = tuple(
        (
            study,
            _name(one),
            f"{len(one.course)} of {one.num_epochs}",
            _percent(one.course[-1]),
            _percent(max(one.course)),
        )
        for study, one in runs
    )
    return Exhibit(
        "Not at their end",
        "Trainings that go on: no claim is judged by them, and the test set is shut to them. Accuracy on "
        "validation.",
        ("study", "run", "epochs", "last", "best"),
        rows,
    )


def _name(run: RunDetails) -> str:
    return f"{name_place(run.stage or run.arm, run.at)}, seed {run.seed}"


def _percent(share: float) -> str:
    return f"{100 * share:.2f} %"


def _ends(interval: Interval) -> str:
    return f"{100 * interval.low:.2f} to {100 * interval.high:.2f} %"
