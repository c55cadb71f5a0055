"""What our runs say of one published number."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Literal

import numpy as np

from loupe.reproductions.columns import metric_of, to_scale, write_gap
from loupe.statistics.one_draw import CONSISTENT_RATE, KnownSpread, find_spreads, rule_on_draw
from loupe.studies import Study
from loupe.studies.rows import StudyRow

Ruling = Literal["consistent", "different", "cannot tell", "not run", "not judged"]
"""What our runs say of a claim; a defect of the original stands beside it and changes nothing of it."""


@dataclass(frozen=True)
class Found:
    """A study with its rows."""

    study: Study
    rows: tuple[StudyRow, ...]


@dataclass(frozen=True)
class Deltas:
    """How far apart a published number and ours may be and still count as the same.

    Args:
        points: of shares.
        ratio: of losses, errors and epochs, as a part.
    """

    points: float = 0.005
    ratio: float = 0.5


def gather_spreads(found: Found, figure: str) -> dict[str, KnownSpread]:
    """Return how much one run varies in a figure, for each arm or stage at each place of a study."""
    values: dict[str, list[float]] = {}
    for row in found.rows:
        value = row.value(figure) if row.is_finished else None
        if value is not None and (value > 0 or to_scale(1.0, figure) == 1.0):
            values.setdefault(name_setting(row), []).append(to_scale(value, figure))
    return find_spreads(values)


def name_setting(row: StudyRow) -> str:
    return " ".join([row.stage, row.arm, *row.at.values()])


def rule_on_number(
    published: float,
    values: Sequence[float],
    figure: str,
    spreads: Mapping[str, KnownSpread],
    deltas: Deltas,
    setting: str = "",
) -> tuple[Ruling, str]:
    """Return what our runs say of a published number, and how far off it is.

    Args:
        published: the number.
        values: of ours, one a seed.
        figure: the column of results that both are of.
        spreads: of one run, by setting; the one that `values` are of, or of values like them.
        deltas: how far apart both may be and still count as the same.
        setting: what the values are of; the spread nearest to theirs if left out.
    """
    if len(set(values)) == 1 and figure == "parameters":  # which do not vary from seed to seed
        is_same = values[0] == published
        return ("consistent", "") if is_same else ("different", _tell_gap(published, fmean(values), figure))
    if len(values) < 2:
        return "not judged", "one seed says nothing about the spread"
    if not spreads:
        return "cannot tell", "our runs do not vary, which shows no spread to judge by"
    metric = metric_of(figure)
    is_share = metric is not None and metric.is_percent
    delta = deltas.points if is_share else math.log1p(deltas.ratio)
    try:
        draw, ours = to_scale(published, figure), [to_scale(value, figure) for value in values]
    except ValueError:
        return "not judged", "a figure of 0 has no logarithm to compare"
    spread = spreads.get(setting) or _find_nearest(ours, spreads)
    found = rule_on_draw(draw, ours, spread, delta)
    if found.ruling == "different":
        return "different", _tell_gap(published, fmean(values), figure)
    if found.chance < CONSISTENT_RATE:
        gap, cases = _tell_gap(published, fmean(values), figure), max(5, round(100 * found.chance))
        return "cannot tell", f"{gap}, and a right number lies as far off in {cases} of 100 cases"
    reach = max(abs(found.interval.low), abs(found.interval.high))
    reach = min(reach, 1.0) if is_share else reach
    within = f"{100 * reach:.2f} points" if is_share else f"a factor of {math.exp(min(reach, 700.0)):.3g}"
    allowed = f"{100 * delta:g} points" if is_share else f"a factor of {math.exp(delta):.3g}"
    if found.ruling == "consistent":
        return "consistent", f"within {within}, where {allowed} are allowed"
    return "cannot tell", f"they may be {within} apart, where {allowed} are allowed"


def _find_nearest(values: Sequence[float], spreads: Mapping[str, KnownSpread]) -> KnownSpread:
    own = float(np.std(values, ddof=1))
    return min(spreads.values(), key=lambda one: abs(one.std - own))


def _tell_gap(published: float, ours: float, figure: str) -> str:
    side = "higher" if ours > published else "lower"
    return f"ours is {side} by {write_gap(abs(ours - published), figure)}"
