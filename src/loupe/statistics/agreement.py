"""How often two networks say the same, beside what chance would give; and whether one is not worse."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from loupe.statistics.intervals import Interval

Verdict = Literal["not worse", "worse", "open"]


@dataclass(frozen=True)
class Agreement:
    """Equal answers of two networks to the same images.

    Args:
        share: of images to which both say the same class, in [0, 1].
        by_chance: the share that two networks of these accuracies would have whose mistakes have nothing to
            do with each other.
        kappa: Cohen's kappa of the answers (Cohen, 1960), in [-1, 1]; None where both name one class alone.
        error_consistency: the same of right and wrong (Geirhos et al., 2020): 0 where networks are right
            together as often as their accuracies alone give, 1 where always; None where that is certain.
    """

    share: float
    by_chance: float
    kappa: float | None
    error_consistency: float | None


def measure_agreement(first: Tensor, second: Tensor, labels: Tensor, num_classes: int) -> Agreement:
    """Return how far two networks agree.

    Args:
        first: (images,) int64, classes that the first network names.
        second: (images,) int64, those of the second.
        labels: (images,) int64, true classes.
        num_classes: ≥ 2.
    """
    total = len(labels)
    share = float((first == second).double().mean())
    ours, theirs = (torch.bincount(one, minlength=num_classes).double() / total for one in (first, second))
    right, other = first == labels, second == labels
    both = float((right == other).double().mean())
    one, two = float(right.double().mean()), float(other.double().mean())
    alike = one * two + (1 - one) * (1 - two)
    by_chance = one * two + (1 - one) * (1 - two) / (num_classes - 1)
    return Agreement(share, by_chance, _beyond(share, float(ours @ theirs)), _beyond(both, alike))


def _beyond(seen: float, expected: float) -> float | None:
    return None if expected > 1 - 1e-12 else (seen - expected) / (1 - expected)


def judge_non_inferiority(interval: Interval, margin: float) -> Verdict:
    """Return whether the first network is shown to be at most `margin` worse than the second.

    "not worse" where the whole interval of the difference lies above -margin, "worse" where it lies below,
    "open" where it holds -margin: too few images to say. With a two-sided interval at 95 % the error of
    saying "not worse" is 2.5 %, as regulators ask (ICH E9, 1998).

    Args:
        interval: of the first network's share minus the second's.
        margin: in the same unit, > 0.
    """
    if interval.low > -margin:
        return "not worse"
    return "worse" if interval.high < -margin else "open"
