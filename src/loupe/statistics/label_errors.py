"""Labels that are probably wrong, by confident learning: from scores that no image's own network gave.

Northcutt, Jiang and Chuang, Confident Learning: Estimating Uncertainty in Dataset Labels, 2021,
arXiv:1911.00068. A class's threshold is the mean score its own images get for it; an image that reaches
thresholds is counted in the joint under the likeliest of those classes. cleanlab, by the same authors, is the
oracle of the tests.
"""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class LabelErrors:
    """What confident learning says of labels.

    Args:
        thresholds: (classes,) float64, mean score of each class among the images labelled so; 1 for a class
            without images.
        joint: (classes, classes) int64, images labelled so (row) that are confidently of that class (column).
        suggested: (images,) int64, the most likely class beside the label, scores held against thresholds.
        margins: (images,) float64 in [-1, 1], what the label has more than the suggestion, of scores that are
            held against thresholds and sum to 1; the lower, the likelier the label is wrong.
        is_confident: (images,) bool, those off the diagonal of the joint.
    """

    thresholds: Tensor
    joint: Tensor
    suggested: Tensor
    margins: Tensor
    is_confident: Tensor

    def rank(self) -> Tensor:
        """Return the candidates, likeliest errors first, (candidates,) int64.

        They are those off the diagonal of the joint, and those of which another class is likelier.
        """
        candidates = (self.is_confident | (self.margins < 0)).nonzero().flatten()
        return candidates[self.margins[candidates].argsort(stable=True)]

    def rank_within_classes(self, labels: Tensor) -> Tensor:
        """Return each candidate's place within its class, from 1; 0 of other images, (images,) int64."""
        places = torch.zeros_like(labels)
        ranked = self.rank()
        for label in labels[ranked].unique():
            of_class = ranked[labels[ranked] == label]
            places[of_class] = torch.arange(1, len(of_class) + 1)
        return places


def find_label_errors(labels: Tensor, probabilities: Tensor) -> LabelErrors:
    """Return what confident learning says of labels.

    Args:
        labels: (images,) int64.
        probabilities: (images, classes) float, each row of a network that had not seen the image.
    """
    scores, num_classes = probabilities.double(), probabilities.shape[1]
    one_hot = torch.nn.functional.one_hot(labels, num_classes).bool()
    counts = one_hot.sum(0)
    thresholds = (scores * one_hot).sum(0) / counts.clamp_min(1)
    thresholds = torch.where(counts > 0, thresholds, 1.0)
    reaches = scores >= thresholds - 1e-6  # rounding takes no image off its own mean
    best = torch.where(reaches, scores, -1.0).argmax(1)
    has_class = reaches.any(1)
    best = torch.where(has_class, best, labels)
    joint = torch.zeros(num_classes, num_classes, dtype=torch.int64)
    ones = torch.ones(int(has_class.sum()), dtype=torch.int64)
    joint.index_put_((labels[has_class], best[has_class]), ones, accumulate=True)
    margins, suggested = _compute_margins(scores, thresholds, one_hot)
    return LabelErrors(
        thresholds,
        joint,
        suggested=torch.where(best != labels, best, suggested),
        margins=margins,
        is_confident=best != labels,
    )


def _compute_margins(scores: Tensor, thresholds: Tensor, one_hot: Tensor) -> tuple[Tensor, Tensor]:
    """Return margins of labels and the best other classes, of scores less their thresholds."""
    adjusted = scores - thresholds + thresholds.max()
    adjusted = adjusted / adjusted.sum(1, keepdim=True)
    own = adjusted[one_hot]
    others = torch.where(one_hot, -torch.inf, adjusted).max(1)
    return own - others.values, others.indices
