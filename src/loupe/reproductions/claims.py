"""Published claims beside what studies found, with a verdict on each."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from types import MappingProxyType

import numpy as np

from loupe.reproductions.columns import metric_of, name_column, write_ends, write_number
from loupe.reproductions.details import RunDetails
from loupe.reproductions.number_rules import (
    Deltas,
    Found,
    Ruling,
    gather_spreads,
    name_setting,
    rule_on_number,
)
from loupe.reproductions.schema import Effect, Numbers, Reproduction, Runs, Winner
from loupe.statistics import summarise_seeds
from loupe.statistics.arm_runs import ArmRun
from loupe.statistics.arms import compare_arms
from loupe.statistics.conclusions import EQUIVALENCE_MARGIN_POINTS, Difference
from loupe.statistics.intervals import Interval
from loupe.statistics.many_arms import Family, compare_in_pairs, judge_family
from loupe.statistics.one_draw import find_winning_chances
from loupe.studies.rows import StudyRow


@dataclass(frozen=True)
class Verdict:
    """A claim, what stands beside it, and what follows.

    Args:
        row: row of the source list.
        what: the claim, for readers.
        published: as printed, or the statement.
        ours: mean, or what was found; "" if nothing was run.
        interval: of the mean, over seeds.
        num_seeds: seeds behind it.
        ruling: whether it holds.
        why: the reason, in words.
        defect: what is wrong with the original, which causes were demonstrated here, which are inferred.
    """

    row: str
    what: str
    published: str
    ours: str
    interval: str
    num_seeds: int
    ruling: Ruling
    why: str
    defect: str = ""


def judge_claims(
    reproduction: Reproduction,
    found: Mapping[str, Found],
    *,
    is_quick: bool = False,
    demonstrated: Sequence[str] = (),
) -> list[Verdict]:
    """Return a verdict for each claim of a source, in its order: statements first, then numbers.

    Args:
        reproduction: the claims.
        found: studies by name; those that were not run are left out.
        is_quick: whether the runs are shorter than published; numbers are then shown and not judged.
        demonstrated: ids of the defects that were shown here.
    """
    deltas = Deltas(reproduction.delta_points, reproduction.delta_ratio)
    verdicts = [judge_winner(one, found.get(one.study)) for one in reproduction.winners]
    verdicts += [judge_effect(one, found.get(one.study)) for one in reproduction.effects]
    for one in reproduction.numbers:
        verdicts += judge_numbers(one, found.get(one.study), deltas, reproduction.other_quantities)
    verdicts = [replace(one, defect=name_causes(one.defect, demonstrated)) for one in verdicts]
    return [_withhold(verdict) for verdict in verdicts] if is_quick else verdicts


def name_causes(flaw: str, demonstrated: Sequence[str]) -> str:
    """Return a defect with which of its causes were demonstrated here, and which are inferred."""
    ids, _, _ = flaw.partition(":")
    known = [one.strip(" .") for one in ids.split(",") if one.strip().startswith(("D-", "-"))]
    stem = known[0].rpartition("-")[0] if known else ""
    causes = [one if one.startswith("D-") else f"{stem}{one}" for one in known]
    shown = [one for one in causes if one in demonstrated]
    inferred = [one for one in causes if one not in demonstrated]
    told = [f"demonstrated here: {', '.join(shown)}"] if shown else []
    told += [f"inferred, not demonstrated: {', '.join(inferred)}"] if inferred else []
    return f"{flaw} ({'; '.join(told)})" if told else flaw


def _withhold(verdict: Verdict) -> Verdict:
    if verdict.ruling == "not run":
        return verdict
    return replace(verdict, ruling="not judged", why="the quick form trains less than published")


def judge_numbers(
    claim: Numbers,
    found: Found | None,
    deltas: Deltas,
    other_quantities: Mapping[str, str] = MappingProxyType({}),
) -> list[Verdict]:
    """Return a verdict for each published number of one thing: one draw beside our runs (`rule_on_draw`).

    Args:
        claim: the numbers.
        found: the study they stand beside; None if it was not run.
        deltas: how far apart both may be and still count as the same.
        other_quantities: figures of which a published number and ours are not of the same thing, and how.
    """
    rows = find_rows(claim, found)
    verdicts = []
    for figure, published in claim.published.items():
        values = [value for row in rows if (value := row.value(figure)) is not None]
        flaw, metric = claim.flaws.get(figure) or claim.flaw, metric_of(figure)
        what = f"{claim.what}: {name_column(figure)}"
        written = write_number(published, figure)
        if found is None or not values:
            verdicts.append(Verdict(claim.row, what, written, "", "", 0, "not run", "", flaw))
            continue
        bounds = {"low": 0.0, "high": math.inf} if metric is None else metric.bounds
        level = found.study.confidence
        ours = summarise_seeds(
            values,
            level,
            low=bounds["low"],
            high=bounds["high"],
            over_images=_judge_images(rows, figure, level),
        )
        ruling, why = rule_on_number(
            published, values, figure, gather_spreads(found, figure), deltas, name_setting(rows[0])
        )
        if figure in other_quantities:
            ruling, why = "not judged", other_quantities[figure]
        elif claim.scaled and metric is not None:
            is_worse = (ours.mean < published) == metric.is_higher_better
            ruling, why = _weigh_scaled(ruling, why, is_worse=is_worse, by=claim.scaled)
        ends, mean = write_ends(ours, figure), write_number(ours.mean, figure)
        if not ends and (image := next(iter(_judge_images(rows, figure, level)), None)) is not None:
            ends = write_ends(replace(ours, interval=image), figure)
            why = f"{why}; the interval is one for new images"
        verdicts.append(Verdict(claim.row, what, written, mean, ends, len(values), ruling, why, flaw))
    return verdicts


def _weigh_scaled(ruling: Ruling, why: str, *, is_worse: bool, by: str) -> tuple[Ruling, str]:
    """Return what is left of a verdict where less was trained than published: worse, that is no verdict."""
    if ruling == "different" and is_worse:
        return "not judged", f"{why}, which less training may explain: {by}"
    if ruling == "different":
        return ruling, f"{why}, with less: {by}"
    return ruling, "; ".join(filter(None, (why, f"scaled: {by}")))


def _judge_images(rows: Sequence[StudyRow], figure: str, level: float) -> list[Interval | None]:
    """Return the interval of each run's test accuracy over the test images; none of other figures."""
    if figure != "test_accuracy":
        return []
    return [row.judge_images(level) for row in rows]


