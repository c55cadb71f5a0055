"""Published claims beside what studies found, with a verdict on each."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Literal

from loupe.metrics import Metric, describe_metric
from loupe.reproductions.schema import Effect, Numbers, Reproduction, Runs, Winner
from loupe.statistics import PairedDifference, compare_seed_pairs, summarise_seeds
from loupe.statistics.intervals import Interval, SeedSummary, compute_t_quantile
from loupe.studies import Study
from loupe.studies.folder import StudyRow

Ruling = Literal["reproduced", "not reproduced", "original flawed", "not run", "not judged"]


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
    """

    row: str
    what: str
    published: str
    ours: str
    interval: str
    num_seeds: int
    ruling: Ruling
    why: str


_AND_OURS = "; corrected: "


@dataclass(frozen=True)
class Found:
    """A study with its rows."""

    study: Study
    rows: tuple[StudyRow, ...]


def judge_claims(
    reproduction: Reproduction, found: Mapping[str, Found], *, is_quick: bool = False
) -> list[Verdict]:
    """Return a verdict for each claim of a source, in its order: statements first, then numbers.

    Args:
        reproduction: the claims.
        found: studies by name; those that were not run are left out.
        is_quick: whether the runs are shorter than published; numbers are then shown and not judged.
    """
    verdicts = [judge_winner(one, found.get(one.study)) for one in reproduction.winners]
    verdicts += [judge_effect(one, found.get(one.study)) for one in reproduction.effects]
    for one in reproduction.numbers:
        verdicts += judge_numbers(one, found.get(one.study))
    return [_withhold(verdict) for verdict in verdicts] if is_quick else verdicts


def _withhold(verdict: Verdict) -> Verdict:
    if verdict.ruling in ("not run", "original flawed"):
        return replace(verdict, why=verdict.why.partition(_AND_OURS)[0])
    return replace(verdict, ruling="not judged", why="the quick form trains less than published")


def judge_numbers(claim: Numbers, found: Found | None) -> list[Verdict]:
    """Return a verdict for each published number of one thing.

    A number from one run is reproduced if it lies where one more run of ours would: within Student's
    prediction interval over our seeds.
    """
    rows = find_rows(claim, found)
    verdicts = []
    for figure, published in claim.published.items():
        values = [value for row in rows if (value := row.value(figure)) is not None]
        flaw, metric = claim.flaws.get(figure) or claim.flaw, metric_of(figure)
        what = f"{claim.what}: {name_column(figure)}"
        written = write_number(published, figure)
        if not values:
            verdicts.append(Verdict(claim.row, what, written, "", "", 0, "not run", flaw))
            continue
        confidence = found.study.confidence if found else 0.95
        ours = summarise_seeds(values, confidence, low=0 if metric is None else metric.bounds["low"])
        ruling, why = rule_on_number(published, ours, figure, confidence)
        if flaw:
            ruling, why = "original flawed", flaw
        verdicts.append(
            Verdict(
                claim.row,
                what,
                written,
                write_number(ours.mean, figure),
                write_ends(ours, figure),
                ours.num_seeds,
                ruling,
                why,
            )
        )
    return verdicts


def rule_on_number(published: float, ours: SeedSummary, figure: str, confidence: float) -> tuple[Ruling, str]:
    """Return whether a published number lies where one more run of ours would, and how far off it is."""
    if ours.sd is None:
        return "not judged", "one seed says nothing about the spread"
    quantile = compute_t_quantile((1 + confidence) / 2, ours.num_seeds - 1)
    reach = quantile * ours.sd * math.sqrt(1 + 1 / ours.num_seeds)
    gap = ours.mean - published
    if abs(gap) <= reach:
        return "reproduced", ""
    side = "higher" if gap > 0 else "lower"
    return "not reproduced", f"ours is {side} by {write_gap(abs(gap), figure)}"


def judge_winner(claim: Winner, found: Found | None) -> Verdict:
    """Return whether the arm that was named best is best, and how far it is from ours if not."""
    rows = [row for row in (found.rows if found else ()) if row.is_finished and not row.stage]
    by_arm: dict[str, dict[int, float]] = {}
    for row in rows:
        value = row.value(claim.figure)
        if value is not None:
            by_arm.setdefault(row.arm, {})[row.seed] = value
    if found is None or claim.published not in by_arm:
        return Verdict(claim.row, claim.what, claim.published, "", "", 0, "not run", "")
    means = {arm: fmean(values.values()) for arm, values in by_arm.items()}
    metric = metric_of(claim.figure)
    is_most_best = metric is not None and metric.is_higher_better  # of epochs, numbers and seconds: fewer
    best = (max if is_most_best else min)(means, key=lambda arm: means[arm])
    count = len(by_arm[best])
    if best == claim.published:
        return Verdict(claim.row, claim.what, claim.published, best, "", count, "reproduced", "")
    seeds = sorted(by_arm[best].keys() & by_arm[claim.published].keys())
    pair = [[by_arm[arm][seed] for seed in seeds] for arm in (best, claim.published)]
    difference = compare_seed_pairs(pair[0], pair[1], found.study.confidence)
    told = write_gap(abs(difference.mean), claim.figure)
    chance = (difference.p_value or 1.0) * (len(means) - 1)  # ours was picked as the best of them all
    noise = "beyond noise" if chance < 1 - found.study.confidence else "within noise"
    why = f"{best} is ahead of {claim.published} by {told} on average, {noise}"
    return Verdict(claim.row, claim.what, claim.published, best, "", count, "not reproduced", why)


