"""How the error falls with the number of training images, and what it would be with more of them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from loupe.statistics.intervals import Interval

_Floats = NDArray[np.float64]

_FEWEST_SIZES = 4
_ROUNDING = 1e-6  # of single precision, and of the search for the exponent
_EXPONENTS: _Floats = np.geomspace(0.02, 5, 60)
_NUM_REFINEMENTS = 6  # of an exponent, each to a fifth of the step before


@dataclass(frozen=True)
class PowerLaw:
    """The learning curve error(n) = floor + scale · n^−exponent (Hestness et al., 2017).

    Args:
        floor: the error that no number of images removes, ≥ 0.
        scale: ≥ 0; 0 where the error does not fall with n, and the exponent then says nothing.
        exponent: > 0.
    """

    floor: float
    scale: float
    exponent: float

    def predict(self, size: float) -> float:
        """Return the error with `size` training images, > 0."""
        return self.floor + self.scale * math.pow(size, -self.exponent)


@dataclass(frozen=True)
class PredictedError:
    """The error a learning curve predicts: the mean over seeds, not the error of one more run.

    Args:
        size: training images.
        error: at this size by the fitted curve.
        interval: of the mean error of all seeds there could be at this size, on the images that errors were
            counted on, ≥ 0; one more run lies outside far more often. None if all errors lie on the curve up
            to rounding, as equal ones do: nothing then shows the noise.
    """

    size: float
    error: float
    interval: Interval | None


def fit_power_law(sizes: Sequence[float], errors: Sequence[Sequence[float]]) -> PowerLaw:
    """Return the power law nearest to the errors of one or several seeds.

    Least squares on the means over seeds, each weighted by its number of seeds over the error that the curve
    has there: an error is a count of wrong answers, and the variance of a count grows as the count. Least
    squares on logarithms would need the floor beforehand.

    For a given exponent the curve is linear in floor and scale, so these are solved for exactly, neither
    below 0, and the exponent is searched on a grid from 0.02 to 5 and then between its neighbours. There
    are no starting values: the same errors always give the same curve. It does not guard against a run that
    failed: leave that out, as nan.

    Args:
        sizes: numbers of training images, > 0, all different.
        errors: one sequence a seed, an error ≥ 0 for each size; nan where a run is missing.

    Raises:
        ValueError: fewer than four sizes with an error, a length that does not fit, sizes that are not
            different and above 0, or errors that are negative, infinite or all 0.
    """
    return _fit(_tabulate(sizes, errors)).law


def predict_errors(
    sizes: Sequence[float],
    errors: Sequence[Sequence[float]],
    at_sizes: Sequence[float],
    *,
    confidence: float = 0.95,
    num_draws: int = 2000,
    seed: int = 0,
) -> list[PredictedError]:
    """Return the mean error at other sizes, such as twice the largest, with intervals by bootstrap.

    The interval is one of the mean error over seeds, if errors go on following a power law; it knows nothing
    of a curve that bends later. Beyond the largest size it widens quickly.

    New means are drawn around the fitted curve and fitted again. Their noise has two parts, measured on the
    residuals: what shifts a whole seed at all sizes alike, and what is left, seeds and curve together. Few
    seeds measure noise badly, so every draw also draws how large each part may be (from χ², as behind
    Student's t). The parts are drawn from normal distributions: of three seeds only ten samples with
    replacement differ. With two seeds the first part has one degree of freedom, and the interval is wide;
    with one seed it cannot be measured, and the interval speaks of the curve of this seed.

    Args:
        sizes: as for `fit_power_law`.
        errors: as for `fit_power_law`.
        at_sizes: numbers of training images to predict for, > 0.
        confidence: level in (0, 1).
        num_draws: new curves fitted; 2000 give the ends of a 95 % interval to some 3 % of its width.
        seed: of the draws; the same seed gives the same intervals.

    Raises:
        ValueError: as for `fit_power_law`; a size to predict for that is not above 0.
    """
    if not all(0 < size < math.inf for size in at_sizes):
        raise ValueError(f"got sizes to predict for {list(at_sizes)}; allowed: numbers above 0")
    table = _tabulate(sizes, errors)
    fit = _fit(table)
    if not np.nanmax(abs(table.errors - fit.curve)) > _ROUNDING * table.means.max():
        return [PredictedError(size, fit.law.predict(size), None) for size in at_sizes]
    means = _draw_means(table, fit.curve, num_draws, np.random.default_rng(seed))
    drawn = _solve(table.sizes / fit.middle, means, fit.weights)
    shares = [(1 - confidence) / 2, (1 + confidence) / 2]
    predicted = []
    for size in at_sizes:
        curves = drawn.floor + drawn.scale * (size / fit.middle) ** -drawn.exponent
        low, high = (float(end) for end in np.quantile(curves, shares))
        error = fit.law.predict(size)
        predicted.append(PredictedError(size, error, Interval(min(low, error), max(high, error))))
    return predicted


def find_lack_of_fit(sizes: Sequence[float], errors: Sequence[Sequence[float]]) -> float | None:
    """Return the p value of the F test for lack of fit: how often errors on a power law lie as far off it.

    What the means over seeds are off the curve is held against what the seeds themselves differ, once
    what shifts a whole seed at all sizes alike is taken off, on the scale of the root of the error (Draper
    and Smith, 1998, 2.1, for repeated measurements). A small value says that the curve bends, or that
    something else than the number of images changed on the way, such as the number of steps: what the law
    says of other sizes is then not to be relied on. A large one does not say that the law goes on.

    Args:
        sizes: as for `fit_power_law`.
        errors: as for `fit_power_law`.

    Returns:
        In [0, 1]; None where no two seeds show how much they differ, or the curve has as many numbers as
        there are sizes.

    Raises:
        ValueError: as for `fit_power_law`.
    """
    table = _tabulate(sizes, errors)
    fit = _fit(table)
    measured = np.isfinite(table.errors)
    seeds, places = np.nonzero(measured)
    scaled = ((table.errors - fit.curve) / _take_root(fit.curve))[measured]
    num_seeds, num_sizes = measured.shape
    # one column a size and one a seed but the first, whose shift the sizes hold
    columns = np.hstack([np.eye(num_sizes)[places], np.eye(num_seeds)[seeds][:, 1:]])
    solved, _, rank, _ = np.linalg.lstsq(columns, scaled)
    noise, degrees = float(((scaled - columns @ solved) ** 2).sum()), len(scaled) - int(rank)
    law = fit.law
    degrees_off = num_sizes - (1 if not law.scale else 2 if not law.floor else 3)
    if degrees < 1 or degrees_off < 1:
        return None
    off = float((table.counts * ((table.means - fit.curve) / _take_root(fit.curve)) ** 2).sum())
    smallest = _ROUNDING**2 * float((table.means**2 / _take_root(fit.curve) ** 2).sum())
    if off <= smallest:
        return 1.0
    if noise <= smallest:
        return None
    return float(special.fdtrc(degrees_off, degrees, off / degrees_off / (noise / degrees)))


@dataclass(frozen=True, eq=False)
class _Table:
    """Errors by seed and size, nan where missing, in the order of the sizes that have any."""

    sizes: _Floats
    errors: _Floats

    @property
    def counts(self) -> _Floats:
        """Seeds with an error at each size."""
        counts: _Floats = np.isfinite(self.errors).sum(0, dtype=np.float64)
        return counts

    @property
    def means(self) -> _Floats:
        """Mean error at each size."""
        means: _Floats = np.nanmean(self.errors, 0)
        return means


def _tabulate(sizes: Sequence[float], errors: Sequence[Sequence[float]]) -> _Table:
    lengths = sorted({len(row) for row in errors})
    if lengths != [len(sizes)]:
        raise ValueError(f"got {len(sizes)} sizes, seeds with {lengths} errors; allowed: one error a size")
    if not all(0 < size < math.inf for size in sizes) or len(set(sizes)) < len(sizes):
        raise ValueError(f"got sizes {list(sizes)}; allowed: different numbers above 0")
    table = np.array(errors, dtype=np.float64)
    if (table < 0).any() or np.isinf(table).any():
        raise ValueError("got an error below 0 or infinite; allowed: 0 or more, nan for a missing run")
    has_size, has_seed = np.isfinite(table).any(0), np.isfinite(table).any(1)
    if has_size.sum() < _FEWEST_SIZES:
        got, few = int(has_size.sum()), _FEWEST_SIZES
        raise ValueError(f"got errors at {got} sizes; allowed: {few} or more, as a curve has 3 numbers")
    table = table[has_seed][:, has_size]
    if not np.nansum(table):
        raise ValueError("got errors that are all 0; allowed: a curve with something to fall from")
    return _Table(np.array(sizes, dtype=np.float64)[has_size], table)


@dataclass(frozen=True, eq=False)
class _Fit:
    """A fitted law; `curve` is its error at the sizes of the table; `weights` are what it was fitted with."""

    law: PowerLaw
    curve: _Floats
    weights: _Floats
    middle: float


@dataclass(frozen=True, eq=False)
class _Curves:
    """(curves,) floors, scales and exponents, of sizes in units of the middle one."""

    floor: _Floats
    scale: _Floats
    exponent: _Floats


def _fit(table: _Table) -> _Fit:
    # sizes in units of their middle: otherwise scale and exponent are hardly to be told apart
    middle = float(np.exp(np.log(table.sizes).mean()))
    units = table.sizes / middle
    means = table.means
    curve = np.full_like(means, means.mean())
    weights = table.counts / curve
    for _ in range(3):
        weights = table.counts / np.maximum(curve, 1e-3 * means.mean())
        found = _solve(units, means[None], weights)
        curve = found.floor + found.scale * units**-found.exponent
    exponent = float(found.exponent[0])
    law = PowerLaw(float(found.floor[0]), float(found.scale[0]) * middle**exponent, exponent)
    return _Fit(law, curve, weights, middle)


def _solve(units: _Floats, means: _Floats, weights: _Floats) -> _Curves:
    """Return the curve of least squares for each row of means.

    Args:
        units: (sizes,), in units of the middle one.
        means: (curves, sizes) errors, none below 0.
        weights: (sizes,).
    """
    found = _choose_exponent(units, means, weights, _EXPONENTS[None])
    ratio = float(_EXPONENTS[1] / _EXPONENTS[0])
    for _ in range(_NUM_REFINEMENTS):
        near: _Floats = ratio ** np.linspace(-1, 1, 11)
        found = _choose_exponent(units, means, weights, found.exponent[:, None] * near)
        ratio = float(near[-1] ** 0.2)
    return found


def _choose_exponent(units: _Floats, means: _Floats, weights: _Floats, exponents: _Floats) -> _Curves:
    """Return the curve of least squares for each row of means, with an exponent from the same row."""
    shapes = units[:, None] ** -exponents[:, None, :]  # (curves or 1, sizes, exponents)
    weight, of_shape, of_square = weights.sum(), weights @ shapes, weights @ shapes**2
    with_one = (means @ weights)[:, None]
    with_shape = ((means * weights)[:, None, :] @ shapes)[:, 0]
    scale = (with_shape * weight - of_shape * with_one) / (of_square * weight - of_shape**2)
    floor = (with_one - scale * of_shape) / weight
    # neither may be below 0, and not both can be, as no mean is
    scale = np.where(floor < 0, with_shape / of_square, scale)
    floor = np.where(floor < 0, 0.0, floor)
    floor = np.where(scale < 0, with_one / weight, floor)
    scale = np.maximum(scale, 0.0)
    # squared residuals, less what is the same for all exponents
    loss = floor**2 * weight + scale**2 * of_square
    loss += 2 * (floor * scale * of_shape - floor * with_one - scale * with_shape)
    best = loss.argmin(1)
    rows = np.arange(len(means))
    exponent = np.broadcast_to(exponents, loss.shape)[rows, best]
    return _Curves(floor[rows, best], scale[rows, best], exponent)


def _draw_means(table: _Table, curve: _Floats, num_draws: int, generator: np.random.Generator) -> _Floats:
    """Return (draws, sizes) mean errors such as other seeds might have given, none below 0.

    Residuals are put on one scale, that of the root of the error; the curve is not 0 anywhere.
    """
    root = _take_root(curve)
    residuals = (table.errors - curve) / root
    num_seeds, num_sizes = residuals.shape
    degrees = int(table.counts.sum()) - 3  # floor, scale and exponent
    noise = np.zeros((num_draws, 1))
    # of seeds with hardly a run each, what shifts a whole seed cannot be told from the rest
    if 1 < num_seeds <= degrees:
        degrees -= num_seeds - 1
        of_seeds = np.nanmean(residuals, 1, keepdims=True)
        residuals = residuals - (of_seeds - of_seeds.mean())
        noise = _draw_t(generator, num_draws, 1, num_seeds - 1) * of_seeds.std(ddof=1) / math.sqrt(num_seeds)
    std = math.sqrt(np.nansum(residuals**2) / degrees)
    noise = noise + _draw_t(generator, num_draws, num_sizes, degrees) * std / np.sqrt(table.counts)
    means: _Floats = np.maximum(curve + root * noise, 0.0)
    return means


def _take_root(curve: _Floats) -> _Floats:
    root: _Floats = np.sqrt(np.maximum(curve, 1e-3 * curve.mean()))
    return root


def _draw_t(generator: np.random.Generator, num_draws: int, num_columns: int, degrees: int) -> _Floats:
    """Return (draws, columns) normal draws, those of a row over one draw of how large the std may be."""
    drawn: _Floats = generator.standard_normal((num_draws, num_columns))
    drawn /= np.sqrt(generator.chisquare(degrees, (num_draws, 1)) / degrees)
    return drawn