def judge_winner(claim: Winner, found: Found | None) -> Verdict:
    """Return how likely the arm that was named best is to be best of one run each."""
    by_arm: dict[str, list[float]] = {}
    for row in found.rows if found else ():
        value = row.value(claim.figure) if row.is_finished and not row.stage else None
        if value is not None:
            by_arm.setdefault(row.arm, []).append(value)
    if found is None or claim.published not in by_arm:
        return Verdict(claim.row, claim.what, claim.published, "", "", 0, "not run", "")
    metric = metric_of(claim.figure)
    is_most_best = metric is not None and metric.is_higher_better  # of epochs, numbers and seconds: fewer
    chances = find_winning_chances(by_arm, is_higher_better=is_most_best)
    count = len(by_arm[claim.published])
    if claim.published not in chances:
        why = "one seed says nothing about the spread"
        return Verdict(claim.row, claim.what, claim.published, "", "", count, "not judged", why)
    likeliest, chance = max(chances, key=lambda arm: chances[arm]), chances[claim.published]
    rate = 1 - found.study.confidence
    ruling: Ruling = "different" if chance < rate else "consistent" if chance >= 0.5 else "cannot tell"
    why = (
        f"of one run each, {claim.published} is best in {100 * chance:.0f} of 100 cases; {likeliest}, most "
        f"often, in {100 * chances[likeliest]:.0f}; each of {len(chances)} equals in {100 / len(chances):.0f}"
    )
    ours = f"{likeliest} ({100 * chances[likeliest]:.0f} of 100)"
    return Verdict(claim.row, claim.what, claim.published, ours, "", count, ruling, why)


