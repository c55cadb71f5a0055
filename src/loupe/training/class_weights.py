"""Losses that count an image by its class: for classes of unequal size."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from loupe.training.losses import Loss, compute_each, share_targets


@dataclass(frozen=True)
class ClassWeighted:
    """A loss in which each image counts with the weight of its class; it is still a mean over images.

    An image of several classes counts with the mean of their weights by its shares.

    Args:
        loss: of a classifier.
        weights: of each class, ≥ 0.
    """

    loss: Loss
    weights: tuple[float, ...]

    def __call__(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return self.each(outputs, targets)

    def each(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return each image's weighted loss, (batch,)."""
        weights = torch.tensor(self.weights, dtype=outputs.dtype, device=outputs.device)
        of_images = share_targets(outputs, targets) @ weights
        return of_images * compute_each(self.loss, outputs, targets)


def weigh_classes(
    kind: Literal["balanced", "effective"], class_counts: Sequence[int], beta: float = 0.0
) -> tuple[float, ...]:
    """Return a weight for each class, such that their mean over training images is 1.

    So the gradient keeps its size, and the learning rate its meaning. "balanced" weighs inversely to the
    number of images, as scikit-learn does; "effective" inversely to (1 - beta^n) / (1 - beta), the effective
    number of n images (Cui et al., 2019, arXiv:1901.05555): 1 for all at beta 0, balanced near beta 1. A
    class without images counts 0.

    Args:
        kind: of weights.
        class_counts: training images of each class.
        beta: in [0, 1), for "effective".
    """
    counts = torch.tensor(class_counts, dtype=torch.float64)
    numbers = counts if kind == "balanced" else (1 - beta**counts) / (1 - beta)
    weights = torch.where(counts > 0, 1 / numbers.clamp_min(1e-12), 0)
    return tuple((weights * counts.sum() / (weights * counts).sum()).tolist())


def name_weights(weights: Mapping[int, float], num_classes: int) -> tuple[float, ...]:
    """Return a weight for each class: those stated, and 1 for the others."""
    return tuple(weights.get(label, 1.0) for label in range(num_classes))
