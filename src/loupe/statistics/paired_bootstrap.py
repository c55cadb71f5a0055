"""The difference of any number of two networks on the same images, with its interval over images."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from loupe.statistics.calibration import draw_resamples
from loupe.statistics.intervals import Interval, has_spread


@dataclass(frozen=True)
class BootstrappedDifference:
    """A difference over the same images.

    Args:
        value: of all images.
        interval: from the quantiles of the resamples; None where they do not differ, or too many have none.
    """

    value: float
    interval: Interval | None


def bootstrap_difference(
    compute: Callable[[Tensor | None], float | None],
    num_images: int,
    level: float,
    seed: int,
    draws: int = 400,
) -> BootstrappedDifference | None:
    """Return a difference and its paired bootstrap interval (Efron, 1979: percentiles).

    Both networks are judged on each resample, so that what is hard for both cancels out.

    Args:
        compute: the difference on the images at these positions, (images,) int64, or on all for None; None
            where it is not defined.
        num_images: ≥ 1.
        level: in (0, 1).
        seed: of the resamples.
        draws: how many.
    """
    value = compute(None)
    if value is None:
        return None
    drawn = [one for one in _draw(compute, num_images, seed, draws) if one is not None]
    if not _has_interval(drawn, draws):
        return BootstrappedDifference(value, None)
    low, high = (float(np.quantile(drawn, end)) for end in ((1 - level) / 2, (1 + level) / 2))
    return BootstrappedDifference(value, Interval(min(low, value), max(high, value)))


def bootstrap_differences(
    computes: Sequence[Callable[[Tensor | None], float | None]],
    num_images: int,
    level: float,
    seed: int,
    draws: int = 400,
    widest: Sequence[float] | None = None,
) -> list[BootstrappedDifference | None]:
    """Return several differences with intervals that hold all together, as one family.

    Every difference is computed on the same resamples. An interval reaches as many of its own bootstrap
    standard deviations to either side as the farthest of all differences reaches in a share `level` of the
    resamples (max-t: Romano and Wolf, 2005), so that differences that move together cost little.

    Args:
        computes: as for `bootstrap_difference`, one for each difference.
        num_images: ≥ 1.
        level: in (0, 1), of all intervals holding at once.
        seed: of the resamples.
        draws: how many.
        widest: how far from 0 each difference can lie; intervals are cut there.

    Returns:
        One for each difference, None where it is not defined on all images.
    """
    values = [compute(None) for compute in computes]
    deviations: dict[int, np.ndarray] = {}
    for place, (compute, value) in enumerate(zip(computes, values, strict=True)):
        if value is None:
            continue
        found = _draw(compute, num_images, seed, draws)
        if _has_interval([one for one in found if one is not None], draws):
            deviations[place] = np.array([np.nan if one is None else one - value for one in found])
    spreads = {place: float(np.nanstd(one, ddof=1)) for place, one in deviations.items()}
    farthest = [abs(one) / spreads[place] for place, one in deviations.items()]
    reach = float(np.nanquantile(np.fmax.reduce(farthest), level)) if farthest else 0.0

    def bound(place: int, value: float) -> Interval | None:
        if place not in spreads:
            return None
        farthest_end = math.inf if widest is None else widest[place]
        half = reach * spreads[place]
        return Interval(max(-farthest_end, value - half), min(farthest_end, value + half))

    return [
        None if value is None else BootstrappedDifference(value, bound(place, value))
        for place, value in enumerate(values)
    ]


def _draw(
    compute: Callable[[Tensor | None], float | None], num_images: int, seed: int, draws: int
) -> list[float | None]:
    return [compute(some) for some in draw_resamples(num_images, seed, draws)]


def _has_interval(drawn: Sequence[float], draws: int) -> bool:
    return len(drawn) >= draws * 0.95 and has_spread(drawn, 1.0)
