"""Slow weights that the trained ones are pulled back to: one step of theirs for several of the optimizer."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class LookaheadPlan:
    """When and how hard weights are pulled.

    Args:
        every: optimizer steps between two pulls, ≥ 1.
        decay: part of the slow weights that stays at the last pull, in (0, 1).
        power: how late the pull sets in, ≥ 0: the part that stays is decay x progress to this power. At 0 it
            is the same throughout, as published.
    """

    every: int = 5
    decay: float = 0.95**5
    power: float = 3.0


class Lookahead:
    """Every few steps slow weights move towards the trained ones, which then start from there.

    Zhang et al. (2019, arXiv:1907.08610), in the form of airbench (K. Jordan, 2024): slow weights are hardly
    slower at first and more so towards the end, take running statistics along, and are what is left after the
    last step. What is frozen stands still.

    Args:
        model: the network trained; its weights as they are now are the first slow ones.
        plan: when and how hard.
        num_steps: of the whole training.
    """

    def __init__(self, model: nn.Module, plan: LookaheadPlan, num_steps: int) -> None:
        self.plan = plan
        self.num_steps = num_steps
        self.slow = {name: tensor.clone() for name, tensor in _moving_tensors(model).items()}

    def update(self, model: nn.Module, step: int) -> None:
        """Pull the network's weights, if it is time; `step` counts 1, 2, … over all epochs."""
        is_last = step == self.num_steps
        if step % self.plan.every and not is_last:
            return
        moving = _moving_tensors(model)
        fast = list(moving.values())
        slow = [self.slow[name] for name in moving]
        if step % self.plan.every == 0:
            stays = self.plan.decay * (step / self.num_steps) ** self.plan.power
            torch._foreach_lerp_(slow, fast, 1 - stays)  # all at once: one launch on a GPU
        torch._foreach_copy_(fast, slow)


def _moving_tensors(model: nn.Module) -> dict[str, Tensor]:
    """Return what training moves, by name: parameters and running statistics, but of what is frozen."""
    moving: dict[str, Tensor] = {}
    for place, module in model.named_modules():
        prefix = f"{place}." if place else ""
        own = dict(module.named_parameters(recurse=False))
        trained = {name: one.detach() for name, one in own.items() if one.requires_grad}
        if own and not trained:
            continue
        statistics = {
            name: one for name, one in module.named_buffers(recurse=False) if one.is_floating_point()
        }
        moving |= {prefix + name: one for name, one in (trained | statistics).items()}
    return moving
