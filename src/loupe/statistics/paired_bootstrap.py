"""The difference of any number of two networks on the same images, with its interval over images."""

from collections.abc import Callable
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
    found = [compute(some) for some in draw_resamples(num_images, seed, draws)]
    drawn = [one for one in found if one is not None]
    if len(drawn) < draws * 0.95 or not has_spread(drawn, 1.0):
        return BootstrappedDifference(value, None)
    low, high = (float(np.quantile(drawn, end)) for end in ((1 - level) / 2, (1 + level) / 2))
    return BootstrappedDifference(value, Interval(min(low, value), max(high, value)))
