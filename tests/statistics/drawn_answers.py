"""Answers of studies that never were: arms, places, seeds and images, drawn by chance."""

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import torch
from numpy.typing import NDArray

from loupe.statistics.arm_runs import ArmRun

Floats = NDArray[np.float64]

EASE, LUCK = 1.2, 0.5
"""Spreads of how easy an image is for all, and of a run's luck with one image."""


@dataclass(frozen=True)
class Answers:
    """How answers are drawn: right where the sum of normal effects is above 0.

    Args:
        shifts: (arms,) spread of what a seed does to all answers of an arm, in units of the effects.
        num_seeds: of each arm.
        num_images: test images, the same for all runs.
        num_places: places, at each of which a seed is run anew.
        own_images: spread of how easy an image is for one arm alone.
        accuracy: of every arm that does not differ, over all seeds and images there could be.
        gains: (arms,) what is added to an arm's accuracy.
    """

    shifts: Floats
    num_seeds: int
    num_images: int
    num_places: int = 1
    own_images: float = 0.2
    accuracy: float = 0.908
    gains: Floats | None = None

    def draw(self, generator: np.random.Generator) -> NDArray[np.bool_]:
        """Return whether each answer is right: (arms, places, seeds, images)."""
        num_arms = len(self.shifts)
        ease = EASE * generator.standard_normal(self.num_images, dtype=np.float32)
        own = self.own_images * generator.standard_normal((num_arms, 1, 1, self.num_images), dtype=np.float32)
        shape = (num_arms, self.num_places, self.num_seeds, 1)
        shift = self.shifts[:, None, None, None] * generator.standard_normal(shape)
        luck = LUCK * generator.standard_normal((*shape[:3], self.num_images), dtype=np.float32)
        right: NDArray[np.bool_] = ease + own + luck > -(self._find_means() + shift).astype(np.float32)
        return right

    def _find_means(self) -> Floats:
        gains = np.zeros(len(self.shifts)) if self.gains is None else self.gains
        stds = np.sqrt(EASE**2 + LUCK**2 + self.own_images**2 + self.shifts**2)
        wanted = [NormalDist().inv_cdf(self.accuracy + gain) for gain in gains.tolist()]
        found: Floats = (np.array(wanted) * stds)[:, None, None, None]
        return found

    def shift_for(self, points: float) -> float:
        """Return the spread of shifts that makes accuracies vary by so many points over seeds."""
        normal = NormalDist()
        slope = normal.pdf(normal.inv_cdf(self.accuracy)) / math.sqrt(EASE**2 + LUCK**2)
        return points / 100 / slope


def list_runs(right: NDArray[np.bool_]) -> list[ArmRun]:
    """Return the runs of drawn answers, arms and places named by their numbers."""
    return [
        ArmRun(str(arm), (str(place),), seed, float(answers.mean()), torch.from_numpy(answers), "drawn")
        for arm, of_arm in enumerate(right)
        for place, of_place in enumerate(of_arm)
        for seed, answers in enumerate(of_place)
    ]
