"""Arms that were run with several seeds each, compared with one of them: one analysis of all runs."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from loupe.statistics.conclusions import Difference, conclude
from loupe.statistics.families import adjust_with_reference, find_level
from loupe.statistics.intervals import Interval, has_spread
from loupe.statistics.planning import count_seeds
from loupe.statistics.variances import moderate_variances

_Floats = NDArray[np.float64]

_PAIRING_LEVEL = 0.01  # seeds are paired where they surely matter; else pairing only loses freedom
_FEWEST_IN_PAIRS = 3  # of two arms, seeds that matter and luck look alike


@dataclass(frozen=True, eq=False)
class Spread:
    """What is known of the differences between arms and their reference, before they are looked at.

    Args:
        means: (arms,) over the seeds.
        variances: (arms,) of one run.
        degrees_of_freedom: (arms,) of each variance.
        total_degrees_of_freedom: of all of them.
        counts: (arms,) seeds.
        is_paired: whether what a seed does to all arms alike has been taken out.
    """

    means: _Floats
    variances: _Floats
    degrees_of_freedom: _Floats
    total_degrees_of_freedom: float
    counts: _Floats
    is_paired: bool


def estimate_spread(values: _Floats, reference: int | None = None) -> Spread | None:
    """Return means and variances of arms over their seeds; None if nothing shows how much runs vary.

    Variances are estimated over all arms together as far as they agree (`moderate_variances`). Where the same
    seeds surely shift all arms alike (an F test of seeds in the table of arms × seeds, at 1 %), the seeds are
    paired: that part of the spread does not touch differences.

    Args:
        values: (arms, seeds); nan where a run is missing.
        reference: the arm that others are compared with; if its spread stands out, it is kept as it is.
    """
    counts = np.isfinite(values).sum(1).astype(np.float64)
    enough = counts >= 2
    if not enough.any() or not _varies(values[enough]):
        return None
    means = np.array([row[np.isfinite(row)].mean() if np.isfinite(row).any() else math.nan for row in values])
    residuals = values - means[:, None]
    is_paired = bool(np.isfinite(values).all()) and _do_seeds_matter(residuals)
    degrees = counts[enough] - 1
    if is_paired:
        residuals = residuals - residuals.mean(0)
        degrees = degrees * (len(values) - 1) / len(values)
    squares = np.nansum(residuals[enough] ** 2, 1)
    if not squares.any():
        return None
    guarded = None if reference is None or not enough[reference] else int(enough[:reference].sum())
    moderated = moderate_variances(squares / degrees, degrees.tolist(), guarded)
    variances, known = np.full(len(values), math.nan), np.zeros(len(values))
    variances[enough], known[enough] = moderated.values, moderated.degrees_of_freedom
    return Spread(means, variances, known, moderated.total_degrees_of_freedom, counts, is_paired)


def _varies(values: _Floats) -> bool:
    """Return whether some arm's runs differ by more than rounding."""
    scale = float(np.nanmax(np.abs(values)))
    return any(has_spread(row[np.isfinite(row)].tolist(), scale) for row in values)


def _do_seeds_matter(residuals: _Floats) -> bool:
    """Return whether seeds shift arms alike.

    Args:
        residuals: (arms, seeds) from the mean of the arm; complete.
    """
    num_arms, num_seeds = residuals.shape
    if num_arms < _FEWEST_IN_PAIRS or num_seeds < 2:
        return False
    of_seeds = float((residuals.mean(0) ** 2).sum()) * num_arms / (num_seeds - 1)
    rest_degrees = (num_arms - 1) * (num_seeds - 1)
    rest = float(((residuals - residuals.mean(0)) ** 2).sum()) / rest_degrees
    return bool(rest == 0 or special.fdtrc(num_seeds - 1, rest_degrees, of_seeds / rest) < _PAIRING_LEVEL)


@dataclass(frozen=True)
class ImageChance:
    """What the choice of test images adds to the chance in a difference, beyond what seeds show of it.

    Args:
        added: variance that comes on top of that of the seeds.
        at_least: variance that images alone would give.
        num_images: test images.
    """

    added: float
    at_least: float
    num_images: int


