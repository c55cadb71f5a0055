from typing import Annotated, Any

import torch
from pydantic import Field

from loupe.errors import LoupeError
from loupe.training.optimizers import Parameters, register_optimizer
from loupe.training.optimizers.roles import Role, Roles, split_groups
from loupe.training.optimizers.settings import L2Decay, LearningRate, Momentum, NormFactor

_EXAMPLES = 1024  # that rates "per example" are stated for


@register_optimizer("sgd")
def sgd(
    *,
    parameters: Parameters,
    roles: Roles,
    batch_size: int,
    learning_rate: LearningRate = 0.05,
    momentum: Momentum = 0.9,
    nesterov: Annotated[bool, Field(description="Nesterov's look-ahead gradient; needs momentum.")] = False,
    weight_decay: L2Decay = 0.0,
    norm_factor: NormFactor = 1.0,
    per_1024_examples: Annotated[
        bool,
        Field(
            description="State rate and decay for 1,024 images, whatever batch and momentum: a step of B "
            "images with momentum m takes B / 1024 / (1 + 1 / (1 - m)) of both."
        ),
    ] = False,
) -> torch.optim.SGD:
    """Stochastic gradient descent with momentum.

    `per_1024_examples` is the convention of airbench (K. Jordan, 2024). With f = B / (1024 (1 + 1 / (1 - m)))
    the step's rate is f x learning_rate, and weights shrink by f x weight_decay a step, so that what is right
    for one batch size and momentum nearly is for others; the L2 penalty is weight_decay / learning_rate.
    The loss stays the mean over the batch: summing it, with rates for sums, comes to the same.
    """
    if nesterov and momentum == 0:
        raise LoupeError(
            "Nesterov's gradient needs momentum.",
            got="nesterov = true, momentum = 0",
            allowed="momentum > 0, or nesterov = false",
            next_step="set train.optimizer.momentum=0.9",
        )
    if per_1024_examples:
        weight_decay /= learning_rate
        learning_rate *= scale_per_example(batch_size, momentum)

    def settings_of(role: Role) -> dict[str, Any]:
        if role != "norm" or norm_factor == 1:
            return {}
        return {"lr": learning_rate * norm_factor, "weight_decay": weight_decay / norm_factor}

    return torch.optim.SGD(
        split_groups(parameters, roles, settings_of),
        lr=learning_rate,
        momentum=momentum,
        nesterov=nesterov,
        weight_decay=weight_decay,
        fused=True,
    )


def scale_per_example(batch_size: int, momentum: float) -> float:
    """Return the part of a rate per 1,024 examples that a step of `batch_size` images takes."""
    return batch_size / (_EXAMPLES * (1 + 1 / (1 - momentum)))
