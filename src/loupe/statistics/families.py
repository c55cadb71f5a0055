"""Comparisons that are printed together: how often chance alone would bring one of them."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import special

_Floats = NDArray[np.float64]

_NODES = 40
_Z, _Z_WEIGHTS = np.polynomial.hermite_e.hermegauss(_NODES)
_Z_WEIGHTS = _Z_WEIGHTS / _Z_WEIGHTS.sum()
_U, _U_WEIGHTS = np.polynomial.legendre.leggauss(_NODES)
_U, _U_WEIGHTS = (_U + 1) / 2, _U_WEIGHTS / 2
_BEYOND = 1e-12  # closer to 0 the quadrature has no digits, and Bonferroni's bound takes over


def adjust_with_reference(
    p_values: Sequence[float], shares: Sequence[float], degrees_of_freedom: float
) -> list[float]:
    """Return p values of comparisons with one reference, adjusted for being looked at together.

    Dunnett's (1955) single step. The comparisons share the reference's luck, and so are correlated; ignoring
    that, as Bonferroni and Holm do, gives power away. Arms may have variances of their own: the correlation
    of two comparisons is √(share of one · share of the other).

    Args:
        p_values: two-sided, in [0, 1].
        shares: what part of each difference's variance is the reference's, in [0, 1).
        degrees_of_freedom: of the variance, more than 0; may be infinite.
    """
    loads = np.sqrt(np.array(shares, dtype=np.float64))
    return [_chance_of_one(p_value, loads, degrees_of_freedom) for p_value in p_values]


def find_level(shares: Sequence[float], degrees_of_freedom: float, error_rate: float) -> float:
    """Return the p value at which one of the comparisons is adjusted to `error_rate`.

    Args:
        shares: what part of each difference's variance is the reference's.
        degrees_of_freedom: of the variance.
        error_rate: of the family, in (0, 1).
    """
    loads = np.sqrt(np.array(shares, dtype=np.float64))
    if len(loads) == 1:
        return error_rate
    # the logarithms of p value and chance lie nearly on a line, between Bonferroni's bound and no allowance
    low, high = error_rate / len(loads), error_rate
    for _ in range(40):
        middle = math.sqrt(low * high)
        ratio = _chance_of_one(middle, loads, degrees_of_freedom) / error_rate
        low, high = (low, middle) if ratio > 1 else (middle, high)
        if high < low * (1 + 1e-9):
            break
    return low


def _chance_of_one(p_value: float, loads: _Floats, degrees_of_freedom: float) -> float:
    """Return how often the least of the p values would be this low or lower."""
    bound = min(1.0, p_value * len(loads))
    if len(loads) == 1 or bound < _BEYOND or p_value >= 1:
        return bound
    if np.isinf(degrees_of_freedom) or degrees_of_freedom > 1e6:
        limit, scales, weights = -special.ndtri(p_value / 2), np.ones(1), np.ones(1)
    else:
        limit = -special.stdtrit(degrees_of_freedom, p_value / 2)
        scales = np.sqrt(special.chdtri(degrees_of_freedom, 1 - _U) / degrees_of_freedom)
        weights = _U_WEIGHTS
    rest = np.sqrt(1 - loads**2)
    reach = (limit * scales)[:, None, None]
    shifted = (loads * _Z[:, None])[None]
    inside = special.ndtr((reach - shifted) / rest) - special.ndtr((-reach - shifted) / rest)
    chance = 1 - float(weights @ (inside.prod(2) @ _Z_WEIGHTS))
    return min(bound, max(chance, p_value))
