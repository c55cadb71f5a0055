"""The spread of each of several arms, with strength borrowed from the others as far as they agree."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

_Floats = NDArray[np.float64]

_FEWEST = 3  # of two spreads one cannot say how much spreads differ
_FEW = 6
_DOUBT, _DOUBT_OF_FEW = 1.5, 2.5  # standard errors by which spreads may differ more than they seem to
_OUTLYING = 0.2  # a guarded arm whose spread is larger than the others' by so rare a chance keeps its own
_SMALLEST = 1e-5  # of the middle variance; equal values do not show that there is no spread


@dataclass(frozen=True, eq=False)
class Variances:
    """Variances of several arms, and how well they are known.

    Args:
        values: (arms,) variance of one run of each arm.
        degrees_of_freedom: (arms,) of each variance.
        prior_degrees_of_freedom: how much the arms agree: infinite if their spreads differ no more than
            chance makes them differ, 0 if nothing is borrowed.
        total_degrees_of_freedom: of all arms together.
    """

    values: _Floats
    degrees_of_freedom: _Floats
    prior_degrees_of_freedom: float
    total_degrees_of_freedom: float


def moderate_variances(
    values: Sequence[float] | _Floats, degrees_of_freedom: Sequence[float], guarded: int | None = None
) -> Variances:
    """Return the variances of arms, drawn towards their common value as far as the arms agree.

    With three seeds the spread of one arm is hardly known; that of eight arms together is. The more the
    logarithms of the variances scatter beyond what chance makes them scatter, the less is borrowed (Smyth,
    2004, "Linear models and empirical Bayes methods": variances from a scaled inverse χ² distribution, whose
    weight is found from the moments of the logarithms). How far they scatter is itself hardly known of few
    arms: 1.5 standard errors more than seen is taken, 2.5 of fewer than six arms. Without that, one arm of
    three times the spread makes twice as many false alarms as promised. One arm may be guarded, such as the
    reference, which every difference rests on: if its spread stands out, it keeps it (as in Phipson et al.,
    2016).

    Args:
        values: variance of one run of each arm; at least one above 0.
        degrees_of_freedom: of each, more than 0.
        guarded: arm whose spread is not drawn down if it stands out.

    Raises:
        ValueError: no variance above 0, or degrees of freedom of 0.
    """
    found, degrees = np.array(values, dtype=np.float64), np.array(degrees_of_freedom, dtype=np.float64)
    if not (found > 0).any() or not (degrees > 0).all() or not np.isfinite(found).all():
        raise ValueError(
            "got no variance above 0, or one of unknown freedom; allowed: two runs or more an arm"
        )
    total = float(degrees.sum())
    found = np.maximum(found, _SMALLEST * float(np.median(found[found > 0])))
    if len(found) < _FEWEST:
        return Variances(found, degrees, 0.0, total)
    prior, prior_degrees = float(found @ degrees) / total, _weigh_prior(found, degrees)
    if math.isinf(prior_degrees):
        moderated, known = np.full_like(found, prior), np.full_like(found, total)
    else:
        moderated = (prior_degrees * prior + degrees * found) / (prior_degrees + degrees)
        known = np.minimum(prior_degrees + degrees, total)
    if guarded is not None and found[guarded] > moderated[guarded]:
        rest = total - degrees[guarded]
        others = (prior * total - found[guarded] * degrees[guarded]) / rest
        if special.fdtrc(degrees[guarded], rest, found[guarded] / others) < _OUTLYING:
            moderated[guarded], known[guarded] = found[guarded], degrees[guarded]
    return Variances(moderated, known, prior_degrees, total)


def _weigh_prior(values: _Floats, degrees: _Floats) -> float:
    """Return how many degrees of freedom the common variance is worth for a single arm."""
    count = len(values)
    logs = np.log(values) - special.digamma(degrees / 2) + np.log(degrees / 2)
    by_chance = float(special.polygamma(1, degrees / 2).mean())
    fourth = float(special.polygamma(3, degrees / 2).mean())  # cumulant: logarithms of χ² have long tails
    error = math.sqrt((fourth + 2 * by_chance**2 * count / (count - 1)) / count)
    doubt = _DOUBT if count >= _FEW else _DOUBT_OF_FEW
    excess = float(logs.var(ddof=1)) - by_chance + doubt * error
    return math.inf if excess <= 0 else 2 * invert_trigamma(excess)


def invert_trigamma(value: float) -> float:
    """Return x > 0 at which the trigamma function has a value > 0, by Newton's method (Smyth, 2004)."""
    if value > 1e7:
        return 1 / math.sqrt(value)
    if value < 1e-6:
        return 1 / value
    x = 0.5 + 1 / value
    for _ in range(50):
        trigamma = float(special.polygamma(1, x))
        step = trigamma * (1 - trigamma / value) / float(special.polygamma(2, x))
        x += step
        if -step / x < 1e-8:
            break
    return x
