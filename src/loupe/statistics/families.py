"""Comparisons that are printed together: how often chance alone would bring one of them."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import special

_Floats = NDArray[np.float64]

Kind = Literal["one reference", "all pairs", "any"]
"""How the comparisons of a family hang together: with a stated reference (Dunnett, 1955), with one that was
chosen for its figures, so that any two might have been compared (Tukey's range), or in no known way
(Bonferroni)."""

_NODES = 40
_Z, _Z_WEIGHTS = np.polynomial.hermite_e.hermegauss(_NODES)
_Z_WEIGHTS = _Z_WEIGHTS / _Z_WEIGHTS.sum()
_U, _U_WEIGHTS = np.polynomial.legendre.leggauss(_NODES)
_V = (_U + 1) / 2
_U, _U_WEIGHTS = _V**2 * (3 - 2 * _V), _U_WEIGHTS * 3 * _V * (1 - _V)  # dense at the ends, where χ² is wild
_BEYOND = 1e-12  # closer to 0 the quadrature has no digits, and Bonferroni's bound takes over
_MANY = 1e5  # degrees of freedom that are as good as any


@dataclass(frozen=True)
class Together:
    """Comparisons that are looked at together.

    Args:
        kind: how they hang together.
        shares: of each, what part of its variance is the reference's, in [0, 1).
        degrees_of_freedom: the fewest that one of them has, more than 0; may be infinite.
        num_arms: arms, the reference among them: of all pairs.
    """

    kind: Kind
    shares: Sequence[float]
    degrees_of_freedom: float
    num_arms: int

    def adjust(self, p_value: float) -> float:
        """Return how often the least of the p values would be this low or lower."""
        count = len(self.shares)
        if self.kind == "all pairs":
            return _adjust_for_pairs(p_value, self.num_arms, self.degrees_of_freedom)
        if self.kind == "any":
            return min(1.0, count * p_value)
        shares, degrees = np.array([self.shares]), np.array([self.degrees_of_freedom])
        return float(adjust_with_reference(np.array([p_value]), shares, degrees)[0])

    def find_level(self, error_rate: float) -> float:
        """Return the p value that is adjusted to `error_rate`, in (0, 1)."""
        count = self.num_arms * (self.num_arms - 1) / 2 if self.kind == "all pairs" else len(self.shares)
        if count <= 1:
            return error_rate
        if self.kind == "any":
            return error_rate / count
        return _invert(self.adjust, error_rate, error_rate / count, error_rate)


def _invert(adjust: Callable[[float], float], wanted: float, low: float, high: float) -> float:
    """Return the largest p value found that is adjusted to no more than `wanted`.

    The logarithms of p value and chance lie nearly on a line, between Bonferroni's bound and no allowance.
    """
    for _ in range(40):
        middle = math.sqrt(low * high)
        low, high = (low, middle) if adjust(middle) > wanted else (middle, high)
        if high < low * (1 + 1e-7):
            break
    return low


def _adjust_for_pairs(p_value: float, num_arms: int, degrees_of_freedom: float) -> float:
    """Return the chance that the range of so many means is as large (Tukey, 1953; Games and Howell, 1976)."""
    bound = min(1.0, p_value * num_arms * (num_arms - 1) / 2)
    if num_arms == 2 or bound < _BEYOND or p_value >= 1:
        return bound
    from scipy import stats  # takes half a second, which few pages need

    degrees = min(degrees_of_freedom, _MANY)
    reach = -float(special.stdtrit(degrees, p_value / 2))
    chance = float(stats.studentized_range.sf(math.sqrt(2) * reach, num_arms, degrees))
    return min(bound, max(chance, p_value))


def adjust_with_reference(p_values: _Floats, shares: _Floats, degrees_of_freedom: _Floats) -> _Floats:
    """Return p values of comparisons with one reference, adjusted for being looked at together.

    Dunnett's (1955) single step. The comparisons share the reference's luck, and so are correlated; ignoring
    that, as Bonferroni and Holm do, gives power away. Arms may have variances of their own: the correlation
    of two comparisons is √(share of one · share of the other).

    Args:
        p_values: (families,) two-sided, in [0, 1]: one of each family.
        shares: (families, comparisons) what part of a difference's variance is the reference's, in [0, 1).
        degrees_of_freedom: (families,) of the variance, more than 0; may be infinite.
    """
    count = shares.shape[1]
    bound: _Floats = np.minimum(1.0, p_values * count)
    if count == 1:
        return bound
    degrees = np.minimum(degrees_of_freedom, _MANY)[:, None]
    limit = -special.stdtrit(degrees, p_values[:, None] / 2)
    scales = np.sqrt(special.chdtri(degrees, 1 - _U) / degrees)
    reach = (limit * scales)[:, :, None]  # (families, nodes of the spread, nodes of the reference)
    inside = np.ones((len(p_values), _NODES, _NODES))
    for share in shares.T:
        shifted = np.sqrt(share)[:, None, None] * _Z
        rest = np.sqrt(1 - share)[:, None, None]
        inside *= special.ndtr((reach - shifted) / rest) - special.ndtr((-reach - shifted) / rest)
    chance = 1 - (inside @ _Z_WEIGHTS) @ _U_WEIGHTS
    adjusted = np.minimum(bound, np.maximum(chance, p_values))
    found: _Floats = np.where((bound < _BEYOND) | (p_values >= 1), bound, adjusted)
    return found
