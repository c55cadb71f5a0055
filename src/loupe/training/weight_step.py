"""A step of an optimizer, by the shortest way to the same numbers."""

from typing import Any

import torch
from torch import Tensor
from torch.optim import optimizer as _torchs


def take_step(optimizer: torch.optim.Optimizer) -> None:
    """Move the weights along their gradients, and let go of these.

    What `optimizer.step()` and `optimizer.zero_grad()` do. For SGD on a CPU the one operation of it is called
    directly: of a small network's step, what stands around it takes a tenth (`bench/small_step.py`). Where
    hooks are registered, or a subclass has its own step, everything goes its usual way.
    """
    calls = _plan_sgd(optimizer) if _is_plain_sgd(optimizer) else None
    if calls is None:
        optimizer.step()
    else:
        with torch.no_grad():
            for tensors, settings in calls:
                torch._fused_sgd_(*tensors, **settings)
    if type(optimizer).zero_grad is not torch.optim.Optimizer.zero_grad:
        optimizer.zero_grad(set_to_none=True)
        return
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            parameter.grad = None


def _is_plain_sgd(optimizer: torch.optim.Optimizer) -> bool:
    return type(optimizer) is torch.optim.SGD and not (
        "step" in vars(optimizer)  # torch's schedulers put theirs around it
        or optimizer._optimizer_step_pre_hooks
        or optimizer._optimizer_step_post_hooks
        or _torchs._global_optimizer_pre_hooks
        or _torchs._global_optimizer_post_hooks
        or hasattr(optimizer, "grad_scale")
    )


def _plan_sgd(optimizer: torch.optim.Optimizer) -> list[tuple[list[list[Tensor]], dict[str, Any]]] | None:
    """Return the tensors and settings of each group's step; None if one is not a fused step on a CPU."""
    calls = []
    for group in optimizer.param_groups:
        moving = [one for one in group["params"] if one.grad is not None]
        if not moving:
            continue
        gradients = [one.grad for one in moving]
        kind = moving[0].dtype
        if not group["fused"] or any(
            one.device.type != "cpu" or one.dtype != kind or one.layout != torch.strided
            for one in (*moving, *gradients)
        ):
            return None
        velocities: list[Tensor] = []
        if group["momentum"]:
            known = [optimizer.state[one].get("momentum_buffer") for one in moving]
            if any(one is None for one in known):  # the first step, which makes them
                return None
            velocities = known
        names = ("weight_decay", "momentum", "lr", "dampening", "nesterov", "maximize")
        settings = {name: group[name] for name in names}
        calls.append(([moving, gradients, velocities], {**settings, "is_first_step": False}))
    return calls
