"""A published number beside several runs of one's own: it is one draw from one run on one test set."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import special

from loupe.statistics.intervals import Interval
from loupe.statistics.variances import moderate_variances

Ruling = Literal["consistent", "different", "cannot tell"]

DIFFERENT_RATE = 0.05  # how often a right number lies farther off
# The same of "consistent": the least, to a hundredth, at which three seeds let through at most 20 in 100
# numbers off by 3 standard deviations of a run and 2 off by 5, however well the spread is known.
CONSISTENT_RATE = 0.23


@dataclass(frozen=True)
class KnownSpread:
    """How much one run varies, and how well that is known.

    Args:
        std: of one run, in the scale that is compared.
        degrees_of_freedom: of its square.
    """

    std: float
    degrees_of_freedom: float


@dataclass(frozen=True)
class DrawRuling:
    """What one published draw and runs of ours say of each other.

    Args:
        ruling: what follows.
        interval: of the gap, published minus ours, at the level of *consistent*: 77 %.
        chance: how often a right number lies at least as far off, in [0, 1].
    """

    ruling: Ruling
    interval: Interval
    chance: float


def find_spreads(values: Mapping[str, Sequence[float]]) -> dict[str, KnownSpread]:
    """Return the spread of one run of each of many settings, moderated together (`moderate_variances`).

    Args:
        values: figures over seeds by setting, in the scale that is compared; settings with one are left out.
    """
    names = [name for name, found in values.items() if len(found) > 1]
    found = np.array([np.var(values[name], ddof=1) for name in names])
    if not (found > 0).any():
        return {}
    degrees = np.array([len(values[name]) - 1.0 for name in names])
    moderated = moderate_variances(found, degrees, doubt=0.0)  # of one number, no family rests on it
    return {
        name: KnownSpread(math.sqrt(variance), float(known))
        for name, variance, known in zip(
            names, moderated.values.tolist(), moderated.degrees_of_freedom.tolist(), strict=True
        )
    }


def rule_on_draw(published: float, ours: Sequence[float], spread: KnownSpread, delta: float) -> DrawRuling:
    """Return what one published draw and runs of ours say of each other.

    The gap of one run and the mean of n varies with variance σ² (1 + 1/n). "different": a right number lies
    as far off in fewer than 5 of 100 cases. "consistent": it would lie as far off in 23 of 100 or more, and
    the gap of what both stand for lies within ±δ, by two one-sided tests at 11.5 % (Schuirmann, 1987). Else
    these runs cannot tell.

    Args:
        published: one figure.
        ours: one a seed, in the same scale.
        spread: of one run.
        delta: how far apart both may be and still count as the same, > 0.
    """
    gap = published - float(np.mean(ours))
    error = spread.std * math.sqrt(1 + 1 / len(ours))
    reach = -float(special.stdtrit(spread.degrees_of_freedom, CONSISTENT_RATE / 2)) * error
    interval = Interval(gap - reach, gap + reach)
    chance = (
        2 * float(special.stdtr(spread.degrees_of_freedom, -abs(gap) / error)) if error else float(gap == 0)
    )
    ruling: Ruling = "cannot tell"
    if abs(gap) > -float(special.stdtrit(spread.degrees_of_freedom, DIFFERENT_RATE / 2)) * error:
        ruling = "different"
    elif abs(gap) <= reach and -delta <= interval.low and interval.high <= delta:
        ruling = "consistent"
    return DrawRuling(ruling, interval, chance)


def find_winning_chances(
    values: Mapping[str, Sequence[float]], *, is_higher_better: bool, num_draws: int = 20_000
) -> dict[str, float]:
    """Return how often each of several settings would be best if each were run once, as far as ours tell.

    Draws of one run each, from Student's law about our means: what is not known of the means counts too.

    Args:
        values: figures over seeds by setting.
        is_higher_better: which way is better.
        num_draws: how often it is drawn; the same draws every time.
    """
    spreads, generator = find_spreads(values), np.random.default_rng(0)
    names = [name for name in values if name in spreads]
    if not names:
        return {}
    drawn = np.empty((num_draws, len(names)))
    for column, name in enumerate(names):
        known, count = spreads[name], len(values[name])
        luck = generator.standard_t(known.degrees_of_freedom, num_draws)
        drawn[:, column] = np.mean(values[name]) + known.std * math.sqrt(1 + 1 / count) * luck
    winners = drawn.argmax(1) if is_higher_better else drawn.argmin(1)
    shares = np.bincount(winners, minlength=len(names)) / num_draws
    return dict(zip(names, shares.tolist(), strict=True))
