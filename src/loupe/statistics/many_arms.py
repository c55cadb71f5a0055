"""Arms that were run with several seeds each: how much their runs vary, and how they differ from one arm."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from loupe.statistics.conclusions import Difference, conclude
from loupe.statistics.families import Kind, Together
from loupe.statistics.intervals import Interval
from loupe.statistics.planning import count_seeds
from loupe.statistics.seed_effects import FEWEST_IN_PAIRS, SharedSeeds
from loupe.statistics.spreads import Spread, average_rows, is_varied
from loupe.statistics.variances import DOUBT_IN_PAIRS, moderate_variances, share_satterthwaite

_Floats = NDArray[np.float64]


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
        num_seeds: that both have; where they have none in common, of the arm with the fewer.
        is_paired: whether seeds were paired.
        images: what images add; None if only seeds count as drawn by chance.
        shares_seeds: whether it rests on the seeds that both have; else on all of either.
    """

    mean: float
    of_seeds: float
    degrees_of_freedom: float
    share: float
    num_seeds: int
    is_paired: bool = False
    images: ImageChance | None = None
    shares_seeds: bool = True

    @property
    def p_value(self) -> float:
        """Two-sided: the share outside at which an interval would end at 0."""
        if self.mean == 0:
            return 1.0
        if self.images is None or not self.images.at_least:
            t = abs(self.mean) / math.sqrt(self.of_seeds)
            return min(1.0, 2 * float(special.stdtr(self.degrees_of_freedom, -t)))
        low, high = 1e-300, 1.0
        for _ in range(200):
            middle = math.sqrt(low * high)
            low, high = (middle, high) if self.reach(middle) > abs(self.mean) else (low, middle)
            if high < low * (1 + 1e-10):
                break
        return high

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


@dataclass(frozen=True, eq=False)
class Comparisons:
    """Every arm of a `Spread` against one of them.

    Args:
        variances: (..., arms) of the difference of two means, over seeds.
        degrees_of_freedom: (..., arms) of that variance.
        shares: (..., arms) what part of it is the reference's.
    """

    variances: _Floats
    degrees_of_freedom: _Floats
    shares: _Floats


def compare_all(spread: Spread, reference: int, shared: int | None = None) -> Comparisons:
    """Return how well differences from a reference are known; nan for arms with fewer than two seeds.

    Welch's test with the moderated variances. Its degrees of freedom are never more than those of all arms
    together: variances that were drawn together are one estimate, not two; and of arms with unequal seeds
    never more than twice the fewest, which is the most that equal seeds give. A part of what
    Satterthwaite's formula gives above the fewest degrees of freedom is left out (`share_satterthwaite`).

    Args:
        spread: of all arms, by all of their seeds.
        reference: the arm that others are compared with.
        shared: seeds that both means of a difference are over; all of each arm if left out.
    """
    of_arm = spread.variances / (spread.counts if shared is None else shared)
    known = spread.degrees_of_freedom
    of_reference, least = of_arm[..., [reference]], known[..., [reference]]
    total = of_arm + of_reference
    with np.errstate(divide="ignore", invalid="ignore"):
        degrees = total**2 / (of_arm**2 / known + of_reference**2 / least)
        share_of_reference = np.where(total > 0, of_reference / total, 0.5)
    degrees = np.minimum(degrees, spread.total_degrees_of_freedom)
    fewest = np.minimum(np.minimum(known, least), degrees)
    # two seeds that happen to agree beside ten others: their variance would count as next to nothing
    is_uneven = spread.counts != spread.counts[reference]
    degrees = np.where(is_uneven, np.minimum(degrees, 2 * fewest), degrees)
    num_arms = int((spread.counts >= 2).sum())
    share = share_satterthwaite(np.minimum(spread.counts, spread.counts[reference]), num_arms)
    degrees = fewest + share * (degrees - fewest)
    return Comparisons(total, degrees, share_of_reference)


def compare_with_reference(
    spread: Spread,
    arm: int,
    reference: int,
    images: ImageChance | None = None,
    shared: SharedSeeds | None = None,
) -> RawDifference | None:
    """Return how an arm differs from the reference; None where too few seeds say how much it may vary.

    Args:
        spread: of all arms, by all of their seeds.
        arm: what is compared.
        reference: what it is compared with.
        images: what images add.
        shared: the difference on the seeds that both have, of which there are to be two; where it is left
            out each mean is over all seeds of its arm, at least two.
    """
    fewest = int(min(spread.counts[arm], spread.counts[reference]))
    num_seeds = fewest if shared is None else shared.count
    if min(fewest, num_seeds) < 2:
        return None
    found = compare_all(spread, reference, None if shared is None else shared.count)
    plain = float(spread.means[arm] - spread.means[reference])
    return RawDifference(
        mean=plain if shared is None else shared.mean,
        of_seeds=float(found.variances[arm]),
        degrees_of_freedom=float(found.degrees_of_freedom[arm]),
        share=float(found.shares[arm]),
        num_seeds=num_seeds,
        images=images,
        shares_seeds=shared is not None,
    )


