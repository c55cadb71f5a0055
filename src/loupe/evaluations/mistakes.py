"""Which images a network gets wrong, which it is unsure of: errors as indices of images."""

from typing import Literal

import torch
from torch import Tensor

from loupe.metrics.predictions import Predictions

Uncertainty = Literal["margin", "entropy"]


def group_by_cell(predictions: Predictions) -> dict[tuple[int, int], Tensor]:
    """Return the images behind each cell of the confusion matrix, most confident first.

    Returns:
        (true class, predicted class) → (images in the cell,) int64 indices; empty cells are left out.
    """
    order = predictions.confidence.argsort(descending=True, stable=True)
    labels, predicted = predictions.labels[order], predictions.predicted[order]
    cells, of_cell, sizes = torch.stack([labels, predicted], 1).unique(
        dim=0, return_inverse=True, return_counts=True
    )
    images = order[of_cell.argsort(stable=True)].split(sizes.tolist())
    return {(true, guess): some for (true, guess), some in zip(cells.tolist(), images, strict=True)}


def rank_mistakes(predictions: Predictions) -> Tensor:
    """Return the images that are wrong, (mistakes,) int64 indices, most confident first."""
    wrong = (~predictions.is_right).nonzero().flatten()
    return wrong[predictions.confidence[wrong].argsort(descending=True, stable=True)]


def rank_uncertain(predictions: Predictions, by: Uncertainty = "margin") -> Tensor:
    """Return all images, (images,) int64 indices, least certain first.

    Args:
        predictions: of the images.
        by: "margin", the difference of the two largest probabilities, or "entropy" of all of them.
    """
    if by == "margin":
        return compute_margins(predictions).argsort(stable=True)
    return compute_entropies(predictions).argsort(descending=True, stable=True)


def compute_margins(predictions: Predictions) -> Tensor:
    """Return each image's largest probability minus its second largest, (images,) in [0, 1]."""
    most, second = predictions.logits.double().softmax(1).topk(2, dim=1).values.unbind(1)
    return most - second


def compute_entropies(predictions: Predictions) -> Tensor:
    """Return the entropy of each image's probabilities in nats, (images,) in [0, log classes]."""
    logarithms = predictions.logits.double().log_softmax(1)
    # a probability of 0 adds nothing; its logarithm may be -inf, and 0 × inf is not a number
    return -(logarithms.exp() * logarithms.clamp_min(-1e4)).sum(1)
