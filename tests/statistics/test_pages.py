"""Whole pages of studies, drawn again and again: how often one claims what is not, or misses what is."""

import math
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import special

from loupe.statistics.arm_runs import ArmRun
from loupe.statistics.arms import compare_arms, compare_ends
from loupe.statistics.families import adjust_with_reference
from loupe.statistics.many_arms import Family, compare_all, judge_family
from loupe.statistics.planning import find_smallest_difference
from loupe.statistics.spreads import Spread
from loupe.statistics.variances import moderate_variances
from tests.statistics.drawn_answers import Answers, list_runs

ERROR_RATE = 0.05
CIFAR_SUBSET = np.array([0.35, 0.38, 0.30, 0.59, 0.33, 0.27, 0.98, 0.40])
"""Spreads of the arms of the recipe ablation, in points: of one run, over seeds."""

SPREADS = ("equal", "loud reference", "loud arm", "half twice", "up to four times", "CIFAR subset")
_CHUNK = 1000

Floats = NDArray[np.float64]


def make_spreads(name: str, num_arms: int) -> Floats:
    spreads = np.ones(num_arms)
    if name == "loud reference":
        spreads[0] = 3
    elif name == "loud arm":
        spreads[-1] = 3
    elif name == "half twice":
        spreads[num_arms // 2 :] = 2
    elif name == "up to four times":
        spreads = np.geomspace(1, 4, num_arms)
    elif name == "CIFAR subset":
        spreads = CIFAR_SUBSET[:num_arms]
    return spreads


def adjust_best(values: Floats, arm: int | None = None) -> Floats:
    """Return the adjusted p value of each draw's most striking arm, or of a given one.

    Args:
        values: (draws, arms, seeds); the first arm is the reference.
        arm: which; the one with the least p value if left out.
    """
    _, num_arms, num_seeds = values.shape
    found = moderate_variances(values.var(2, ddof=1), np.full(num_arms, num_seeds - 1.0), 0)
    spread = Spread(
        values.mean(2),
        found.values,
        found.degrees_of_freedom,
        found.total_degrees_of_freedom,
        np.full(num_arms, float(num_seeds)),
    )
    compared = compare_all(spread, 0)
    t = np.abs(spread.means - spread.means[:, :1]) / np.sqrt(compared.variances)
    raw = 2 * special.stdtr(compared.degrees_of_freedom, -t)[:, 1:]
    least = raw.min(1) if arm is None else raw[:, arm - 1]
    adjusted = np.minimum(1, least * (num_arms - 1))
    close = np.flatnonzero((adjusted > ERROR_RATE) & (least < ERROR_RATE))  # others no integral can change
    for part in np.array_split(close, len(close) // _CHUNK + 1):
        degrees = compared.degrees_of_freedom[part, 1:].min(1)
        adjusted[part] = adjust_with_reference(least[part], compared.shares[part, 1:], degrees)
    return adjusted


def count_alarms(num_arms: int, num_seeds: int, spreads: str, num_draws: int) -> float:
    generator = np.random.default_rng(num_arms * 10 + num_seeds)
    values = generator.standard_normal((num_draws, num_arms, num_seeds))
    values *= make_spreads(spreads, num_arms)[:, None]
    return float((adjust_best(values) <= ERROR_RATE).mean())


def slack(num_draws: int) -> float:
    return 3 * math.sqrt(ERROR_RATE * (1 - ERROR_RATE) / num_draws)


@pytest.mark.parametrize("spreads", ["equal", "loud reference"])
@pytest.mark.parametrize(("num_arms", "num_seeds"), [(3, 3), (8, 3)])
def test_no_difference_is_claimed_where_there_is_none(num_arms: int, num_seeds: int, spreads: str) -> None:
    num_draws = 3000
    assert count_alarms(num_arms, num_seeds, spreads, num_draws) < ERROR_RATE + slack(num_draws)


@pytest.mark.slow
@pytest.mark.parametrize("spreads", SPREADS)
@pytest.mark.parametrize("num_seeds", [3, 5])
@pytest.mark.parametrize("num_arms", [2, 3, 4, 5, 6, 7, 8])
def test_no_difference_is_claimed_at_any_size_of_a_study(num_arms: int, num_seeds: int, spreads: str) -> None:
    num_draws = 20_000
    assert count_alarms(num_arms, num_seeds, spreads, num_draws) < ERROR_RATE + slack(num_draws)


def test_pooling_all_arms_alike_would_claim_too_much() -> None:
    """Why variances are moderated: with a loud reference every sixth study would claim a difference."""
    generator = np.random.default_rng(0)
    values = generator.standard_normal((3000, 8, 3)) * make_spreads("loud reference", 8)[:, None]
    error = np.sqrt(2 * values.var(2, ddof=1).mean(1) / 3)
    t = np.abs(values.mean(2) - values[:, :1].mean(2)).max(1) / error
    assert (2 * special.stdtr(16, -t) * 7 <= ERROR_RATE).mean() > 0.12


def count_found(difference: float, num_seeds: int, num_draws: int) -> tuple[float, float]:
    """Return how often a difference of points is shown, and how often a pooled analysis shows it."""
    generator = np.random.default_rng(num_seeds)
    values = generator.standard_normal((num_draws, 8, num_seeds)) * CIFAR_SUBSET[:, None]
    values[:, 1] += difference
    error = np.sqrt(2 * values.var(2, ddof=1).mean(1) / num_seeds)
    raw = 2 * special.stdtr(8 * (num_seeds - 1), -np.abs(values[:, 1].mean(1) - values[:, 0].mean(1)) / error)
    pooled = np.minimum(1, raw * 7)
    close = np.flatnonzero((pooled > ERROR_RATE) & (raw < ERROR_RATE))
    degrees = np.full(len(close), 8.0 * (num_seeds - 1))
    pooled[close] = adjust_with_reference(raw[close], np.full((len(close), 7), 0.5), degrees)
    shown = (adjust_best(values, arm=1) <= ERROR_RATE).mean()
    return float(shown), float((pooled <= ERROR_RATE).mean())


@pytest.mark.parametrize(
    ("difference", "num_seeds", "at_least"), [(2.0, 5, 0.95), (1.0, 5, 0.6), (3.0, 3, 0.95)]
)
def test_differences_of_the_cifar_subset_are_found(
    difference: float, num_seeds: int, at_least: float
) -> None:
    """As often as by a mixed model with one variance for all arms (whose fixed effects Dunnett adjusts)."""
    shown, pooled = count_found(difference, num_seeds, 1500)
    assert shown >= at_least
    assert shown >= pooled - 0.05


@pytest.mark.parametrize(("num_arms", "num_seeds"), [(3, 3), (8, 3), (8, 5), (5, 10)])
def test_what_a_dry_run_says_can_be_found_is_found(num_arms: int, num_seeds: int) -> None:
    size = find_smallest_difference(1.0, num_seeds, num_arms, num_arms - 1)
    values = np.random.default_rng(0).standard_normal((1500, num_arms, num_seeds))
    values[:, 1] += size
    assert 0.72 < (adjust_best(values, arm=1) <= ERROR_RATE).mean() < 0.93


def draw_page(
    generator: np.random.Generator,
    num_arms: int,
    num_seeds: int,
    num_places: int,
    stds: Floats,
    shift: float = 0.5,
) -> list[ArmRun]:
    """Return runs of arms and places that do not differ; a seed shifts an arm at all of its places."""
    shifts = shift * stds[:, None] * generator.standard_normal((num_arms, num_seeds))
    return [
        ArmRun(str(arm), (str(place),), seed, 90 + shifts[arm, seed] + noise)
        for arm in range(num_arms)
        for place in range(num_places)
        for seed, noise in enumerate((stds[arm] * generator.standard_normal(num_seeds)).tolist())
    ]


def claims_difference(runs: list[ArmRun], num_places: int) -> bool:
    """Return whether a page claims one anywhere: of arms, of single places, or of the axis' end."""
    turned = [ArmRun(run.place[0], (run.arm,), run.seed, run.figure) for run in runs]
    num_arms = len({run.arm for run in runs})
    raw = compare_ends(turned, "0", str(num_places - 1)) if num_places > 1 else None
    compared = compare_arms(runs, "0", Family(0.95, 1e-9, num_others=raw is not None))
    shown = {arm for arm, one in compared.overall.items() if one.conclusion == "shown"}
    at_places = {one.arm for one in compared.cells if one.difference and one.difference.conclusion == "shown"}
    assert at_places <= shown, "the table claims what its sentence does not"
    if raw is not None:
        (effect,) = judge_family([raw], Family(0.95, 1e-9, num_arms - 1, kind="any"))
        return bool(shown) or effect.conclusion == "shown"
    return bool(shown)


@pytest.mark.thorough
@pytest.mark.parametrize(("num_arms", "num_places"), [(3, 6)])
def test_whole_pages_claim_nothing_where_there_is_nothing(num_arms: int, num_places: int) -> None:
    check_pages(num_arms, 3, num_places, "up to four times", 150)


@pytest.mark.slow
@pytest.mark.parametrize("spreads", ["equal", "loud reference"])
@pytest.mark.parametrize("num_places", [1, 5, 45])
@pytest.mark.parametrize("num_seeds", [3, 5])
@pytest.mark.parametrize("num_arms", [2, 3, 8])
def test_pages_of_any_size_claim_nothing(
    num_arms: int, num_seeds: int, num_places: int, spreads: str
) -> None:
    check_pages(num_arms, num_seeds, num_places, spreads, {1: 400, 5: 200, 45: 60}[num_places])


def count_page_alarms(answers: Answers, num_draws: int) -> float:
    """Return how often a page of answers claims a difference, in its sentence or in its table."""
    generator, num_arms = np.random.default_rng(answers.num_places), len(answers.shifts)
    alarms = 0
    for _ in range(num_draws):
        runs = list_runs(answers.draw(generator))
        assert num_arms == len({run.arm for run in runs})
        alarms += claims_difference(runs, answers.num_places)
    return alarms / num_draws


def make_shifts(name: str, num_arms: int) -> Floats:
    """Return what seeds do to all answers of an arm: 0.1 is 1.3 points; flips of 500 answers are 0.9."""
    shifts = np.full(num_arms, 0.0 if name == "flips alone" else 0.05)
    if name == "loud reference":
        shifts[0] = 0.2
    elif name == "loud arm":
        shifts[-1] = 0.2
    return shifts


@pytest.mark.thorough
@pytest.mark.parametrize("shifts", ["flips alone", "loud reference"])
def test_pages_with_answers_claim_nothing_where_there_is_nothing(shifts: str) -> None:
    num_draws = 80
    alarms = count_page_alarms(Answers(make_shifts(shifts, 6), 3, 300), num_draws)
    assert alarms < ERROR_RATE + slack(num_draws)


@pytest.mark.slow
@pytest.mark.parametrize("shifts", ["flips alone", "loud reference", "loud arm"])
@pytest.mark.parametrize("num_places", [1, 6, 45])
@pytest.mark.parametrize("num_seeds", [3, 5])
@pytest.mark.parametrize("num_arms", [2, 3, 5, 8])
def test_pages_with_answers_of_any_size_claim_nothing(
    num_arms: int, num_seeds: int, num_places: int, shifts: str
) -> None:
    num_draws = {1: 300, 6: 150, 45: 30}[num_places]
    answers = Answers(make_shifts(shifts, num_arms), num_seeds, 500, num_places)
    assert count_page_alarms(answers, num_draws) < ERROR_RATE + slack(num_draws)


@pytest.mark.slow
@pytest.mark.parametrize("spreads", ["equal", "loud reference", "loud arm"])
@pytest.mark.parametrize("of_places", [0.5, 2.0])
@pytest.mark.parametrize(("num_arms", "num_seeds"), [(2, 3), (5, 3)])
def test_few_arms_pooled_over_places_claim_nothing_however_much_seeds_shift(
    num_arms: int, num_seeds: int, of_places: float, spreads: str
) -> None:
    """Shifts at all places at once, of so many times the variance that single places bring to an average."""
    shift = math.sqrt(of_places / 12)
    check_pages(num_arms, num_seeds, 12, spreads, 300, shift)


@pytest.mark.thorough
def test_few_arms_are_told_apart_better_with_their_places_pooled() -> None:
    generator, family = np.random.default_rng(0), Family(0.95, 1e-9)
    pooled = alone = 0
    for _ in range(40):
        runs = [
            replace(run, figure=run.figure + (run.arm == "1"))
            for run in draw_page(generator, 3, 3, 12, np.ones(3), shift=0.0)
        ]
        by_seed: dict[tuple[str, int], list[float]] = {}
        for run in runs:
            by_seed.setdefault((run.arm, run.seed), []).append(run.figure)
        averages = [ArmRun(arm, (), seed, float(np.mean(of))) for (arm, seed), of in by_seed.items()]
        pooled += compare_arms(runs, "0", family).overall["1"].conclusion == "shown"
        alone += compare_arms(averages, "0", family).overall["1"].conclusion == "shown"
    assert pooled > alone + 2


def check_pages(
    num_arms: int, num_seeds: int, num_places: int, spreads: str, num_draws: int, shift: float = 0.5
) -> None:
    generator = np.random.default_rng(num_arms + num_places)
    stds = make_spreads(spreads, num_arms)
    pages = (draw_page(generator, num_arms, num_seeds, num_places, stds, shift) for _ in range(num_draws))
    alarms = sum(claims_difference(page, num_places) for page in pages)
    assert alarms / num_draws < ERROR_RATE + slack(num_draws)
