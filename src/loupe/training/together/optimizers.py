"""Steps of several optimizers as one: SGD, Adam and AdamW, each network with settings of its own.

The optimizers stay those of the networks. Their state becomes views into stacked tensors, and their settings
are read anew at every step, so that a schedule may move any of them and each can be saved by itself.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from loupe.training.together.network import Stack

_MOMENTS: dict[type[torch.optim.Optimizer], tuple[str, ...]] = {
    torch.optim.SGD: ("momentum_buffer",),
    torch.optim.Adam: ("exp_avg", "exp_avg_sq"),
    torch.optim.AdamW: ("exp_avg", "exp_avg_sq"),
}
_REFUSED = ("amsgrad", "dampening", "maximize")


def find_optimizer_obstacle(optimizer: torch.optim.Optimizer) -> str | None:
    """Return why an optimizer cannot step together with others of its kind; None if it can."""
    if type(optimizer) not in _MOMENTS:
        return f"optimizer {type(optimizer).__name__} does not step together with others"
    used = [setting for group in optimizer.param_groups for setting in _REFUSED if group.get(setting)]
    return f"optimizer setting {used[0]} is not stepped together" if used else None


class OptimizerStack:
    """Optimizers of one kind that step as one.

    Args:
        optimizers: one a network, in their order, none with an obstacle; their state so far is kept.
        stack: the networks whose parameters they hold.
    """

    def __init__(self, optimizers: Sequence[torch.optim.Optimizer], stack: Stack) -> None:
        self._optimizers = list(optimizers)
        self._stacked = stack.stacked
        self._parameters = [dict(model.named_parameters()) for model in stack.models]
        self._groups = {name: self._find_groups(name) for name in self._stacked}
        self._steps = torch.zeros(len(optimizers))
        self._moments = {
            name: {moment: self._gather(name, moment) for moment in _MOMENTS[type(optimizers[0])]}
            for name in self._stacked
        }
        if type(optimizers[0]) is not torch.optim.SGD:
            self._gather_steps()

    def _find_groups(self, name: str) -> list[dict[str, Any]]:
        """Return the parameter groups that hold a parameter, one a network."""
        found = []
        for optimizer, parameters in zip(self._optimizers, self._parameters, strict=True):
            holds = [g for g in optimizer.param_groups if any(p is parameters[name] for p in g["params"])]
            found.append(holds[0])
        return found

    def _gather(self, name: str, moment: str) -> Tensor:
        """Return a moment of one parameter of all networks, and make the optimizers' own views into it."""
        stacked = torch.zeros_like(self._stacked[name])
        for index, optimizer in enumerate(self._optimizers):
            state = optimizer.state[self._parameter(index, name)]
            if moment in state:
                stacked[index] = state[moment]
            if moment != "momentum_buffer" or moment in state:  # plain SGD keeps none
                state[moment] = stacked[index]
        return stacked

    def _gather_steps(self) -> None:
        for index, optimizer in enumerate(self._optimizers):
            for name in self._stacked:
                state = optimizer.state[self._parameter(index, name)]
                if "step" in state:
                    self._steps[index] = state["step"]
                state["step"] = self._steps[index]

    def _parameter(self, index: int, name: str) -> nn.Parameter:
        return self._parameters[index][name]

    @torch.no_grad()
    def step(self, which: slice, gradients: dict[str, Tensor]) -> None:
        """Step some of the networks.

        Args:
            which: neighbouring networks.
            gradients: of their parameters, (networks, *shape) each; changed in place.
        """
        self._steps[which] += 1
        for name, gradient in gradients.items():
            if type(self._optimizers[0]) is torch.optim.SGD:
                self._step_sgd(name, which, gradient)
            else:
                self._step_adam(name, which, gradient)

    def _step_sgd(self, name: str, which: slice, gradient: Tensor) -> None:
        parameter = self._stacked[name][which]
        rate, decay, momentum, nesterov = self._settings(
            name, which, "lr", "weight_decay", "momentum", "nesterov"
        ).float()
        _add_scaled(gradient, parameter, decay)
        if momentum.any():
            self._show_momentum(name, which)
            buffer = self._moments[name]["momentum_buffer"][which].mul_(momentum).add_(gradient)
            gradient = torch.where(nesterov > 0, gradient + momentum * buffer, buffer)
        parameter.addcmul_(gradient, rate, value=-1)

    def _show_momentum(self, name: str, which: slice) -> None:
        """Make the buffers of those networks that have momentum part of their optimizers' state."""
        for index in range(len(self._optimizers))[which]:
            state = self._optimizers[index].state[self._parameter(index, name)]
            if "momentum_buffer" not in state and self._groups[name][index]["momentum"]:
                state["momentum_buffer"] = self._moments[name]["momentum_buffer"][index]

    def _step_adam(self, name: str, which: slice, gradient: Tensor) -> None:
        """Kingma and Ba (2015); with decoupled decay, Loshchilov and Hutter (2019)."""
        parameter = self._stacked[name][which]
        rate, decay, beta1, beta2, eps = self._settings(
            name, which, "lr", "weight_decay", "beta1", "beta2", "eps"
        )
        if type(self._optimizers[0]) is torch.optim.AdamW:
            parameter.mul_((1 - rate * decay).float())
        else:
            _add_scaled(gradient, parameter, decay.float())
        moments, steps = self._moments[name], self._steps[which].double().view_as(rate)
        mean, square = moments["exp_avg"][which], moments["exp_avg_sq"][which]
        mean.lerp_(gradient, (1 - beta1).float().expand_as(gradient))
        square.mul_(beta2.float()).addcmul_(gradient * (1 - beta2).float(), gradient)
        deviation = square.sqrt().div_((1 - beta2**steps).sqrt().float()).add_(eps.float())
        parameter.sub_((rate / (1 - beta1**steps)).float() * mean / deviation)

    def _settings(self, name: str, which: slice, *settings: str) -> Tensor:
        """Return settings of a parameter as they now stand, (settings, networks, 1, …) float64."""
        groups = self._groups[name][which]
        rows = [[_read(group, setting) for group in groups] for setting in settings]
        shape = (len(settings), len(groups), *[1] * (self._stacked[name].ndim - 1))
        return torch.tensor(rows, dtype=torch.float64).view(shape)


def _read(group: dict[str, Any], setting: str) -> float:
    if setting in ("beta1", "beta2"):
        return float(group["betas"][setting == "beta2"])
    return float(group[setting])


def _add_scaled(gradient: Tensor, parameter: Tensor, factors: Tensor) -> None:
    if factors.any():
        gradient.addcmul_(parameter, factors)


def clip_gradients(gradients: dict[str, Tensor], clip_norms: Sequence[float | None]) -> None:
    """Scale down the gradients of each network whose global norm is larger than its own limit.

    Args:
        gradients: (networks, *shape) each; changed in place.
        clip_norms: largest norm of each network, None where nothing is clipped.
    """
    if not any(clip_norms):
        return
    squares = [gradient.flatten(1).square().sum(1) for gradient in gradients.values()]
    norms = torch.stack(squares).sum(0).sqrt()
    limits = torch.tensor([float("inf") if limit is None else limit for limit in clip_norms])
    factors = (limits / (norms + 1e-6)).clamp(max=1.0)
    for gradient in gradients.values():
        gradient.mul_(factors.view(-1, *[1] * (gradient.ndim - 1)))
