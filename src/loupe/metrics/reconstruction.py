"""Judging a network that gives its images back: errors, beside those of guesses that need no network."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from loupe.data.batches import EvaluationBatches
from loupe.metrics.metric import MetricValue
from loupe.metrics.registry import ChosenMetric, compute_values
from loupe.metrics.scores import Baseline, ReconstructionScore
from loupe.runtime import Precision
from loupe.statistics.intervals import Interval
from loupe.statistics.score_intervals import compute_mean_interval
from loupe.training.measure import compute_outputs
from loupe.training.objectives import Reconstruction

_SHOWN = 8  # images of each kind: least error, median, most


@dataclass(frozen=True, eq=False)
class GivenBack:
    """A set of images given back, as metrics see it.

    Args:
        errors: (images,) float32, each image's mean squared error per pixel.
        outputs: (images, channels, height, width) float32, what the network gave; None if it is not at hand.
        images: the same shape, what it was given, normalised; None if it is not at hand.
    """

    errors: Tensor
    outputs: Tensor | None = None
    images: Tensor | None = None


@dataclass(frozen=True, eq=False)
class Reconstructions:
    """What a network made of a set of images.

    Args:
        errors: (images,) float32, each image's mean squared error per pixel.
        shown: (some,) int64, images worth a look: least error first, then around the median, then most.
        pictures: (some, channels, height, width) uint8, what the network made of those.
        values: what the chosen metrics say, by name.
    """

    errors: Tensor
    shown: Tensor
    pictures: Tensor
    values: Mapping[str, MetricValue] = field(default_factory=dict)


def reconstruct(
    model: nn.Module,
    batches: EvaluationBatches,
    precision: Precision = "float32",
    *,
    chosen: Sequence[ChosenMetric] = (),
    level: float = 0.95,
) -> Reconstructions:
    """Return the network's reconstruction of every image: all errors, some pictures, the chosen metrics."""
    outputs = compute_outputs(model, batches, precision).split(batches.batch_size)
    objective, errors = Reconstruction(), []
    for batch, output in zip(batches, outputs, strict=True):
        errors.append(objective.losses(output.to(batch.images.device), batch).cpu())
    all_errors = torch.cat(errors)
    shown = _choose_shown(all_errors)
    pixels = batches.normalization.invert(torch.cat(outputs)[shown])
    images = torch.cat([batch.images.cpu() for batch in batches]) if chosen else None
    values = compute_values(chosen, GivenBack(all_errors, torch.cat(outputs), images), level)
    return Reconstructions(all_errors, shown, (pixels * 255).round().to(torch.uint8), values)


def _choose_shown(errors: Tensor) -> Tensor:
    order = errors.argsort(stable=True)
    some = min(_SHOWN, len(order) // 3)
    if not some:
        return order
    middle = (len(order) - some) // 2
    return torch.cat([order[:some], order[middle : middle + some], order[-some:]])


def compute_reconstruction_score(
    errors: Tensor,
    baselines: tuple[Baseline, ...],
    confidence: float = 0.95,
    metrics: Mapping[str, MetricValue] | None = None,
) -> ReconstructionScore:
    """Return the mean error with its interval, beside the baselines.

    Args:
        errors: (images,) float, each image's mean squared error per pixel.
        baselines: of the same images, from `compute_baselines`.
        confidence: level in (0, 1).
        metrics: what the metrics that the recipe names say, by name.
    """
    interval = compute_mean_interval(errors, confidence, low=0) or Interval(0.0, math.inf)
    return ReconstructionScore(float(errors.double().mean()), interval, len(errors), baselines, metrics or {})


def compute_baselines(train: EvaluationBatches, judged: EvaluationBatches) -> tuple[Baseline, ...]:
    """Return the errors of guesses learnt from the training images, on the images judged.

    The constant is the mean of all training pixels: the best single grey. The mean image is the best
    guess that is the same for every image.
    """
    mean_image = sum(batch.images.double().sum(0) for batch in train) / len(train.dataset)
    assert isinstance(mean_image, Tensor)
    guesses = {"constant": mean_image.mean().expand_as(mean_image), "mean image": mean_image}
    return tuple(
        Baseline(
            name,
            float(sum((batch.images - guess).square().flatten(1).mean(1).sum() for batch in judged))
            / len(judged.dataset),
        )
        for name, guess in guesses.items()
    )
