"""Figures computed from predictions; each accuracy with its interval."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from loupe.metrics.predictions import Predictions
from loupe.metrics.registry import ChosenMetric, compute_values
from loupe.metrics.scores import ClassAccuracy, Metrics
from loupe.statistics.intervals import compute_wilson_interval


@dataclass(frozen=True)
class ConfusedPair:
    """Images of one class taken for another: how many, and as a share of the true class."""

    true_class: str
    predicted_class: str
    count: int
    share: float


def compute_metrics(
    predictions: Predictions,
    class_names: tuple[str, ...],
    confidence: float = 0.95,
    chosen: Sequence[ChosenMetric] = (),
) -> Metrics:
    """Return accuracy, loss, per-class accuracies, confusion and the chosen metrics, with intervals."""
    confusion = compute_confusion(predictions.labels, predictions.predicted, len(class_names))
    right, totals = confusion.diagonal().tolist(), confusion.sum(1).tolist()
    correct, num_images = sum(right), sum(totals)
    per_class = tuple(
        ClassAccuracy(name, one, total, one / total, compute_wilson_interval(one, total, confidence))
        for name, one, total in zip(class_names, right, totals, strict=True)
        if total
    )
    return Metrics(
        accuracy=correct / num_images,
        interval=compute_wilson_interval(correct, num_images, confidence),
        correct=correct,
        num_images=num_images,
        loss=float(predictions.losses.mean()),
        class_names=class_names,
        per_class=per_class,
        confusion=tuple(tuple(row) for row in confusion.tolist()),
        metrics=compute_values(chosen, predictions, confidence),
    )


def compute_confusion(labels: Tensor, predicted: Tensor, num_classes: int) -> Tensor:
    """Return (classes, classes) int64 counts; row = true class, column = predicted class.

    Raises:
        ValueError: a label or prediction is no class.
    """
    for indices in (labels, predicted):
        if len(indices) and not 0 <= int(indices.min()) <= int(indices.max()) < num_classes:
            raise ValueError(f"got classes {int(indices.min())} to {int(indices.max())} of {num_classes}")
    cells = labels * num_classes + predicted
    return torch.bincount(cells, minlength=num_classes**2).view(num_classes, num_classes)


def rank_confused_pairs(
    confusion: tuple[tuple[int, ...], ...], class_names: tuple[str, ...], most: int = 8
) -> list[ConfusedPair]:
    """Return the most confused ordered pairs, by share of the true class, then by count.

    A share, not a fixed count, so that it means the same on sets of any size.
    """
    pairs = [
        ConfusedPair(class_names[true], class_names[guess], count, count / sum(row))
        for true, row in enumerate(confusion)
        for guess, count in enumerate(row)
        if true != guess and count
    ]
    return sorted(pairs, key=lambda pair: (-pair.share, -pair.count))[:most]
