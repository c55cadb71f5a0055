"""First weights, drawn from torch's global generator; `Streams.as_global` makes them reproducible."""

import math

from torch import nn


def draw_uniform(model: nn.Module) -> None:
    """Draw the weights and biases of dense and convolution layers from ±1 / sqrt(inputs of a unit).

    What torch's own layers start from (Kaiming-uniform with a = √5; LeCun et al., 1998), said here so that a
    later torch changes nothing.
    """
    for module in model.modules():
        if isinstance(module, nn.Linear | nn.Conv2d):
            bound = 1 / math.sqrt(module.weight[0].numel())
            nn.init.uniform_(module.weight, -bound, bound)
            if module.bias is not None:
                nn.init.uniform_(module.bias, -bound, bound)
