"""Optimizers: one file each, built from parameters and checked settings."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import nn

from loupe.errors import LoupeError
from loupe.registry import Registry

OPTIMIZERS = Registry(
    "optimizer", "loupe.training.optimizers", given=("parameters",), list_command="loupe optimizers"
)
register_optimizer = OPTIMIZERS.register


def build_optimizer(name: str, parameters: Iterable[nn.Parameter], **settings: Any) -> torch.optim.Optimizer:
    """Return the optimizer called `name` over the parameters that are trained.

    Raises:
        UnknownNameError: there is no such optimizer.
        LoupeError: a setting is unknown or out of range.
    """
    trained = [parameter for parameter in parameters if parameter.requires_grad]
    if not trained:
        raise LoupeError(
            "The network has nothing to train.",
            got="no parameter that takes a gradient",
            allowed="at least one",
            next_step="check what is frozen",
        )
    optimizer: torch.optim.Optimizer = OPTIMIZERS.build(name, settings, parameters=trained)
    return optimizer
