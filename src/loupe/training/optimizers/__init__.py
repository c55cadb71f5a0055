"""Optimizers: one file each, built from parameters and checked settings."""

from collections.abc import Iterable
from typing import Any, Literal

import torch
from torch import nn

from loupe.errors import LoupeError
from loupe.registry import Registry
from loupe.runtime import without_loading_compiler
from loupe.training.optimizers.roles import Parameters as Parameters
from loupe.training.optimizers.roles import Roles as Roles
from loupe.training.optimizers.roles import find_roles, know_roles

OPTIMIZERS = Registry(
    "optimizer",
    "loupe.training.optimizers",
    given=("parameters",),
    offered=("roles", "batch_size"),
    list_command="loupe optimizers",
    methods={"step": "a torch.optim.Optimizer: step()", "zero_grad": "zero_grad()"},
)
register_optimizer = OPTIMIZERS.register

DecayOf = Literal["all", "weights"]


def build_optimizer(
    name: str,
    parameters: nn.Module | Iterable[nn.Parameter],
    *,
    decay: DecayOf = "all",
    batch_size: int = 1,
    **settings: Any,
) -> torch.optim.Optimizer:
    """Return the optimizer called `name` over the parameters that are trained.

    A builder that names `roles` or `batch_size` among its parameters is given them: what each parameter is
    for, and the images of a step.

    Args:
        name: registered name; `loupe optimizers` lists them.
        parameters: a network, or parameters, which then are told apart by their shapes only; frozen ones are
            left out.
        decay: what weight decay acts on: "all" parameters, or only "weights" of two axes or more, which
            leaves out biases and the scales and shifts of norms.
        batch_size: images of a step, ≥ 1; of meaning only for rates stated per image.
        settings: the optimizer's own settings.

    Raises:
        UnknownNameError: there is no such optimizer.
        LoupeError: a setting is unknown or out of range, or nothing is trained.
    """
    known: Roles = {}
    if isinstance(parameters, nn.Module):
        known, parameters = find_roles(parameters), parameters.parameters()
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
    roles = know_roles(trained, known)
    with without_loading_compiler(torch.optim.Optimizer.add_param_group):
        optimizer: torch.optim.Optimizer = OPTIMIZERS.build(
            name, settings, parameters=groups, roles=roles, batch_size=batch_size
        )
    return optimizer
