from collections.abc import Callable
from typing import Annotated, Any

import torch
from pydantic import Field
from torch import Tensor

from loupe.training.optimizers import Parameters, register_optimizer
from loupe.training.optimizers.roles import Role, Roles, split_groups
from loupe.training.optimizers.settings import DecoupledDecay, LearningRate, Momentum

_QUINTIC = (3.4445, -4.7750, 2.0315)  # Jordan et al.: steepest at 0, values from 0.7 to 1.2 afterwards

OwnRate = Annotated[float | None, Field(gt=0, description="Rate of these; learning_rate if left out.")]


@register_optimizer("muon")
def muon(
    *,
    parameters: Parameters,
    roles: Roles,
    learning_rate: LearningRate = 0.05,
    momentum: Momentum = 0.6,
    newton_schulz_steps: Annotated[
        int,
        Field(ge=1, le=10, description="Steps that bring singular values near 1: 3 fast, 5 closer."),
    ] = 3,
    keep_norm: Annotated[
        bool,
        Field(
            description="Set the norm of each layer's filters to sqrt(filters) before a step, for layers "
            "that a norm follows; it overrides their decay."
        ),
    ] = True,
    weight_decay: DecoupledDecay = 0.0,
    dense_rate: OwnRate = None,
    norm_rate: OwnRate = None,
    bias_rate: OwnRate = None,
    sgd_momentum: Momentum = 0.85,
) -> "Muon":
    """Convolution filters step by an orthogonal matrix, the rest by SGD (Jordan et al., 2024).

    The momentum of a layer's filters, as a matrix of filters x (channels x kernel), is replaced by one of the
    same singular vectors whose singular values all lie near 1, so that no direction is learnt much faster
    than another. Dense layers, norms and biases step by SGD with Nesterov's momentum at rates of their own.
    What decays shrinks by learning_rate x weight_decay a step, whatever its own rate.
    """
    rates = {"filter": None, "dense": dense_rate, "norm": norm_rate, "bias": bias_rate}

    def settings_of(role: Role) -> dict[str, Any]:
        rate = rates[role] or learning_rate
        is_filter = role == "filter"
        return {
            "lr": rate,
            "momentum": momentum if is_filter else sgd_momentum,
            "weight_decay": weight_decay * (learning_rate / rate),
            "is_filter": is_filter,
        }

    groups = split_groups(parameters, roles, settings_of)
    return Muon(groups, lr=learning_rate, newton_schulz_steps=newton_schulz_steps, keep_norm=keep_norm)


class Muon(torch.optim.Optimizer):
    """Muon for the groups marked `is_filter`, SGD with Nesterov's momentum for the others.

    Args:
        params: groups, each with `lr`, `momentum`, `weight_decay` and `is_filter`.
        lr: rate of groups without their own.
        newton_schulz_steps: see `orthogonalise`.
        keep_norm: bring the norm of each filter tensor to the root of its number of filters before each step.
    """

    def __init__(
        self, params: Parameters, *, lr: float, newton_schulz_steps: int = 3, keep_norm: bool = True
    ) -> None:
        defaults = {"lr": lr, "momentum": 0.6, "weight_decay": 0.0, "is_filter": True}
        super().__init__(params, defaults)
        self.newton_schulz_steps = newton_schulz_steps
        self.keep_norm = keep_norm

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> None:  # type: ignore[override]  # no loss
        """Move every parameter that has a gradient."""
        assert closure is None, "the loss is computed outside"
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                state = self.state[parameter]
                if not state:
                    state["momentum_buffer"] = torch.zeros_like(parameter)
                update = _look_ahead(parameter.grad, state["momentum_buffer"], group["momentum"])
                parameter.mul_(1 - group["lr"] * group["weight_decay"])
                if group["is_filter"]:
                    if self.keep_norm:
                        parameter.mul_(len(parameter) ** 0.5 / parameter.norm().clamp_min(1e-12))
                    update = orthogonalise(update.flatten(1), self.newton_schulz_steps).view(update.shape)
                parameter.add_(update, alpha=-group["lr"])


def _look_ahead(gradient: Tensor, buffer: Tensor, momentum: float) -> Tensor:
    """Add a gradient to its momentum in place, and return Nesterov's look ahead."""
    buffer.mul_(momentum).add_(gradient)
    return gradient.add(buffer, alpha=momentum)


def orthogonalise(matrix: Tensor, num_steps: int) -> Tensor:
    """Return a matrix of the same singular vectors whose singular values lie near 1.

    Newton-Schulz steps with the quintic polynomial of Jordan et al. (2024): each takes every singular value x
    to a x + b x³ + c x⁵, and needs matrix products only. Five steps bring all but tiny ones to between 0.7
    and 1.2; three leave what was small still small.

    Args:
        matrix: (rows, columns) floating point.
        num_steps: 3 or 5 are usual.
    """
    a, b, c = _QUINTIC
    is_tall = len(matrix) > matrix.shape[1]
    x: Tensor = matrix.T if is_tall else matrix
    x = x / (x.norm() + 1e-7)  # no singular value above 1, where the polynomial would diverge
    for _ in range(num_steps):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.T if is_tall else x
