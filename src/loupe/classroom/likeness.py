"""Networks that are equal among students, or nearly: by their weights, and by their answers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from loupe.classroom.fingerprints import Fingerprint
from loupe.classroom.people import identify

NEARLY = 0.01
"""Part of the length of the weights up to which two networks count as nearly equal. Trainings that differ in
anything, even in one seed or in the rate, are many times as far apart."""
_SAME_ANSWERS = 1e-3  # of the largest logit; rounding on another machine stays below
_SAME_TO_THE_BIT = 0.1
"""Part of the sampled weights that may be equal to the bit. Trained apart, hardly any is."""
_FEWEST_SAMPLED = 50

Likeness = Literal[
    "copied run",
    "same recipe and seed",
    "equal weights",
    "nearly equal weights",
    "weights in common",
    "equal answers",
]


@dataclass(frozen=True)
class Graded:
    """What is compared of one submission.

    Args:
        name: whose it is.
        submitted: when.
        fingerprint: of its network.
        logits: (images, classes) float32 on the hidden images; None if it was refused.
    """

    name: str
    submitted: datetime
    fingerprint: Fingerprint
    logits: Tensor | None


@dataclass(frozen=True)
class Pair:
    """Two submissions that are alike.

    Args:
        earlier: index of the one that was handed in first, as the files say.
        later: index of the other.
        likeness: how.
        distance: between the weights, as part of their length, 0 if they are equal; of weights in common, the
            part of them that is not.
    """

    earlier: int
    later: int
    likeness: Likeness
    distance: float

    def is_copy(self, may_share: bool) -> bool:
        """Return whether one came from the other.

        Args:
            may_share: whether trainings may start from weights that others have too.
        """
        return is_copy(self.likeness, may_share)

    def describe(self, name: str) -> str:
        """Return in words how the later one is like the earlier one, which is `name`'s."""
        said = {
            "copied run": f"the same run as {name}'s, to the second of each epoch",
            "same recipe and seed": f"the same weights as {name}'s: the same recipe, with the same seed",
            "equal weights": f"the same weights as {name}'s, under another recipe",
            "nearly equal weights": f"nearly the weights of {name}, {100 * self.distance:.2g} % off",
            "weights in common": f"{100 * (1 - self.distance):.0f} % of its weights are those of {name}",
            "equal answers": f"the same answers to every hidden image as {name}'s, from other weights",
        }
        return said[self.likeness]


def find_alike(submissions: Sequence[Graded]) -> Iterator[Pair]:
    """Yield the pairs that are alike, each submission with the earliest one of another student it is like."""
    order = sorted(range(len(submissions)), key=lambda index: (submissions[index].submitted, index))
    for rank, later in enumerate(order):
        for earlier in order[:rank]:
            one, other = submissions[earlier], submissions[later]
            if identify(one.name) == identify(other.name):
                continue
            found = compare(one, other)
            if found is not None:
                yield Pair(earlier, later, *found)
                break


def compare(one: Graded, other: Graded) -> tuple[Likeness, float] | None:
    """Return how two submissions are alike, and the distance of their weights; None if they are not."""
    found = compare_weights(one.fingerprint, other.fingerprint)
    if found is not None or one.logits is None or other.logits is None:
        return found
    scale = max(1.0, float(one.logits.abs().max()))
    if torch.allclose(one.logits, other.logits, rtol=0, atol=_SAME_ANSWERS * scale):
        return "equal answers", measure_distance(one.fingerprint, other.fingerprint)
    return None


def is_copy(likeness: Likeness, may_share: bool) -> bool:
    """Return whether one network came from the other: one recipe with one seed comes to the same by itself.

    Args:
        likeness: how they are alike.
        may_share: whether trainings may start from weights that others have too.
    """
    return likeness != "same recipe and seed" and not (may_share and likeness == "weights in common")


def compare_weights(first: Fingerprint, second: Fingerprint) -> tuple[Likeness, float] | None:
    """Return how two networks are alike by their weights and trainings, as `compare` does."""
    is_same_recipe = first.recipe == second.recipe
    if first.training == second.training:
        return "copied run", measure_distance(first, second)
    if first.weights == second.weights:
        return ("same recipe and seed" if is_same_recipe else "equal weights"), 0.0
    distance = measure_distance(first, second)
    if distance < NEARLY:
        return ("same recipe and seed" if is_same_recipe else "nearly equal weights"), distance
    common = measure_common(first, second)
    if common > _SAME_TO_THE_BIT:
        return "weights in common", 1 - common
    return None


def measure_distance(one: Fingerprint, other: Fingerprint) -> float:
    """Return how far apart weights are, as part of their length, by their sketches; inf for other shapes."""
    if one.shape != other.shape:
        return float("inf")
    first, second = np.array(one.sketch), np.array(other.sketch)
    length = max(float(np.linalg.norm(first)), float(np.linalg.norm(second)), 1e-12)
    return float(np.linalg.norm(first - second)) / length


def measure_common(one: Fingerprint, other: Fingerprint) -> float:
    """Return the part of sampled weights that is equal to the bit, in [0, 1].

    Left aside is what is equal in networks that never met: 0, 1 and whatever several weights have alike,
    as those that training left where they began, or counted.
    """
    if one.shape != other.shape:
        return 0.0
    first, second = np.array(one.sample), np.array(other.sample)
    counted = np.ones(len(first), bool)
    for values in (first, second):
        _, index, count = np.unique(values, return_inverse=True, return_counts=True)
        counted &= count[index] == 1
    if counted.sum() < _FEWEST_SAMPLED:
        return 0.0
    return float((first == second)[counted].mean())
