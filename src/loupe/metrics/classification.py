"""Figures computed from predictions; each accuracy with its interval."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from torch import Tensor

from loupe.metrics.metric import MetricValue, read_values
from loupe.metrics.predictions import Predictions
from loupe.metrics.registry import LOSS, ChosenMetric, compute_values, describe_metric, headline_of
from loupe.statistics.intervals import Interval, compute_wilson_interval
from loupe.training.objectives import negative_log_likelihood


@dataclass(frozen=True)
class ClassAccuracy:
    """Accuracy among the images of one class."""

    name: str
    correct: int
    num_images: int
    accuracy: float
    interval: Interval


@dataclass(frozen=True)
class Metrics:
    """How well a network does on a set of images.

    Args:
        accuracy: share of images whose most probable class is the true one, in [0, 1].
        interval: Wilson interval of the accuracy.
        correct: images right.
        num_images: images in all.
        loss: mean negative log likelihood in nats, never smoothed.
        class_names: one name a class.
        per_class: accuracy of each class that has images here.
        confusion: counts; row = true class, column = predicted class.
        metrics: what the metrics that the recipe names say, by name.
    """

    accuracy: float
    interval: Interval
    correct: int
    num_images: int
    loss: float
    class_names: tuple[str, ...]
    per_class: tuple[ClassAccuracy, ...]
    confusion: tuple[tuple[int, ...], ...]
    metrics: Mapping[str, MetricValue] = field(default_factory=dict)

    @property
    def headline(self) -> MetricValue:
        """What stands for the network where there is room for one number: the accuracy."""
        return MetricValue(headline_of("classification"), self.accuracy, self.interval)

    @property
    def reported_loss(self) -> MetricValue:
        """The mean negative log likelihood."""
        return MetricValue(describe_metric(LOSS, "classification"), self.loss)

    @property
    def values(self) -> list[MetricValue]:
        """All there is: accuracy, loss, and what the further metrics say."""
        return [self.headline, self.reported_loss, *self.metrics.values()]

    @property
    def baselines(self) -> tuple[()]:
        """Guesses that need no network: none stands beside an accuracy."""
        return ()

    def describe(self) -> str:
        """Return the accuracy in words, with its interval."""
        return self.headline.describe()

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Metrics":
        return cls(
            **{
                **values,
                "interval": Interval(**values["interval"]),
                "class_names": tuple(values["class_names"]),
                "per_class": tuple(
                    ClassAccuracy(**{**one, "interval": Interval(**one["interval"])})
                    for one in values["per_class"]
                ),
                "confusion": tuple(tuple(row) for row in values["confusion"]),
                "metrics": read_values(values.get("metrics", {})),
            }
        )


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
        loss=float(negative_log_likelihood(predictions.logits.double(), predictions.labels).mean()),
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
