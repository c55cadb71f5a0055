"""Answers of a network that does not exist."""

from collections.abc import Sequence

import torch

from loupe.metrics import Predictions


def answer(labels: Sequence[int], predicted: Sequence[int], num_classes: int) -> Predictions:
    """Return answers that name these classes."""
    logits = 3.0 * torch.nn.functional.one_hot(torch.tensor(predicted), num_classes)
    return Predictions(torch.tensor(labels), logits)
