"""Groups of a sample that are larger than the others, of all that were looked at."""

import math

import numpy as np
from numpy.typing import NDArray

_Floats = NDArray[np.float64]

_DRAWS = 999
_FEWEST_DRAWS = 199  # of very many rows
_ROOM = 2_500_000  # rows dealt out in all: about half a second
_BORROWED = 10  # degrees of freedom that a group's variance has from all values: two values show none
FEWEST_ROWS = 5  # of a group that is judged: fewer show too little of how their values spread
_SAME = 1e-9  # statistics that differ by less are equal up to rounding


def adjust_standouts(
    values: _Floats, groups: NDArray[np.int64], error_rate: float = 0.05, *, fewest: int = FEWEST_ROWS
) -> _Floats:
    """Return how often chance alone would make some group stand out as far, (kinds, groups).

    One-sided p values of each group's mean against that of all other values of its kind, adjusted for being
    the largest of all kinds and groups (Westfall and Young, 1993): groups are dealt out anew among the rows,
    the same for every kind, and the largest statistic is kept. Where the rows of all groups are alike, no
    more than a share p of samples has a p value of p or less anywhere, however small the groups are. The
    statistic is Welch's, so that this nearly holds too where only the means are alike (Janssen, 1997) and
    groups are not tiny: simulated with one group of five or more rows that are all or nothing, beside larger
    ones that lose evenly, a nominal 5 % is 4 to 7 % where its rows are so under all kinds at once. Where they
    are so under each kind anew it is 12 to 15 % with five to eight rows, 6 to 8 % with fifteen; with two or
    three rows it is up to 30 %. So groups of fewer than `fewest` rows are not judged: their p values are 1,
    and their rows count among the others.
    Deterministic.

    Args:
        values: (kinds, rows), finite.
        groups: (rows,) from 0 on, each with at least one row.
        error_rate: the p value that matters, more than 0: it can be reached.
        fewest: rows of a group that is judged.
    """
    counts = np.bincount(groups)
    num_rows, num_groups = len(groups), len(counts)
    p_values: _Floats = np.ones((len(values), num_groups))
    means = values.mean(1)
    spreads = ((values - means[:, None]) ** 2).sum(1)
    varied = spreads > _SAME * num_rows
    judged = counts >= fewest
    if num_groups == 1 or not varied.any() or not judged.any():
        return p_values
    centred = (values - means[:, None])[varied].T[np.argsort(groups, kind="stable")]
    moments = np.ascontiguousarray(np.concatenate([centred, centred**2], 1))
    starts = np.cumsum(counts) - counts
    sizes = counts[:, None].astype(float)
    variances = spreads[varied] / (num_rows - 1)

    def compare(dealt: _Floats) -> _Floats:
        sums, squares = np.split(np.add.reduceat(dealt, starts, axis=0), 2, axis=1)
        others = num_rows - sizes
        mean, rest = sums / sizes, -sums / others
        within = squares - sizes * mean**2
        without = spreads[varied] - squares - others * rest**2
        squared = (within + _BORROWED * variances) / (sizes - 1 + _BORROWED) / sizes
        squared += (without + _BORROWED * variances) / (others - 1 + _BORROWED) / others
        found: _Floats = ((mean - rest) / np.sqrt(squared))[judged]
        return found

    generator = np.random.default_rng(0)
    fewest_draws = max(_FEWEST_DRAWS, math.ceil(1 / error_rate - _SAME))
    num_draws = max(fewest_draws, min(_DRAWS, _ROOM // num_rows))
    most = np.sort([compare(moments[generator.permutation(num_rows)]).max() for _ in range(num_draws)])
    beyond = num_draws - np.searchsorted(most, compare(moments) - _SAME)
    p_values[np.ix_(varied, judged)] = (1 + beyond.T) / (1 + num_draws)
    return p_values
