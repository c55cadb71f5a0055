"""How far probabilities are from shares: calibration errors, Brier's score in parts, and their intervals."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from loupe.statistics.intervals import Interval

_GRID = 200  # cells of [0, 1] in which residuals are smoothed
_MOST_BANDWIDTH = 0.5


@dataclass(frozen=True, eq=False)
class CalibrationBins:
    """Probabilities by bins of equal width over (0, 1], and what came true; empty bins hold 0.

    Args:
        counts: (bins,) int64, answers in each.
        confidence: (bins,) float64, mean probability.
        share: (bins,) float64, share that came true.
    """

    counts: Tensor
    confidence: Tensor
    share: Tensor

    @property
    def error(self) -> float:
        """Mean distance of probability and share over answers, in [0, 1]."""
        return float((self.counts * (self.confidence - self.share).abs()).sum() / self.counts.sum())


def bin_probabilities(probabilities: Tensor, came_true: Tensor, num_bins: int = 15) -> CalibrationBins:
    """Return probabilities by bins of equal width.

    Args:
        probabilities: (answers,) float in [0, 1].
        came_true: (answers,) bool.
        num_bins: ≥ 1.
    """
    exact = probabilities.double()
    edges = torch.linspace(0, 1, num_bins + 1, dtype=torch.float64)
    bins = torch.bucketize(exact, edges[1:-1])
    counts = torch.bincount(bins, minlength=num_bins)
    sums = torch.bincount(bins, exact, num_bins), torch.bincount(bins, came_true.double(), num_bins)
    confidence, share = (one / counts.clamp_min(1) for one in sums)
    return CalibrationBins(counts, confidence, share)


def compute_binned_error(probabilities: Tensor, came_true: Tensor, num_bins: int = 15) -> float:
    """Return the expected calibration error (Naeini et al., 2015), in [0, 1]; arguments as above."""
    return bin_probabilities(probabilities, came_true, num_bins).error


def compute_smooth_error(probabilities: Tensor, came_true: Tensor) -> float:
    """Return the smooth calibration error smECE (Błasiok and Nakkiran, 2023), in [0, 1].

    Residuals are smoothed along the probability by a Gaussian whose borders reflect; its bandwidth is the
    one that equals the error found with it. No bins, so that no answer counts by its side of an edge.

    Args:
        probabilities: (answers,) float in [0, 1].
        came_true: (answers,) bool.
    """
    from scipy.ndimage import gaussian_filter1d

    residuals = (came_true.double() - probabilities.double()) / len(probabilities)
    cells = (probabilities.double() * _GRID).long().clamp(0, _GRID - 1)
    on_grid = torch.bincount(cells, residuals, _GRID).numpy()

    def measure(bandwidth: float) -> float:
        smoothed = gaussian_filter1d(on_grid, bandwidth * _GRID, mode="reflect")
        return float(np.abs(smoothed).sum())

    low, high = 1e-3, _MOST_BANDWIDTH
    for _ in range(12):  # the error falls as the bandwidth grows: one crossing
        middle = (low + high) / 2
        low, high = (middle, high) if measure(middle) > middle else (low, middle)
    return measure((low + high) / 2)


@dataclass(frozen=True)
class BrierParts:
    """Brier's score as miscalibration - discrimination + uncertainty (Dimitriadis et al., 2021).

    Args:
        miscalibration: what probabilities set right, in the order they have, would save; ≥ 0.
        discrimination: what telling images apart saves against naming every class's share; ≥ 0.
        uncertainty: the score of every class's share.
    """

    miscalibration: float
    discrimination: float
    uncertainty: float

    @property
    def score(self) -> float:
        """The Brier score, over all classes, in [0, 2]."""
        return self.miscalibration - self.discrimination + self.uncertainty


def split_brier(probabilities: Tensor, labels: Tensor) -> BrierParts:
    """Return the Brier score in parts that add up exactly; each class against the rest, summed.

    Probabilities set right are those of an isotonic regression, so no bins have to be chosen.

    Args:
        probabilities: (images, classes) float.
        labels: (images,) int64.
    """
    miscalibration = discrimination = uncertainty = 0.0
    for label in range(probabilities.shape[1]):
        said = probabilities[:, label].double().numpy()
        truth = (labels == label).double().numpy()
        _, fitted, places = fit_isotonic(said, truth)
        mended = fitted[places]
        best, share = float(((mended - truth) ** 2).mean()), float(truth.mean())
        miscalibration += float(((said - truth) ** 2).mean()) - best
        uncertainty += share * (1 - share)
        discrimination += share * (1 - share) - best
    return BrierParts(miscalibration, discrimination, uncertainty)


Array = np.ndarray[tuple[int], np.dtype[np.float64]]


def fit_isotonic(said: Array, truth: Array) -> tuple[Array, Array, np.ndarray[tuple[int], np.dtype[np.intp]]]:
    """Return the isotonic regression of truth on what was said; equal ones count together.

    Args:
        said: (answers,) probabilities.
        truth: (answers,) 0 or 1.

    Returns:
        the different probabilities, ascending; what each is set to; and which of them each answer has.
    """
    from scipy.optimize import isotonic_regression

    levels, places = np.unique(said, return_inverse=True)
    weights = np.bincount(places).astype(np.float64)
    fitted: Array = isotonic_regression(np.bincount(places, truth) / weights, weights=weights).x
    return levels, fitted, places


def draw_resamples(num_images: int, seed: int, draws: int) -> Iterator[Tensor]:
    """Yield the positions of images drawn with replacement, (num_images,) int64 each."""
    generator = torch.Generator().manual_seed(seed)
    for _ in range(draws):
        yield torch.randint(num_images, (num_images,), generator=generator)


def make_basic_interval(
    value: float, drawn: Sequence[float], level: float, low: float = 0.0, high: float = 1.0
) -> Interval:
    """Return the basic bootstrap interval: twice the value minus quantiles of resamples, cut to its range.

    An error of calibration is larger in a resample than in the images it came from, as it is larger there
    than in truth: this takes that off. The interval always holds the value itself.

    Args:
        value: of all images.
        drawn: of resamples.
        level: in (0, 1).
        low: smallest value there can be.
        high: largest.
    """
    ends = np.quantile(drawn, [(1 + level) / 2, (1 - level) / 2])
    first, second = (2 * value - float(end) for end in ends)
    return Interval(min(value, max(low, first)), max(value, min(high, second)))


@dataclass(frozen=True)
class CalibrationError:
    """An error of calibration.

    Args:
        value: of the images, in [0, 1].
        interval: of the true error; down to 0 where calibrated answers would show as much.
        p_value: how often perfectly calibrated answers would show as large an error, in (0, 1].
    """

    value: float
    interval: Interval
    p_value: float


Measure = Callable[[Tensor, Tensor], float]


def judge_error(
    measure: Measure, confidence: Tensor, is_right: Tensor, level: float, seed: int, draws: int = 200
) -> CalibrationError:
    """Return an error of calibration with its interval, and whether chance alone would give as much.

    The interval is the basic bootstrap's. For the p value answers stay as sure as they are, and whether each
    is right is drawn with just that probability (Bröcker and Smith, 2007).

    Args:
        measure: the error, of probabilities and what came true.
        confidence: (answers,) float in [0, 1].
        is_right: (answers,) bool.
        level: in (0, 1).
        seed: of what is drawn.
        draws: resamples, and as many draws of calibrated answers.
    """
    value, total = measure(confidence, is_right), len(confidence)
    drawn = [measure(confidence[some], is_right[some]) for some in draw_resamples(total, seed, draws)]
    interval = make_basic_interval(value, drawn, level)
    generator = torch.Generator().manual_seed(seed)
    calibrated = (
        measure(confidence, torch.rand(total, generator=generator) < confidence) for _ in range(draws)
    )
    p_value = (sum(one >= value for one in calibrated) + 1) / (draws + 1)
    low = 0.0 if p_value > 1 - level else interval.low
    return CalibrationError(value, Interval(low, interval.high), p_value)
