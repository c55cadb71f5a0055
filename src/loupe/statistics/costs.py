"""Answers by what they cost."""

import torch
from torch import Tensor


def expect_costs(probabilities: Tensor, costs: Tensor) -> Tensor:
    """Return what each answer is expected to cost, (images, answers) float64.

    Args:
        probabilities: (images, classes) float, calibrated.
        costs: (classes, answers) float64: what an answer costs where the row is true.
    """
    return probabilities.double() @ costs


def decide_cheapest(probabilities: Tensor, costs: Tensor) -> Tensor:
    """Return the answer of least expected cost, (images,) int64 (Elkan, 2001; Bayes' decision).

    Of equally cheap ones the more probable class, so that equal costs give the most probable class.
    """
    expected = expect_costs(probabilities, costs)
    num_classes = probabilities.shape[1]
    likely = torch.zeros_like(expected)
    likely[:, :num_classes] = probabilities.double()
    is_cheapest = expected <= expected.min(1, keepdim=True).values + 1e-9
    return torch.where(is_cheapest, likely, torch.full_like(likely, -1.0)).argmax(1)


def spend(decided: Tensor, labels: Tensor, costs: Tensor) -> Tensor:
    """Return what each image's answer costs, (images,) float64.

    Args:
        decided: (images,) int64, columns of `costs`.
        labels: (images,) int64, its rows.
        costs: (classes, answers) float64.
    """
    return costs[labels, decided]
