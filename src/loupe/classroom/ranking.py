"""Places in a class: who is clearly better than whom on the same images, and who shares a place."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from loupe.data.stratified import stratified_order
from loupe.metrics import Metric, MetricValue, Predictions, choose_metric, describe_metric
from loupe.metrics.reported import LOSS, headline_of
from loupe.statistics.comparison import adjust_for_many, compute_mcnemar
from loupe.statistics.intervals import compute_t_p_value, compute_wilson_interval
from loupe.statistics.score_intervals import compute_mean_interval
from loupe.training.objectives import negative_log_likelihood

_MOST_GROUPS = 50
_ACCURACY = headline_of("classification").name


@dataclass(frozen=True)
class Place:
    """Where one stands.

    Args:
        first: best place it may have: one more than there are clearly better ones.
        last: worst place: those that are clearly worse come after it.
    """

    first: int
    last: int

    def __str__(self) -> str:
        return str(self.first) if self.first == self.last else f"{self.first}–{self.last}"


def score(predictions: Predictions, name: str, confidence: float) -> MetricValue:
    """Return what a metric says of a network's answers, with its interval over images."""
    metric = describe_metric(name, "classification")
    if name == _ACCURACY:
        correct, total = int(predictions.is_right.sum()), len(predictions.labels)
        return MetricValue(metric, correct / total, compute_wilson_interval(correct, total, confidence))
    if name == LOSS:
        losses = negative_log_likelihood(predictions.logits.double(), predictions.labels)
        return MetricValue(metric, float(losses.mean()), compute_mean_interval(losses, confidence, low=0))
    return choose_metric(name).compute(predictions, confidence)


def find_places(predictions: Sequence[Predictions], name: str, confidence: float) -> list[Place]:
    """Return the place of each of several networks, judged on the same images, in the order given.

    Every two are compared image by image: by McNemar's exact test (1947) where accuracy counts, else by the
    difference of their metrics over a grouped jackknife. All comparisons are looked at together (Holm, 1979).
    One shares a place with all that are not clearly better or worse.

    Args:
        predictions: of each, in the same order of images.
        name: of the metric.
        confidence: level of all comparisons together.
    """
    count = len(predictions)
    pairs = [(one, other) for one in range(count) for other in range(one + 1, count)]
    gains, p_values = (_compare_accuracies if name == _ACCURACY else _compare_values)(
        predictions, pairs, name
    )
    is_clear = [p < 1 - confidence for p in adjust_for_many(p_values)]
    better, worse = [0] * count, [0] * count
    for (one, other), gain, clear in zip(pairs, gains, is_clear, strict=True):
        if clear and gain != 0:
            winner, loser = (one, other) if gain > 0 else (other, one)
            worse[winner] += 1
            better[loser] += 1
    return [Place(1 + above, count - below) for above, below in zip(better, worse, strict=True)]


Pairs = Sequence[tuple[int, int]]


def _compare_accuracies(
    predictions: Sequence[Predictions], pairs: Pairs, name: str
) -> tuple[list[float], list[float]]:
    right = torch.stack([one.is_right for one in predictions]).double() if predictions else torch.zeros(0, 0)
    only = (right @ (1 - right).T).round().long()  # (one, other): images that one alone gets right
    gains = [float(only[one, other] - only[other, one]) for one, other in pairs]
    return gains, [compute_mcnemar(int(only[one, other]), int(only[other, one])) for one, other in pairs]


def _compare_values(
    predictions: Sequence[Predictions], pairs: Pairs, name: str
) -> tuple[list[float], list[float]]:
    """Return gains and p values by a jackknife over groups of images (Quenouille, 1956; Tukey, 1958).

    Each group has the classes in their proportions, so that no metric loses one.
    """
    if not predictions:
        return [], []
    metric = describe_metric(name, "classification")
    labels = predictions[0].labels
    order = stratified_order(labels, torch.Generator().manual_seed(0))
    num_groups = max(2, min(_MOST_GROUPS, len(labels) // 2))
    everywhere = torch.arange(len(labels))
    subsets = [everywhere] + [
        everywhere[~torch.isin(everywhere, order[group::num_groups])] for group in range(num_groups)
    ]
    measured = np.array([[_measure(one, subset, name) for subset in subsets] for one in predictions])
    signed = measured if metric.is_higher_better else -measured
    gains, p_values = [], []
    for one, other in pairs:
        whole, *parts = signed[one] - signed[other]
        gains.append(float(whole))
        p_values.append(_jackknife(float(whole), np.array(parts)))
    return gains, p_values


def _measure(predictions: Predictions, subset: Tensor, name: str) -> float:
    value = score(Predictions(predictions.labels[subset], predictions.logits[subset]), name, 0.95).value
    return math.nan if value is None else value


def _jackknife(whole: float, parts: NDArray[np.float64]) -> float:
    """Return the p value of a difference of 0; 1 where it is not defined, or nothing varies."""
    if not (math.isfinite(whole) and bool(np.isfinite(parts).all())) or whole == 0:
        return 1.0
    count = len(parts)
    variance = (count - 1) / count * float(((parts - parts.mean()) ** 2).sum())
    return compute_t_p_value(whole / math.sqrt(variance), count - 1) if variance > 0 else 1.0


def order_best_first(values: Sequence[float], metric: Metric) -> list[int]:
    """Return indices, the best value first; equal ones keep their order."""
    sign = -1 if metric.is_higher_better else 1
    return sorted(range(len(values)), key=lambda index: sign * values[index])
