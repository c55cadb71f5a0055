from typing import Annotated

import torch
from pydantic import Field

from loupe.training.optimizers import Parameters, register_optimizer
from loupe.training.optimizers.settings import L2Decay, LearningRate


@register_optimizer("adadelta")
def adadelta(
    *,
    parameters: Parameters,
    learning_rate: LearningRate = 1.0,
    smoothing: Annotated[
        float, Field(ge=0, lt=1, description="Decay of the running squares, in [0, 1).")
    ] = 0.9,
    weight_decay: L2Decay = 0.0,
) -> torch.optim.Adadelta:
    """Steps in the units of the weights: running squares of steps over those of gradients (Zeiler, 2012)."""
    return torch.optim.Adadelta(parameters, lr=learning_rate, rho=smoothing, weight_decay=weight_decay)
