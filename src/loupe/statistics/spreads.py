"""How much the runs of each of several arms vary, over seeds."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from loupe.statistics.intervals import has_spread
from loupe.statistics.variances import moderate_variances, pool_places

_Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Spread:
    """What is known of arms before they are compared with one of them.

    Args:
        means: (..., arms) over the seeds.
        variances: (..., arms) of one run.
        degrees_of_freedom: (..., arms) of each variance.
        total_degrees_of_freedom: of all of them.
        counts: (arms,) seeds.
    """

    means: _Floats
    variances: _Floats
    degrees_of_freedom: _Floats
    total_degrees_of_freedom: float
    counts: _Floats


@dataclass(frozen=True, eq=False)
class PlaceScatter:
    """What the averages of seeds would vary if each place varied for itself.

    Args:
        variances: (arms,) of one average; nan of an arm with fewer than two seeds.
        num_places: places that it is of.
    """

    variances: _Floats
    num_places: int


def estimate_spread(
    values: _Floats, reference: int, flips: _Floats | None = None, places: PlaceScatter | None = None
) -> Spread | None:
    """Return means and variances of arms over their seeds; None if nothing shows how much runs vary.

    Variances are estimated over all arms together as far as they agree (`moderate_variances`); of arms too
    few for that, over all places as far as those agree (`pool_places`).

    Args:
        values: (arms, seeds); nan where a run is missing.
        reference: the arm that others are compared with; if its spread stands out, it is kept as it is.
        flips: (arms,) variance of a run that single answers' flipping from seed to seed brings, where that is
            known: arms then agree if their variances are alike as multiples of it, and none is below it. Nan
            of an arm with fewer than two seeds.
        places: where values are averages over several places.
    """
    counts = np.isfinite(values).sum(1).astype(np.float64)
    enough = counts >= 2
    if not enough.any() or not is_varied(values[enough]):
        return None
    means = average_rows(values)
    variances, known = np.full(len(values), math.nan), np.zeros(len(values))
    squares = np.nansum((values - means[:, None])[enough] ** 2, 1)
    scale = np.ones(len(values)) if flips is None or (flips <= 0).any() else flips
    guarded = int(enough[:reference].sum()) if enough[reference] else None
    degrees = counts[enough] - 1
    found = moderate_variances(squares / degrees / scale[enough], degrees, guarded)
    variances[enough], known[enough] = found.values * scale[enough], found.degrees_of_freedom
    total = found.total_degrees_of_freedom
    if places is not None and not found.is_borrowed:
        of_places = places.variances[enough]
        variances[enough], known[enough] = pool_places(
            squares / degrees, degrees, of_places, places.num_places
        )
        total = float(known.sum())
    if flips is not None:
        is_below = enough & (np.nan_to_num(variances) < flips)
        variances[is_below] = flips[is_below]
        if found.is_borrowed:
            known[is_below] = total  # thousands of images told it, and no arm varies less
    return Spread(means, variances, known, total, counts)


def average_rows(values: _Floats) -> _Floats:
    """Return the mean of each row over what is known of it; nan where nothing is."""
    return np.array([row[np.isfinite(row)].mean() if np.isfinite(row).any() else math.nan for row in values])


def is_varied(values: _Floats) -> bool:
    """Return whether some arm's runs differ by more than rounding."""
    scale = float(np.nanmax(np.abs(values)))
    return any(has_spread(row[np.isfinite(row)].tolist(), scale) for row in values)