def judge_effect(claim: Effect, found: Found | None) -> Verdict:
    """Return whether an arm differs from another as published, over the seeds and places both have."""
    pairs = pair_rows(claim, found)
    if found is None or not pairs:
        return Verdict(claim.row, claim.what, claim.published, "", "", 0, "not run", "", claim.flaw)
    trend = claim.published == "gap grows"
    # shares differ by 1 at most, and so their differences from one end to the other by 2
    family = Family(found.study.confidence, EQUIVALENCE_MARGIN_POINTS, widest=2.0 if trend else 1.0)
    difference = _find_trend(pairs, family) if trend else _average(pairs, family)
    outcome = _name_outcome(difference, is_trend=trend)
    told = f"{100 * difference.mean:+.2f} points{' from end to end' if trend else ''}"
    ends = difference.interval
    interval = f"{100 * ends.low:+.2f} to {100 * ends.high:+.2f}" if ends else ""
    ruling: Ruling = "consistent" if outcome == claim.published else "different"
    if difference.conclusion == "cannot tell":
        ruling = "cannot tell"
    why = "" if ruling == "consistent" else f"ours: {outcome}"
    ours, count = f"{outcome}, {told}", difference.num_seeds
    at = ", ".join(f"{axis} {value}" for axis, value in claim.at.items())
    what = f"{claim.what} ({at})" if at else claim.what
    return Verdict(claim.row, what, claim.published, ours, interval, count, ruling, why, claim.flaw)


def _name_outcome(difference: Difference, *, is_trend: bool) -> str:
    if difference.conclusion == "cannot tell":
        return "cannot tell"
    if difference.conclusion == "practically none":
        return "no trend" if is_trend else "no difference"
    names = ("gap grows", "gap shrinks") if is_trend else ("better", "worse")
    return names[difference.mean < 0]


Pairs = dict[int, list[tuple[float, float, float]]]
"""By seed: (value on the axis, test accuracy of the arm, of the reference)."""


def pair_rows(claim: Effect, found: Found | None) -> Pairs:
    """Return the test accuracies of an arm and its reference, of the seeds with the most places both have."""
    ours, theirs = find_rows(claim, found), find_rows(claim, found, claim.reference)
    axes = tuple(found.study.axes) if found else ()
    of_reference = {(row.seed, tuple(row.at.get(axis) for axis in axes)): row for row in theirs}
    pairs: Pairs = {}
    for row in ours:
        other = of_reference.get((row.seed, tuple(row.at.get(axis) for axis in axes)))
        if other is not None and row.test_accuracy is not None and other.test_accuracy is not None:
            place = _read_place(row, axes)
            pairs.setdefault(row.seed, []).append((place, row.test_accuracy, other.test_accuracy))
    # a seed that has not come through all places has an average, and a slope, of other places
    most = max(map(len, pairs.values()), default=0)
    return {seed: of_seed for seed, of_seed in pairs.items() if len(of_seed) == most}


def _read_place(row: StudyRow, axes: Sequence[str]) -> float:
    """Return the value on the last axis as a number; nan if it is none."""
    try:
        return float(row.at[axes[-1]])
    except (ValueError, KeyError, IndexError):
        return float("nan")


def _average(pairs: Pairs, family: Family) -> Difference:
    """Return the difference of an arm from its reference on average over places, each seed one average."""
    runs = []
    for seed, of_seed in pairs.items():
        runs.append(ArmRun("arm", (), seed, fmean(one for _, one, _ in of_seed)))
        runs.append(ArmRun("reference", (), seed, fmean(other for _, _, other in of_seed)))
    return compare_arms(runs, "reference", family).overall["arm"]


def _find_trend(pairs: Pairs, family: Family) -> Difference:
    """Return how the lead of an arm changes from the axis' start to its end; each seed gives one slope."""
    changes = []
    for of_seed in pairs.values():
        places, leads = [x for x, _, _ in of_seed], [one - other for _, one, other in of_seed]
        middle, spread = fmean(places), max(places) - min(places)
        squares = sum((x - middle) ** 2 for x in places) or 1.0
        slope = sum((x - middle) * lead for x, lead in zip(places, leads, strict=True)) / squares
        changes.append(slope * spread)
    (raw,) = compare_in_pairs(np.array([changes]), [None])
    if raw is None:
        return Difference(fmean(changes), None, None, len(changes))
    (judged,) = judge_family([raw], family)
    return judged


def find_rows(claim: Runs, found: Found | None, arm: str = "") -> list[StudyRow]:
    """Return the finished rows a claim is about."""
    if found is None:
        return []
    wanted = arm or claim.arm or next(iter(found.study.arms))
    return [row for row in found.rows if row.is_finished and is_about(row, claim, wanted)]


def is_about(run: StudyRow | RunDetails, claim: Runs, arm: str) -> bool:
    """Return whether a claim about an arm, or about the stage that it names, is about a run."""
    is_of = run.stage == claim.stage if claim.stage else not run.stage and run.arm == arm
    return is_of and all(run.at.get(axis) == value for axis, value in claim.at.items())