def compare_in_pairs(
    differences: _Floats, images: Sequence[ImageChance | None]
) -> list[RawDifference | None]:
    """Return mean differences over the seeds that both arms have, by Student's paired test.

    Six and more are looked at together: their variances are moderated like those of arms.

    Args:
        differences: (comparisons, seeds) arm minus reference; nan where a run is missing.
        images: what images add to each.

    Returns:
        None for fewer than two seeds, or where nothing varies at all.
    """
    counts = np.isfinite(differences).sum(1).astype(np.float64)
    enough = counts >= 2
    if not enough.any() or not is_varied(differences[enough]):
        return [None] * len(differences)
    means = average_rows(differences)
    squares = np.nansum((differences - means[:, None])[enough] ** 2, 1)
    found = moderate_variances(squares / (counts[enough] - 1), counts[enough] - 1, doubt=DOUBT_IN_PAIRS)
    variances, known = np.full(len(means), math.nan), np.zeros(len(means))
    variances[enough], known[enough] = found.values, found.degrees_of_freedom
    return [
        RawDifference(
            mean=float(mean),
            of_seeds=float(variance / count),
            degrees_of_freedom=float(degrees),
            share=0.5,  # of arms that vary alike
            num_seeds=int(count),
            is_paired=True,
            images=of_images,
        )
        if count >= 2
        else None
        for mean, variance, degrees, count, of_images in zip(
            means, variances, known, counts, images, strict=True
        )
    ]


@dataclass(frozen=True)
class Family:
    """What one table prints together.

    Args:
        confidence: level in (0, 1), for all of it at once.
        margin: size up to which a difference counts as practically none.
        num_others: further comparisons of the page; each takes its part of the chance of a false alarm.
        kind: how the comparisons hang together.
        num_arms: arms, the reference among them; one more than the comparisons if left out.
        widest: how far apart two figures can be (1 of shares): intervals are cut there.
    """

    confidence: float
    margin: float
    num_others: int = 0
    kind: Kind = "one reference"
    num_arms: int | None = None
    widest: float = math.inf


def judge_family(differences: Sequence[RawDifference], family: Family) -> list[Difference]:
    """Return differences with p values, intervals and conclusions that hold for all of them at once.

    P value and interval come from the same single step, so that an interval leaves out 0 exactly where the p
    value is below the error rate: a table cannot contradict its sentence.
    """
    if not differences:
        return []
    weight = 1 + family.num_others / len(differences)
    error_rate = (1 - family.confidence) / weight
    num_arms = family.num_arms or len(differences) + 1
    together = Together(
        family.kind, [one.share for one in differences], _choose_degrees(differences), num_arms
    )
    level = together.find_level(error_rate)
    return [_judge(one, together, level, weight, family) for one in differences]


def _choose_degrees(differences: Sequence[RawDifference]) -> float:
    """Return the degrees of freedom by which comparisons are judged together.

    The fewer there are, the more comparisons are taken to err together in their spread, and the less is taken
    off for their number. Where runs are missing they rest on different seeds, or on pairs of too few: they
    are then taken to share no error of their spread, only the reference's luck.
    """
    counts = {one.num_seeds for one in differences}
    if len(counts) > 1 or any(one.is_paired and one.num_seeds < FEWEST_IN_PAIRS for one in differences):
        return math.inf
    return min(one.degrees_of_freedom for one in differences)


def _judge(one: RawDifference, together: Together, level: float, weight: float, family: Family) -> Difference:
    raw, reach = one.p_value, one.reach(level)
    p_value = min(1.0, together.adjust(raw) * weight)
    # the level was found by halving: the p value is on the side on which the interval is
    error_rate = 1 - family.confidence
    p_value = (
        min(p_value, error_rate) if reach < abs(one.mean) else max(p_value, math.nextafter(error_rate, 1))
    )
    # cut where no difference can lie: on which side of 0 the ends are stays as it is
    interval = Interval(max(-family.widest, one.mean - reach), min(family.widest, one.mean + reach))
    conclusion = conclude(interval, p_value, family.margin, family.confidence)
    needed, without_images = None, None
    if conclusion == "cannot tell":
        needed, without_images = (
            count_seeds(
                variance=one.of_seeds * one.num_seeds,
                of_images=of_images,
                target=max(family.margin, abs(one.mean)),
                num_comparisons=round(error_rate / level),
                num_arms=together.num_arms,
                confidence=family.confidence,
                at_least=one.num_seeds + 1,
            )
            for of_images in (one.images.added if one.images else 0.0, 0.0)
        )
    num_images = one.images.num_images if one.images else None
    return Difference(
        one.mean,
        interval,
        p_value,
        one.num_seeds,
        num_images,
        conclusion,
        needed,
        one.is_paired,
        one.shares_seeds,
        without_images,
    )
