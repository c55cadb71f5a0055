"""Intervals over images for what is computed from more than one count: means, means of shares, ratios."""

import math
from collections.abc import Callable, Sequence
from statistics import NormalDist

import torch
from torch import Tensor

from loupe.statistics.intervals import (
    Interval,
    bound_share,
    compute_t_quantile,
    compute_wilson_interval,
    has_spread,
)


def compute_mean_interval(
    values: Tensor, level: float = 0.95, *, low: float = -math.inf, high: float = math.inf
) -> Interval | None:
    """Return Student's interval of a mean; None for fewer than two values.

    Equal values do not show that there is no spread: a width of 0 would claim a certainty that is not there.
    Of n equal ones, the share of images that have another is below Wilson's upper end for 0 of n, and these
    would at most lie at an end of the range; where that has no ends there is no interval.

    Args:
        values: (images,) float, one an image.
        level: in (0, 1).
        low: smallest value there can be; the interval is cut there.
        high: largest.
    """
    count = len(values)
    if count < 2:
        return None
    mean, std = float(values.double().mean()), float(values.double().std())
    if not has_spread([float(values.min()), float(values.max())], max(1e-12, float(values.abs().max()))):
        if not (math.isfinite(low) and math.isfinite(high)):
            return None
        others = compute_wilson_interval(0, count, level).high
        return Interval(mean - others * max(0.0, mean - low), mean + others * max(0.0, high - mean))
    reach = compute_t_quantile((1 + level) / 2, count - 1) * std / math.sqrt(count)
    return Interval(max(low, mean - reach), min(high, mean + reach))


def compute_mean_cost_interval(values: Tensor, level: float, low: float, high: float) -> Interval | None:
    """Return the interval of a mean of values of few kinds, as costs; None for fewer than two values.

    Of two kinds it is Wilson's interval of how frequent they are, which holds where one is rare; else as
    `compute_mean_interval`.

    Args:
        values: (images,) float64, one an image.
        level: in (0, 1).
        low: smallest value there can be.
        high: largest.
    """
    kinds = values.unique()
    if len(kinds) != 2 or len(values) < 2:
        return compute_mean_interval(values, level, low=low, high=high)
    less, more = kinds.tolist()
    ends = compute_wilson_interval(int((values == more).sum()), len(values), level)
    return Interval(less + (more - less) * ends.low, less + (more - less) * ends.high)


def compute_mean_share_interval(
    correct: Sequence[int], totals: Sequence[int], level: float = 0.95
) -> Interval:
    """Return an interval of the unweighted mean of several shares, each of images of its own.

    The mean has Wilson's interval, with as many trials as one share would need to vary as it does: shares
    vary by p (1 − p) / n each, where p has half of z² successes and failures added (Agresti and Coull, 1998),
    so that a share that is all or nothing varies too. For one share it is Wilson's own interval. Joining the
    shares' own intervals in squares (MOVER) would miss a mean of 99 % of ten classes with 36 images in one
    of seven draws, always below it, and be nearly twice as wide.

    Args:
        correct: successes of each share.
        totals: trials of each, ≥ 1.
        level: in (0, 1).
    """
    count, added = len(totals), NormalDist().inv_cdf((1 + level) / 2) ** 2
    mean = math.fsum(one / total for one, total in zip(correct, totals, strict=True)) / count
    shares = [(one + added / 2) / (total + added) for one, total in zip(correct, totals, strict=True)]
    middle = math.fsum(shares) / count
    variance = (
        math.fsum(one * (1 - one) / total for one, total in zip(shares, totals, strict=True)) / count**2
    )
    return bound_share(mean, middle * (1 - middle) / variance, level)


def compute_count_interval(
    counts: Tensor,
    statistic: Callable[[Tensor], Tensor],
    level: float = 0.95,
    *,
    low: float = -math.inf,
    high: float = math.inf,
) -> Interval | None:
    """Return the interval of what is computed from shares of counted cells, by the delta method.

    The counts are multinomial: an image falls into one cell. To first order the statistic is a mean over
    images of its gradient at each image's cell; the variance of that mean gives value ± z · standard error
    (for Cohen's kappa this is Fleiss, Cohen and Everitt, 1969; for macro F1 Takahashi et al., 2022).

    Args:
        counts: int64 or float, of any shape; their sum is the number of images.
        statistic: maps shares of that shape, float64, to a scalar, with gradients.
        level: in (0, 1).
        low: smallest value there can be; the interval is cut there.
        high: largest.

    Returns:
        None where the method sees no spread (every image in the like of one cell): a width of 0 would claim
        a certainty that is not there.
    """
    total = float(counts.sum())
    with torch.inference_mode(False), torch.enable_grad():
        shares = (counts.clone().double() / total).requires_grad_()
        value = statistic(shares)
        (gradient,) = torch.autograd.grad(value, shares)
    mean = (shares.detach() * gradient).sum()
    variance = float((shares.detach() * (gradient - mean).square()).sum()) / total
    if not variance > 1e-18:  # rounding
        return None
    centre, reach = float(value.detach()), NormalDist().inv_cdf((1 + level) / 2) * math.sqrt(variance)
    return Interval(max(low, centre - reach), min(high, centre + reach))
