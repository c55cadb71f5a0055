from typing import Annotated

import torch
from pydantic import Field

from loupe.training.optimizers import Parameters, register_optimizer
from loupe.training.optimizers.settings import L2Decay, LearningRate, Momentum


@register_optimizer("rmsprop")
def rmsprop(
    *,
    parameters: Parameters,
    learning_rate: LearningRate = 1e-3,
    smoothing: Annotated[
        float, Field(ge=0, lt=1, description="Decay of the running square of gradients, in [0, 1).")
    ] = 0.99,
    momentum: Momentum = 0.0,
    weight_decay: L2Decay = 0.0,
) -> torch.optim.RMSprop:
    """Gradients divided by the root of their running square (Tieleman and Hinton, 2012)."""
    return torch.optim.RMSprop(
        parameters, lr=learning_rate, alpha=smoothing, momentum=momentum, weight_decay=weight_decay
    )