@dataclass(frozen=True)
class RawDifference:
    """A difference, not yet adjusted for others it is printed with.

    Args:
        mean: arm minus reference.
        of_seeds: variance of the mean, over seeds.
        degrees_of_freedom: of that variance.
        share: what part of it is the reference's.
        num_seeds: of the arm with the fewer.
        is_paired: whether seeds were paired.
        images: what images add; None if only seeds count as drawn by chance.
    """

    mean: float
    of_seeds: float
    degrees_of_freedom: float
    share: float
    num_seeds: int
    is_paired: bool
    images: ImageChance | None = None

    @property
    def p_value(self) -> float:
        """Two-sided: how often two equally good arms would differ as much."""
        if self.images is None:
            return min(1.0, 2 * float(special.stdtr(self.degrees_of_freedom, -self.t_statistic)))
        low, high = 1e-300, 1.0
        for _ in range(200):
            middle = math.sqrt(low * high)
            low, high = (middle, high) if self.reach(middle) > abs(self.mean) else (low, middle)
            if high < low * (1 + 1e-10):
                break
        return high

    @property
    def t_statistic(self) -> float:
        """How many standard errors the mean is from 0, counting seeds alone: Student's t."""
        return abs(self.mean) / math.sqrt(self.of_seeds)

    def reach(self, p_value: float) -> float:
        """Return how far from 0 a mean is that has this p value: half the width of an interval.

        Seeds, of which there are few, keep their own quantile beside images, of which there are many
        (Banerjee, 1960).
        """
        t = -float(special.stdtrit(self.degrees_of_freedom, p_value / 2))
        squared = t * t * self.of_seeds
        if self.images is not None:
            z = -float(special.ndtri(p_value / 2))
            squared = max(squared + z * z * self.images.added, z * z * self.images.at_least)
        return math.sqrt(squared)


def compare_with_reference(
    spread: Spread, arm: int, reference: int, images: ImageChance | None = None
) -> RawDifference | None:
    """Return how an arm differs from the reference; None where either has fewer than two seeds.

    Welch's test with the moderated variances. Its degrees of freedom are never more than those of all arms
    together: variances that were drawn together are one estimate, not two.
    """
    if min(spread.counts[arm], spread.counts[reference]) < 2:
        return None
    of_arm = float(spread.variances[arm] / spread.counts[arm])
    of_reference = float(spread.variances[reference] / spread.counts[reference])
    total = of_arm + of_reference
    known = spread.degrees_of_freedom
    degrees = total**2 / (of_arm**2 / known[arm] + of_reference**2 / known[reference])
    return RawDifference(
        mean=float(spread.means[arm] - spread.means[reference]),
        of_seeds=total,
        degrees_of_freedom=min(degrees, spread.total_degrees_of_freedom),
        share=of_reference / total,
        num_seeds=int(min(spread.counts[arm], spread.counts[reference])),
        is_paired=spread.is_paired,
        images=images,
    )


@dataclass(frozen=True)
class Family:
    """What one table prints together.

    Args:
        confidence: level in (0, 1), for all of it at once.
        margin: size up to which a difference counts as practically none.
        num_families: tables of the page that share the chance of a false alarm.
        has_one_reference: whether all are taken from the same runs, and so are correlated.
    """

    confidence: float
    margin: float
    num_families: int = 1
    has_one_reference: bool = True


def judge_family(differences: Sequence[RawDifference], family: Family) -> list[Difference]:
    """Return differences with p values, intervals and conclusions that hold for all of them at once.

    P value and interval come from the same single step, so that an interval leaves out 0 exactly where the p
    value is below the error rate: a table cannot contradict its sentence.
    """
    if not differences:
        return []
    error_rate = (1 - family.confidence) / family.num_families
    shares = [one.share for one in differences]
    degrees = min(one.degrees_of_freedom for one in differences)
    if family.has_one_reference:
        level = find_level(shares, degrees, error_rate)
        adjusted = adjust_with_reference([one.p_value for one in differences], shares, degrees)
    else:
        level = error_rate / len(differences)
        adjusted = [min(1.0, one.p_value * len(differences)) for one in differences]
    judged = []
    for one, p_value in zip(differences, adjusted, strict=True):
        p_value, reach = min(1.0, p_value * family.num_families), one.reach(level)
        interval = Interval(one.mean - reach, one.mean + reach)
        conclusion = conclude(interval, p_value, family.margin, family.confidence)
        needed = None
        if conclusion == "cannot tell":
            needed = count_seeds(
                variance=one.of_seeds * one.num_seeds,
                of_images=one.images.added if one.images else 0.0,
                target=max(family.margin, abs(one.mean)),
                num_arms=1 + len(differences),
                confidence=1 - error_rate,
                at_least=one.num_seeds + 1,
            )
        judged.append(
            Difference(
                one.mean,
                interval,
                p_value,
                one.num_seeds,
                one.images.num_images if one.images else None,
                conclusion,
                needed,
                one.is_paired,
            )
        )
    return judged
