"""The spread of each of several arms, with strength borrowed from the others as far as they agree."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

_Floats = NDArray[np.float64]

FEWEST_TO_BORROW = 6
"""Arms from which on spreads are drawn together: of fewer one cannot say how far they agree."""

DOUBT = 1.0  # standard errors by which spreads may differ more than they seem to
DOUBT_IN_PAIRS = 2.5  # the same without a guarded arm: what the reference does to all pairs is not seen there
_OUTLYING = (0.2, 0.5)  # chances of a guarded arm's spread: below them it keeps its own, above it has none
_PLACES_AGREE = (0.5, 0.8)  # the same of what seeds vary beyond their places: above them places are pooled
_SMALLEST = 1e-5  # of the middle variance; equal values do not show that there is no spread
_SURE_ABOVE = 1e-6


@dataclass(frozen=True, eq=False)
class Variances:
    """Variances of several arms, and how well they are known.

    Args:
        values: (..., arms) variance of one run of each arm.
        degrees_of_freedom: (..., arms) of each variance.
        total_degrees_of_freedom: of all arms together.
        is_borrowed: whether the arms' spreads were drawn together.
    """

    values: _Floats
    degrees_of_freedom: _Floats
    total_degrees_of_freedom: float
    is_borrowed: bool


def moderate_variances(
    values: _Floats, degrees_of_freedom: _Floats, guarded: int | None = None, *, doubt: float = DOUBT
) -> Variances:
    """Return the variances of arms, drawn towards their common value as far as the arms agree.

    With three seeds the spread of one arm is hardly known; that of eight arms together is. The more the
    logarithms of the variances scatter beyond what chance makes them scatter, the less is borrowed (Smyth,
    2004, "Linear models and empirical Bayes methods": variances from a scaled inverse χ² distribution, whose
    weight is found from the moments of the logarithms). How far they scatter is itself hardly known of few
    arms: one standard error more than seen is taken, and of fewer than six arms nothing is borrowed. One
    arm may be guarded, such as the reference, which every difference rests on: the surer it is that its
    spread stands out, by an F test against the others, the more it keeps its own (as in Phipson et al.,
    2016): a jump at one level would lose power where it is not out, or let too much pass where it is.

    Args:
        values: (..., arms) variance of one run of each arm, not negative; at least one above 0.
        degrees_of_freedom: (arms,) of each, more than 0.
        guarded: arm whose spread is not drawn down if it stands out.
        doubt: standard errors by which spreads may differ more than they seem to.

    Raises:
        ValueError: no variance above 0, or degrees of freedom of 0.
    """
    found = np.array(values, dtype=np.float64)
    degrees = np.array(degrees_of_freedom, dtype=np.float64)
    if not (found > 0).any(-1).all() or not (degrees > 0).all() or not np.isfinite(found).all():
        raise ValueError(
            "got no variance above 0, or one of unknown freedom; allowed: two runs or more an arm"
        )
    total = float(degrees.sum())
    middle = np.nanmedian(np.where(found > 0, found, math.nan), axis=-1, keepdims=True)
    found = np.maximum(found, _SMALLEST * middle)
    known = np.broadcast_to(degrees, found.shape)
    if found.shape[-1] < FEWEST_TO_BORROW:
        return Variances(found, known, total, is_borrowed=False)
    prior = (found @ degrees)[..., None] / total
    worth = _weigh_prior(found, degrees, doubt)[..., None]
    share = 1 / (1 + degrees / worth)
    moderated = share * prior + (1 - share) * found
    known = np.minimum(worth + degrees, total)
    if guarded is not None:
        own, rest = found[..., guarded], total - degrees[guarded]
        others = (prior[..., 0] * total - own * degrees[guarded]) / rest
        out = _grade(special.fdtrc(degrees[guarded], rest, own / others), _OUTLYING)
        moderated[..., guarded] += out * np.maximum(own - moderated[..., guarded], 0)
        known[..., guarded] = degrees[guarded] ** out * known[..., guarded] ** (1 - out)
    return Variances(moderated, known, total, is_borrowed=True)


def share_satterthwaite(num_seeds: _Floats, num_arms: int) -> _Floats:
    """Return what part is used of the degrees of freedom that Satterthwaite's formula gives above the fewest.

    Of few seeds the formula knows its own inputs too badly: all of it would let 6 to 7 in 100 pass, not 5.
    Half is used of arms that keep their own variances; of those drawn together all from five seeds on.

    Args:
        num_seeds: of the arm with the fewer, ≥ 1.
        num_arms: arms, the reference among them.
    """
    if num_arms < FEWEST_TO_BORROW:
        return np.full(np.shape(num_seeds), 0.5)
    share: _Floats = np.clip((num_seeds - 1) / 4, 0, 1)
    return share


def pool_places(
    own: _Floats, degrees_of_freedom: _Floats, of_places: _Floats, num_places: int
) -> tuple[_Floats, _Floats]:
    """Return variances of averages over places, and their degrees of freedom, with places pooled in.

    If nothing shifts a seed at all of its places at once, the scatter of seeds at single places says what
    their averages vary, with as many times the degrees of freedom as there are places. An F test of all arms
    together says how sure one may be of that; it misses small shifts, so that it has to be far from them.

    Args:
        own: (arms,) variance of the averages over seeds.
        degrees_of_freedom: (arms,) of it, more than 0.
        of_places: (arms,) the same from what each place varies about its seed's and its own mean.
        num_places: places, ≥ 2.
    """
    if not (of_places > 0).all():
        return own, degrees_of_freedom
    total = float(degrees_of_freedom.sum())
    ratio = float(own @ degrees_of_freedom) / float(of_places @ degrees_of_freedom)
    shifted = _grade(special.fdtrc(total, total * (num_places - 1), ratio), _PLACES_AGREE)
    pooled = (own + (num_places - 1) * of_places) / num_places
    known = degrees_of_freedom**shifted * (degrees_of_freedom * num_places) ** (1 - shifted)
    return shifted * own + (1 - shifted) * pooled, known


def _grade(chance: _Floats, ends: tuple[float, float]) -> _Floats:
    """Return 1 for chances up to the lower end, 0 from the upper one on, and what lies between between."""
    graded: _Floats = np.clip((ends[1] - chance) / (ends[1] - ends[0]), 0, 1)
    return graded


def expect_degrees(num_seeds: int, num_arms: int) -> float:
    """Return the degrees of freedom of a spread of arms that agree as well as chance lets them: planning."""
    degrees = np.full(num_arms, num_seeds - 1.0)
    if num_arms < FEWEST_TO_BORROW:
        return float(degrees[0])
    worth = 2 * invert_trigamma(np.array(DOUBT * _doubt_scatter(degrees)))
    return min(float(worth) + num_seeds - 1, float(degrees.sum()))


def _weigh_prior(values: _Floats, degrees: _Floats, doubt: float) -> _Floats:
    """Return how many degrees of freedom the common variance is worth for a single arm: (...)."""
    logs = np.log(values) - special.digamma(degrees / 2) + np.log(degrees / 2)
    by_chance = float(special.polygamma(1, degrees / 2).mean())
    excess = logs.var(-1, ddof=1) - by_chance + doubt * _doubt_scatter(degrees)
    worth: _Floats = np.where(
        excess > _SURE_ABOVE, 2 * invert_trigamma(np.maximum(excess, _SURE_ABOVE)), math.inf
    )
    return worth


def _doubt_scatter(degrees: _Floats) -> float:
    """Return the standard error of how far logarithms of equal variances scatter."""
    count = len(degrees)
    by_chance = float(special.polygamma(1, degrees / 2).mean())
    fourth = float(special.polygamma(3, degrees / 2).mean())  # cumulant: logarithms of χ² have long tails
    return math.sqrt((fourth + 2 * by_chance**2 * count / (count - 1)) / count)


def invert_trigamma(values: _Floats) -> _Floats:
    """Return x > 0 at which the trigamma function has values > 0, by Newton's method (Smyth, 2004)."""
    x = 0.5 + 1 / np.asarray(values, dtype=np.float64)
    for _ in range(50):
        trigamma = special.polygamma(1, x)
        step = trigamma * (1 - trigamma / values) / special.polygamma(2, x)
        x = x + step
        if (np.abs(step) < 1e-9 * x).all():
            break
    found: _Floats = x
    return found
