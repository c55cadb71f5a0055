"""A moving average of the weights: often better than the weights of any one step."""

import copy

import torch
from torch import Tensor, nn


class WeightAverage:
    """An exponential moving average of a network's weights, itself a network to judge.

    After n updates the average moves by 1 - min(decay, (1 + n) / (10 + n)) towards the weights: the first
    steps, far from any good weights, are soon forgotten. Floating-point buffers (running statistics) are
    averaged too, counters are copied.

    Args:
        model: the network to follow; it is copied.
        decay: part of the average kept at each update, in (0, 1).
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.model = copy.deepcopy(model).requires_grad_(False)
        self.decay = decay
        self.num_updates = 0

    def update(self, model: nn.Module) -> None:
        """Move the average towards the weights as they stand."""
        decay = min(self.decay, (1 + self.num_updates) / (10 + self.num_updates))
        averages, currents = [], []
        with torch.no_grad():
            for average, current in zip(_tensors_of(self.model), _tensors_of(model), strict=True):
                if average.is_floating_point():
                    averages.append(average)
                    currents.append(current.detach())
                else:
                    average.copy_(current)
            torch._foreach_lerp_(averages, currents, 1 - decay)  # all at once: one launch on a GPU
        self.num_updates += 1


def _tensors_of(model: nn.Module) -> list[Tensor]:
    return [*model.parameters(), *model.buffers()]
