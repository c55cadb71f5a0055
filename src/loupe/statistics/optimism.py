"""What choosing the best of many does to its score."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy.special import bdtr

from loupe.statistics.intervals import Interval, has_spread, summarise_seeds


@dataclass(frozen=True)
class Optimism:
    """How much the score with which a search found its winner flatters the winner.

    The winner of a search won for two reasons: it is good, and it was lucky. Its score still holds the luck,
    so the best of many noisy scores is too high on average even if every single score is fair (the winner's
    curse; Cawley and Talbot, 2010, on model selection). Luck does not come again in a run with a fresh seed.

    Args:
        chosen_score: of the winner, as the search saw it.
        fresh_mean: mean score of the same settings, run again with seeds the search did not use.
        difference: `chosen_score` minus `fresh_mean`: above 0 if the search was too optimistic.
        interval: of the difference, Student's over the fresh seeds: where the difference from the true mean
            of these settings lies. None if fewer than two fresh scores differ: nothing shows the noise.
        num_fresh: fresh scores.
    """

    chosen_score: float
    fresh_mean: float
    difference: float
    interval: Interval | None
    num_fresh: int


def estimate_optimism(
    chosen_score: float,
    fresh_scores: Sequence[float],
    confidence: float = 0.95,
    *,
    low: float = -math.inf,
    high: float = math.inf,
) -> Optimism:
    """Return how much the score with which a search found its winner flatters the winner.

    Compare with `expected_best_of`, which says how much luck alone would bring.

    Args:
        chosen_score: of the winner in the search; larger is better (hand in losses with a minus).
        fresh_scores: of the winner's settings on the same images, one for each seed that the search did not
            use. On other images the difference would also hold what sets these apart.
        confidence: level in (0, 1).
        low: smallest score there can be: no mean of fresh scores lies below, so optimism has its bounds too.
        high: largest.

    Raises:
        ValueError: no fresh score, or a score that is not finite.
    """
    if not all(math.isfinite(score) for score in (chosen_score, *fresh_scores)):
        raise ValueError("got a score that is not finite; allowed: scores of runs that ended well")
    fresh = summarise_seeds(fresh_scores, confidence, low=low, high=high)
    interval = None
    if fresh.interval and has_spread(fresh_scores, max(abs(score) for score in fresh_scores)):
        interval = Interval(chosen_score - fresh.interval.high, chosen_score - fresh.interval.low)
    return Optimism(chosen_score, fresh.mean, chosen_score - fresh.mean, interval, fresh.num_seeds)


def expected_best_of(num_trials: int, std: float = 1.0) -> float:
    """Return by how much the best of equally good trials lies above their common mean, on average.

    The expected maximum of independent normal draws: 0.56 std for two, 1.54 for ten, 2.51 for a hundred.

    Args:
        num_trials: ≥ 1.
        std: of the score of one trial from seed to seed, ≥ 0.

    Raises:
        ValueError: fewer than one trial, or an std below 0.
    """
    if num_trials < 1 or not 0 <= std < math.inf:
        raise ValueError(f"got {num_trials} trials with an std of {std}; allowed: 1 or more, 0 or more")
    # the mean of any variable: what its distribution function leaves above 0, less what it has below
    scores = torch.linspace(0, 40, 8001, dtype=torch.float64)
    above = -torch.expm1(num_trials * torch.special.log_ndtr(scores))
    below = torch.exp(num_trials * torch.special.log_ndtr(-scores))
    return std * float(torch.trapezoid(above - below, scores))


def expected_best_share(num_trials: int, share: float, num_images: int) -> float:
    """Return by how much the best of equally good shares lies above their common mean, on average.

    The expected maximum of independent binomial shares; `expected_best_of` leaves out that a share ends at 1.

    Args:
        num_trials: ≥ 1.
        share: of images that each gets right on average, in [0, 1].
        num_images: that each is judged on, ≥ 1.

    Raises:
        ValueError: fewer than one trial or image, or a share outside [0, 1].
    """
    if num_trials < 1 or num_images < 1 or not 0 <= share <= 1:
        raise ValueError(
            f"got {num_trials} trials of {num_images} images with a share of {share}; allowed: 1 or more, "
            "1 or more, 0 to 1"
        )
    # the mean of a count: how often it exceeds each number below the largest
    exceeded = 1 - bdtr(np.arange(num_images), num_images, share) ** num_trials
    return float(exceeded.sum()) / num_images - share
