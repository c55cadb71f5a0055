"""Optimizers: one file each, built from parameters and checked settings."""

from collections.abc import Iterable
from typing import Any, Literal

import torch
from torch import nn

from loupe.errors import LoupeError
from loupe.registry import Registry

OPTIMIZERS = Registry(
    "optimizer", "loupe.training.optimizers", given=("parameters",), list_command="loupe optimizers"
)
register_optimizer = OPTIMIZERS.register

DecayOf = Literal["all", "weights"]

Parameters = list[dict[str, Any]]
"""Parameter groups as torch takes them: each a `params` list, with settings that differ from the rest."""


def build_optimizer(
    name: str, parameters: Iterable[nn.Parameter], *, decay: DecayOf = "all", **settings: Any
) -> torch.optim.Optimizer:
    """Return the optimizer called `name` over the parameters that are trained.

    Args:
        name: registered name; `loupe optimizers` lists them.
        parameters: of the network; frozen ones are left out.
        decay: what weight decay acts on: "all" parameters, or only "weights" of two axes or more, which
            leaves out biases and the scales and shifts of norms.
        settings: the optimizer's own settings.

    Raises:
        UnknownNameError: there is no such optimizer.
        LoupeError: a setting is unknown or out of range, or nothing is trained.
    """
    trained = [parameter for parameter in parameters if parameter.requires_grad]
    if not trained:
        raise LoupeError(
            "The network has nothing to train.",
            got="no parameter that takes a gradient",
            allowed="at least one",
            next_step="check what is frozen",
        )
    groups: Parameters = [{"params": trained}]
    if decay == "weights":
        weights = [parameter for parameter in trained if parameter.ndim > 1]
        others = [parameter for parameter in trained if parameter.ndim <= 1]
        groups = [{"params": weights}, {"params": others, "weight_decay": 0.0}]
        groups = [group for group in groups if group["params"]]
    optimizer: torch.optim.Optimizer = OPTIMIZERS.build(name, settings, parameters=groups)
    return optimizer
