"""Answering only where it is sure: thresholds, what they leave unanswered, and sets that hold the truth."""

import math
from dataclasses import dataclass

import numpy as np
import torch
from scipy.special import bdtrc
from torch import Tensor

_STEPS, _STARTS = 50, 10
_MOST_AT_ONCE = 4_000_000  # probabilities held as float64


@dataclass(frozen=True, eq=False)
class Coverage:
    """Answers sorted by how sure they are, surest first, and how many are right up to each.

    Args:
        thresholds: (answers,) float64, descending: answers at least as sure as this are given.
        answered: (answers,) int64, how many those are, equally sure ones together.
        correct: (answers,) int64, how many of them are right.
    """

    thresholds: Tensor
    answered: Tensor
    correct: Tensor

    @property
    def accuracy(self) -> Tensor:
        """Share of the answers given that is right, (answers,) float64."""
        return self.correct / self.answered

    @property
    def area(self) -> float:
        """Mean share of mistakes over all coverages, in [0, 1]: the area under risk against coverage."""
        return float((1 - self.accuracy).mean())


def rank_by_confidence(confidence: Tensor, is_right: Tensor) -> Coverage:
    """Return answers sorted by how sure they are.

    Args:
        confidence: (answers,) float.
        is_right: (answers,) bool.
    """
    thresholds, order = confidence.double().sort(descending=True, stable=True)
    correct = is_right[order].long().cumsum(0)
    last = torch.searchsorted(-thresholds, -thresholds, right=True) - 1  # of equally sure ones
    return Coverage(thresholds, last + 1, correct[last])


@dataclass(frozen=True)
class Threshold:
    """The least probability an answer needs, and what came of it where it was chosen.

    Args:
        below: answers less sure than this are not given, in [0, 1].
        answered: answers given.
        correct: how many of them are right.
        total: all images.
    """

    below: float
    answered: int
    correct: int
    total: int


def find_threshold(ranked: Coverage, wished: float) -> Threshold | None:
    """Return the threshold that answers most images with at least this accuracy; None if none reaches it.

    What is reached where it was chosen flatters a little; `find_certain_threshold` takes that into account.

    Args:
        ranked: answers.
        wished: accuracy, in (0, 1].
    """
    reached = (ranked.accuracy >= wished).nonzero().flatten()
    return _take(ranked, int(reached[-1])) if len(reached) else None


def find_certain_threshold(ranked: Coverage, wished: float, level: float) -> Threshold | None:
    """Return the most generous threshold whose accuracy is certain to be as wished; None if none is.

    Thresholds are tried from strict to generous, each by an exact binomial test, up to the first that fails;
    from ten starts, so that one early mistake does not end it, which share the chance of error. With
    probability `level` the accuracy on new images of the same kind is then as wished (Angelopoulos et al.,
    2021: Learn then Test, fixed sequences).

    Args:
        ranked: answers.
        wished: accuracy, in (0, 1).
        level: in (0, 1).
    """
    total = len(ranked.thresholds)
    chance = (1 - level) / _STARTS
    fewest = math.ceil(math.log(chance) / math.log(wished)) if wished < 1 else total + 1
    if fewest > total:
        return None
    tried = torch.linspace(fewest, total, _STEPS).round().long() - 1
    answered, correct = ranked.answered[tried], ranked.correct[tried]
    # how often answers that are right less often than wished would be right so often
    is_certain = bdtrc(correct.numpy() - 1, answered.numpy(), wished) <= chance
    best = -1
    for start in range(0, _STEPS, _STEPS // _STARTS):
        failed = np.flatnonzero(~is_certain[start:])
        if is_certain[start]:
            best = max(best, (start + int(failed[0]) if len(failed) else _STEPS) - 1)
    return _take(ranked, int(tried[best])) if best >= 0 else None


def find_cheapest_threshold(ranked: Coverage, cost: float) -> Threshold:
    """Return the threshold with the least cost, if a mistake costs `cost` times what no answer costs.

    Args:
        ranked: answers, at least one.
        cost: of a mistake, ≥ 0.
    """
    total = len(ranked.thresholds)
    spent = (total - ranked.answered) + cost * (ranked.answered - ranked.correct)
    best = int(spent.argmin())
    if float(spent[best]) >= total:  # no answer at all is cheaper
        return Threshold(1.0, 0, 0, total)
    return _take(ranked, best)


def _take(ranked: Coverage, index: int) -> Threshold:
    return Threshold(
        float(ranked.thresholds[index]),
        int(ranked.answered[index]),
        int(ranked.correct[index]),
        len(ranked.thresholds),
    )


def find_conformal_limits(probabilities: Tensor, labels: Tensor, wished: float, by_class: bool) -> Tensor:
    """Return the least probability with which a class belongs to an image's set, (classes,) float64.

    Split conformal prediction (Vovk et al., 2005; Sadinle et al., 2019): the set of an image holds its class
    with probability `wished` at least, whatever the network, if images are exchangeable. By class, that holds
    for the images of each class; where a class has too few images its limit is 0, and it is in every set.

    Args:
        probabilities: (images, classes) float, of images the network did not train on.
        labels: (images,) int64.
        wished: coverage, in (0, 1).
        by_class: whether each class has a limit of its own.
    """
    num_classes = probabilities.shape[1]
    of_truth = probabilities.gather(1, labels[:, None]).flatten().double()
    if not by_class:
        return torch.full((num_classes,), _find_limit(of_truth, wished), dtype=torch.float64)
    limits = [_find_limit(of_truth[labels == label], wished) for label in range(num_classes)]
    return torch.tensor(limits, dtype=torch.float64)


def _find_limit(of_truth: Tensor, wished: float) -> float:
    kept = math.ceil((len(of_truth) + 1) * wished - 1e-9)  # so many true classes have to be in their sets
    if kept > len(of_truth):
        return 0.0
    return float(of_truth.sort(descending=True).values[kept - 1])


def make_sets(probabilities: Tensor, limits: Tensor) -> Tensor:
    """Return which classes are in each image's set, (images, classes) bool."""
    rows = max(1, _MOST_AT_ONCE // probabilities.shape[1])
    return torch.cat([part.double() >= limits for part in probabilities.split(rows)])