def judge_effect(claim: Effect, found: Found | None) -> Verdict:
    """Return whether an arm differs from another as published, over the seeds and places both have."""
    pairs = pair_rows(claim, found)
    if found is None or not pairs:
        return Verdict(claim.row, claim.what, claim.published, "", "", 0, "not run", claim.flaw)
    if claim.published == "gap grows":
        difference, outcome, told = _find_trend(found, pairs)
    else:
        difference = _average(pairs, found.study.confidence)
        outcome = "no difference" if difference.is_noise else "better" if difference.mean > 0 else "worse"
        told = f"{100 * difference.mean:+.2f} points"
    ends = difference.interval
    interval = f"{100 * ends.low:+.2f} to {100 * ends.high:+.2f}" if ends else ""
    ruling: Ruling = "reproduced" if outcome == claim.published else "not reproduced"
    why = ""
    if claim.flaw:
        holds = "the statement holds" if ruling == "reproduced" else outcome
        ruling, why = "original flawed", f"{claim.flaw}{_AND_OURS}{holds}"
    elif ruling == "not reproduced":
        why = f"ours: {outcome}"
    ours, count = f"{outcome}, {told}", difference.num_seeds
    return Verdict(claim.row, claim.what, claim.published, ours, interval, count, ruling, why)


Pairs = dict[int, list[tuple[float, float, float]]]
"""By seed: (value on the axis, test accuracy of the arm, of the reference)."""


def pair_rows(claim: Effect, found: Found | None) -> Pairs:
    """Return the test accuracies of an arm and its reference at the places both have."""
    ours, theirs = find_rows(claim, found), find_rows(claim, found, claim.reference)
    axes = tuple(found.study.axes) if found else ()
    of_reference = {(row.seed, tuple(row.at.get(axis) for axis in axes)): row for row in theirs}
    pairs: Pairs = {}
    for row in ours:
        other = of_reference.get((row.seed, tuple(row.at.get(axis) for axis in axes)))
        if other is not None and row.test_accuracy is not None and other.test_accuracy is not None:
            place = _read_place(row, axes)
            pairs.setdefault(row.seed, []).append((place, row.test_accuracy, other.test_accuracy))
    return pairs


def _read_place(row: StudyRow, axes: Sequence[str]) -> float:
    """Return the value on the last axis as a number; nan if it is none."""
    try:
        return float(row.at[axes[-1]])
    except (ValueError, KeyError, IndexError):
        return float("nan")


def _average(pairs: Pairs, confidence: float) -> PairedDifference:
    ours = [fmean(one for _, one, _ in pairs[seed]) for seed in sorted(pairs)]
    theirs = [fmean(other for _, _, other in pairs[seed]) for seed in sorted(pairs)]
    return compare_seed_pairs(ours, theirs, confidence)


def _find_trend(found: Found, pairs: Pairs) -> tuple[PairedDifference, str, str]:
    """Return how the lead of an arm changes from the axis' start to its end; each seed gives one slope."""
    changes = []
    for of_seed in pairs.values():
        places, leads = [x for x, _, _ in of_seed], [one - other for _, one, other in of_seed]
        middle, spread = fmean(places), max(places) - min(places)
        squares = sum((x - middle) ** 2 for x in places) or 1.0
        slope = sum((x - middle) * lead for x, lead in zip(places, leads, strict=True)) / squares
        changes.append(slope * spread)
    difference = compare_seed_pairs(changes, [0.0] * len(changes), found.study.confidence)
    outcome = "no trend" if difference.is_noise else "gap grows" if difference.mean > 0 else "gap shrinks"
    return difference, outcome, f"{100 * difference.mean:+.2f} points from end to end"


def find_rows(claim: Runs, found: Found | None, arm: str = "") -> list[StudyRow]:
    """Return the finished rows a claim is about."""
    if found is None:
        return []
    wanted = arm or claim.arm or next(iter(found.study.arms))
    return [
        row
        for row in found.rows
        if row.is_finished
        and (row.stage == claim.stage if claim.stage else not row.stage and row.arm == wanted)
        and all(row.at.get(axis) == value for axis, value in claim.at.items())
    ]


def metric_of(figure: str) -> Metric | None:
    """Return the metric that a column of results is of; None for epochs, parameters and seconds.

    Raises:
        UnknownNameError: there is no such metric.
    """
    name = name_metric(figure)
    return describe_metric(name) if name is not None else None


def name_metric(figure: str) -> str | None:
    """Return the name of the metric in a column of results; None for epochs, parameters and seconds."""
    split, _, name = figure.partition("_")
    return name if split in _SPLITS else None


_SPLITS = ("train", "validation", "test")


def name_column(figure: str) -> str:
    """Return a column for readers: "test accuracy", "best epoch"."""
    metric = metric_of(figure)
    return figure.replace("_", " ") if metric is None else f"{figure.partition('_')[0]} {metric.title}"


def write_number(value: float, figure: str) -> str:
    """Return a figure as text: "98.43 %", "0.0485", "205"."""
    metric = metric_of(figure)
    return f"{value:,.0f}" if metric is None else metric.write(value)


def write_gap(value: float, figure: str) -> str:
    """Return the size of a difference: "0.31 points", "0.0021"."""
    metric = metric_of(figure)
    return write_number(value, figure) if metric is None else metric.write_gap(value)


def write_ends(summary: SeedSummary, figure: str) -> str:
    """Return the ends of the interval of a mean; "" for one seed."""
    if summary.interval is None:
        return ""
    metric, low, high = metric_of(figure), summary.interval.low, summary.interval.high
    if metric is None:
        return f"{write_number(low, figure)} to {write_number(high, figure)}"
    return metric.write_interval(Interval(low, min(metric.bounds["high"], high)))
