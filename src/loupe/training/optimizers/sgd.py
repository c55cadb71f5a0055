from typing import Annotated

import torch
from pydantic import Field

from loupe.errors import LoupeError
from loupe.training.optimizers import Parameters, register_optimizer
from loupe.training.optimizers.settings import L2Decay, LearningRate, Momentum


@register_optimizer("sgd")
def sgd(
    *,
    parameters: Parameters,
    learning_rate: LearningRate = 0.05,
    momentum: Momentum = 0.9,
    nesterov: Annotated[bool, Field(description="Nesterov's look-ahead gradient; needs momentum.")] = False,
    weight_decay: L2Decay = 0.0,
) -> torch.optim.SGD:
    """Stochastic gradient descent with momentum."""
    if nesterov and momentum == 0:
        raise LoupeError(
            "Nesterov's gradient needs momentum.",
            got="nesterov = true, momentum = 0",
            allowed="momentum > 0, or nesterov = false",
            next_step="set train.optimizer.momentum=0.9",
        )
    return torch.optim.SGD(
        parameters,
        lr=learning_rate,
        momentum=momentum,
        nesterov=nesterov,
        weight_decay=weight_decay,
        fused=True,
    )
