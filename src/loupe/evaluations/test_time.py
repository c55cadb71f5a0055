"""Test-time augmentation: the mean of what a network says of several views of an image."""

from collections.abc import Iterator
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from loupe.data.batches import EvaluationBatches
from loupe.metrics.predictions import Predictions
from loupe.runtime import Precision
from loupe.training.measure import evaluating, run_model

Views = Literal["mirror", "mirror-shift"]
"""mirror: the image and its mirror image. mirror-shift: both also moved by one pixel along the diagonal, to
either side, the border mirrored; the unmoved pair counts half, each moved pair a quarter."""


def predict_views(
    model: nn.Module, batches: EvaluationBatches, views: Views, precision: Precision = "float32"
) -> Predictions:
    """Return predictions whose logits are weighted means over views of each image."""
    logits = []
    with evaluating(model):
        for batch in batches:
            seen = [
                weight * run_model(model, view, precision) for view, weight in make_views(batch.images, views)
            ]
            logits.append(torch.stack(seen).sum(0).cpu())
    return Predictions(batches.dataset.labels.cpu(), torch.cat(logits))


def make_views(images: Tensor, views: Views) -> Iterator[tuple[Tensor, float]]:
    """Yield each view of a batch, of the shape of the batch, and its weight; weights add to 1.

    Args:
        images: (batch, channels, height, width) floating point, each side ≥ 2 pixels.
        views: which.
    """
    moved = [images] if views == "mirror" else [images, *_shift(images)]
    for index, one in enumerate(moved):
        weight = 1.0 if views == "mirror" else 0.5 if index == 0 else 0.25
        for view in (one, one.flip(-1)):
            yield view, weight / 2


def _shift(images: Tensor) -> tuple[Tensor, Tensor]:
    """Return the images moved down and right by one pixel, and up and left."""
    height, width = images.shape[-2:]
    padded = F.pad(images, (1, 1, 1, 1), mode="reflect")
    return padded[..., :height, :width], padded[..., 2 : height + 2, 2 : width + 2]
