"""Two arms of a study, run with the same seeds: is one better, or is it noise?"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist, fmean, stdev

import torch
from torch import Tensor

from loupe.statistics.intervals import Interval, compute_t_p_value, compute_t_quantile, has_spread


@dataclass(frozen=True)
class PairedDifference:
    """Mean difference of two arms that were run with the same seeds, first minus second.

    Args:
        mean: of the differences, one a seed.
        interval: of the mean; None if nothing shows how much it may vary.
        p_value: two-sided: how often two equally good arms would differ as much; None where `interval` is.
        num_seeds: pairs of runs compared.
        num_images: test images on which both arms were judged, if they too are counted as drawn by chance;
            None if only the seeds are.
    """

    mean: float
    interval: Interval | None
    p_value: float | None
    num_seeds: int
    num_images: int | None

    @property
    def is_noise(self) -> bool:
        """Whether the difference is no more than chance may bring, or nothing shows that it is more.

        "No more than chance" does not say that the arms are equally good: the interval says how far apart
        they may be. Of many comparisons, judge by p values adjusted with `adjust_for_many` instead.
        """
        return self.p_value is None or self.interval is None or self.interval.low <= 0 <= self.interval.high


def compare_seed_pairs(
    first: Sequence[float], second: Sequence[float], confidence: float = 0.95
) -> PairedDifference:
    """Return the mean difference of two arms over the same seeds, with Student's paired t interval and test.

    Seeds are the only chance it knows. If both arms were judged on the same test images, the answer holds
    for those images; `compare_crossed` counts the images as drawn by chance too.

    There is no interval and no p value for a single seed, nor if all differences are equal up to rounding.
    Equal differences are what a few seeds and a coarse figure often bring, such as an accuracy on a few
    hundred images. Their std of 0 would make an interval of width 0 and a p value of 0 of them, a certainty
    that two or three runs cannot give.

    Args:
        first: one figure a seed.
        second: of the other arm, the same seeds in the same order.
        confidence: level in (0, 1).

    Raises:
        ValueError: no seeds, another number of them in the other arm, or a figure that is not finite.
    """
    if len(first) != len(second) or not first:
        raise ValueError(f"got {len(first)} and {len(second)} figures; allowed: one a seed, same seeds")
    if not all(math.isfinite(value) for value in (*first, *second)):
        raise ValueError("got a figure that is not finite; allowed: seeds whose runs both ended well")
    differences = [one - other for one, other in zip(first, second, strict=True)]
    mean, count = fmean(differences), len(differences)
    if not has_spread(differences, max(abs(value) for value in (*first, *second))):
        return PairedDifference(mean, None, None, count, None)
    error = stdev(differences) / math.sqrt(count)
    reach = compute_t_quantile((1 + confidence) / 2, count - 1) * error
    p_value = compute_t_p_value(mean / error, count - 1)
    return PairedDifference(mean, Interval(mean - reach, mean + reach), p_value, count, None)


def compare_crossed(first_right: Tensor, second_right: Tensor, confidence: float = 0.95) -> PairedDifference:
    """Return the difference in accuracy of two arms judged on the same images: seeds and images are chance.

    Every seed meets every image, so both are random and crossed: other seeds, or other test images, would
    have given another difference. Counting runs × images as so many independent answers ignores that a seed
    shifts all its answers, and that an image is easy or hard for all seeds (Bouthillier et al., 2021,
    "Accounting for Variance in Machine Learning Benchmarks").

    With S seeds and N images, the difference of one seed on one image is taken as mean + seed effect + image
    effect + the rest, and its mean squares A (seeds), B (images) and C (the rest) have expectations
    N σ²_seed + σ²_rest, S σ²_image + σ²_rest and σ²_rest. The mean over all has the variance
    (A + B − C) / SN. Using A + B instead is the conservative choice that cannot become negative, as in
    Owen's (2007) pigeonhole bootstrap; but A rests on S − 1 degrees of freedom, and Satterthwaite's (1946)
    degrees of freedom for the sum forget that when A happens to be small: with 2 seeds that matter, they
    let 12 of 100 null differences pass at 5 %. So each part keeps its own quantile (Banerjee, 1960),

        reach² = max(t²_{S−1} A + z² max(B − C, 0),  z² max(B, C)) / SN,

    whose coverage is at least nominal whatever the shares are. The second part is what images alone would
    give: no luck with seeds makes the interval narrower. For the counts of few images, B is taken as if two
    images more disagreed, one each way, as strongly as the others do.

    With one seed, only the images are chance: interval and p value then speak of these two networks, as
    McNemar's test does, and not of the arms that they are examples of.

    Args:
        first_right: (seeds, images) bool, which answers of the first arm are right.
        second_right: (seeds, images) bool, of the other arm, the same seeds and images in the same order.
        confidence: level in (0, 1).

    Raises:
        ValueError: shapes that differ, no seed, fewer than two images, or values that are not bool.
    """
    if first_right.shape != second_right.shape or first_right.dim() != 2:
        got = f"{tuple(first_right.shape)} and {tuple(second_right.shape)}"
        raise ValueError(f"got answers of shape {got}; allowed: the same (seeds, images) for both arms")
    if first_right.dtype != torch.bool or second_right.dtype != torch.bool:
        raise ValueError(f"got answers as {first_right.dtype} and {second_right.dtype}; allowed: bool")
    num_seeds, num_images = first_right.shape
    if num_seeds < 1 or num_images < 2:
        raise ValueError(f"got {num_seeds} seeds and {num_images} images; allowed: 1 or more, 2 or more")
    differences = first_right.to(torch.int8) - second_right.to(torch.int8)
    mean = float(differences.sum()) / differences.numel()
    seeds, images, rest = _compute_mean_squares(differences)
    cells = differences.numel()
    spread = _Spread(seeds / cells, max(images - rest, 0.0) / cells, max(images, rest) / cells, num_seeds - 1)
    reach = spread.compute_reach(confidence)
    interval = Interval(max(-1.0, mean - reach), min(1.0, mean + reach))
    return PairedDifference(mean, interval, spread.compute_p_value(mean), num_seeds, num_images)


def _compute_mean_squares(differences: Tensor) -> tuple[float, float, float]:
    """Return the mean squares of seeds, images and the rest; of one seed, those of seeds and rest are 0.

    Args:
        differences: (seeds, images) int8, in {-1, 0, 1}.
    """
    num_seeds, num_images = differences.shape
    of_seeds, of_images = differences.sum(1).double(), differences.sum(0).double()
    of_mean = float(of_seeds.sum()) ** 2 / differences.numel()
    of_all = float(differences.count_nonzero())
    images_square = float(of_images.square().sum()) / num_seeds
    two_more = 2 * (images_square / int(of_images.count_nonzero()) if images_square else num_seeds)
    images = (images_square - of_mean + two_more) / (num_images - 1)
    if num_seeds == 1:
        return 0.0, images, 0.0
    seeds_square = float(of_seeds.square().sum()) / num_images
    rest = (of_all - seeds_square - images_square + of_mean) / ((num_seeds - 1) * (num_images - 1))
    return max(0.0, (seeds_square - of_mean) / (num_seeds - 1)), images, max(0.0, rest)


@dataclass(frozen=True)
class _Spread:
    """Variance of a mean over seeds and images, by source.

    `of_seeds`, with few degrees of freedom, and `of_images` add up; `at_least` is what images alone give.
    """

    of_seeds: float
    of_images: float
    at_least: float
    degrees_of_freedom: int

    def compute_reach(self, confidence: float) -> float:
        """Return half the width of the interval."""
        z = NormalDist().inv_cdf((1 + confidence) / 2)
        reach_squared = z * z * self.at_least
        if self.degrees_of_freedom:
            t = compute_t_quantile((1 + confidence) / 2, self.degrees_of_freedom)
            reach_squared = max(reach_squared, t * t * self.of_seeds + z * z * self.of_images)
        return math.sqrt(reach_squared)

    def compute_p_value(self, mean: float) -> float:
        """Return 1 minus the confidence at which the interval would end at 0."""
        of_images_alone = math.erfc(abs(mean) / math.sqrt(2 * self.at_least))
        if not mean or not self.of_seeds:  # of one seed, or of seeds that happen to be alike
            return of_images_alone
        # t² of_seeds + z² of_images = mean², where t and z leave the same share outside, and z <= t
        low = abs(mean) / math.sqrt(self.of_seeds + self.of_images)
        high = abs(mean) / math.sqrt(self.of_seeds)
        while high - low > 1e-9 * high:
            t = (low + high) / 2
            outside = compute_t_p_value(t, self.degrees_of_freedom)
            z = -NormalDist().inv_cdf(max(outside / 2, 5e-324))  # of no share at all there is none
            is_too_far = t * t * self.of_seeds + z * z * self.of_images > mean * mean
            low, high = (low, t) if is_too_far else (t, high)
        return max(of_images_alone, compute_t_p_value(high, self.degrees_of_freedom))
