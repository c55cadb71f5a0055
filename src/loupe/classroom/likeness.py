"""Networks that are equal among students, or nearly: by their weights, and by their answers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from loupe.classroom.answering import Fingerprint

NEARLY = 0.01
"""Part of the length of the weights up to which two networks count as nearly equal. Trainings that differ in
anything, even in one seed or in the rate, are many times as far apart."""
_SAME_ANSWERS = 1e-3  # of the largest logit; rounding on another machine stays below

Likeness = Literal[
    "copied run", "same recipe and seed", "equal weights", "nearly equal weights", "equal answers"
]


@dataclass(frozen=True)
class Graded:
    """What is compared of one submission.

    Args:
        name: whose it is.
        submitted: when.
        fingerprint: of its network.
        logits: (images, classes) float32 on the hidden images.
    """

    name: str
    submitted: datetime
    fingerprint: Fingerprint
    logits: Tensor


@dataclass(frozen=True)
class Pair:
    """Two submissions that are alike.

    Args:
        earlier: index of the one that was handed in first, as the files say.
        later: index of the other.
        likeness: how.
        distance: between the weights, as part of their length; 0 if they are equal.
    """

    earlier: int
    later: int
    likeness: Likeness
    distance: float

    @property
    def is_copy(self) -> bool:
        """Whether one came from the other: the same recipe and seed come to the same by themselves."""
        return self.likeness != "same recipe and seed"

    def describe(self, name: str) -> str:
        """Return in words how the later one is like the earlier one, which is `name`'s."""
        said = {
            "copied run": f"the same run as {name}'s, to the second of each epoch",
            "same recipe and seed": f"the same weights as {name}'s: the same recipe, with the same seed",
            "equal weights": f"the same weights as {name}'s, under another recipe",
            "nearly equal weights": f"nearly the weights of {name}, {100 * self.distance:.2g} % off",
            "equal answers": f"the same answers to every hidden image as {name}'s, from other weights",
        }
        return said[self.likeness]


def find_alike(submissions: Sequence[Graded]) -> Iterator[Pair]:
    """Yield the pairs that are alike, each submission with the earliest one of another student it is like."""
    order = sorted(range(len(submissions)), key=lambda index: (submissions[index].submitted, index))
    for rank, later in enumerate(order):
        for earlier in order[:rank]:
            one, other = submissions[earlier], submissions[later]
            if one.name == other.name:
                continue
            found = compare(one, other)
            if found is not None:
                yield Pair(earlier, later, *found)
                break


def compare(one: Graded, other: Graded) -> tuple[Likeness, float] | None:
    """Return how two submissions are alike, and the distance of their weights; None if they are not."""
    first, second = one.fingerprint, other.fingerprint
    is_same_recipe = first.recipe == second.recipe
    if first.training == second.training:
        return "copied run", measure_distance(first, second)
    if first.weights == second.weights:
        return ("same recipe and seed" if is_same_recipe else "equal weights"), 0.0
    distance = measure_distance(first, second)
    if distance < NEARLY:
        return ("same recipe and seed" if is_same_recipe else "nearly equal weights"), distance
    scale = max(1.0, float(one.logits.abs().max()))
    if torch.allclose(one.logits, other.logits, rtol=0, atol=_SAME_ANSWERS * scale):
        return "equal answers", distance
    return None


def measure_distance(one: Fingerprint, other: Fingerprint) -> float:
    """Return how far apart weights are, as part of their length, by their sketches; inf for other shapes."""
    if one.shape != other.shape:
        return float("inf")
    first, second = np.array(one.sketch), np.array(other.sketch)
    length = max(float(np.linalg.norm(first)), float(np.linalg.norm(second)), 1e-12)
    return float(np.linalg.norm(first - second)) / length
