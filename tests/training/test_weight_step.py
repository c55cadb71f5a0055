"""The short way of a step against the optimizer's own."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from loupe.training.weight_step import take_step


def take_steps(step: Callable[[torch.optim.Optimizer], None], **settings: Any) -> list[torch.Tensor]:
    """Return the weights, and what the optimizer holds of them, after five steps with two rates."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(7, 5), nn.Tanh(), nn.Linear(5, 3))
    groups = [{"params": model[0].parameters(), "lr": 0.3}, {"params": model[2].parameters()}]
    optimizer = torch.optim.SGD(groups, lr=0.1, **settings)
    for number in range(5):
        model(torch.randn(4, 7)).square().sum().backward()
        optimizer.param_groups[0]["lr"] = 0.3 / (number + 1)
        if number == 3:
            model[2].bias.grad = None  # a frozen parameter stays where it is
        step(optimizer)
        assert all(one.grad is None for one in model.parameters())
    kept = [value for one in optimizer.state.values() for value in one.values() if value is not None]
    return [*model.state_dict().values(), *kept]


def step_as_torch(optimizer: torch.optim.Optimizer) -> None:
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)


@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"momentum": 0.9},
        {"momentum": 0.9, "nesterov": True, "weight_decay": 0.01},
        {"weight_decay": 0.1, "maximize": True},
        {"momentum": 0.5, "dampening": 0.2},
    ],
)
def test_the_short_way_gives_torch_s_numbers_to_the_bit(settings: dict[str, Any], fused: bool) -> None:
    ours, theirs = (take_steps(step, fused=fused, **settings) for step in (take_step, step_as_torch))
    assert len(ours) == len(theirs) == (8 if settings.get("momentum") else 4)
    assert all(torch.equal(one, other) for one, other in zip(ours, theirs, strict=True))


def test_whoever_watches_an_optimizer_s_steps_sees_them() -> None:
    parameter = nn.Parameter(torch.ones(3))
    seen: list[str] = []
    optimizer = torch.optim.SGD([parameter], lr=0.1, fused=True)
    hooks = [
        optimizer.register_step_pre_hook(lambda *_: seen.append("before")),
        optimizer.register_step_post_hook(lambda *_: seen.append("after")),
    ]
    for _ in range(2):
        parameter.sum().backward()
        take_step(optimizer)
        for hook in hooks:
            hook.remove()
    assert seen == ["before", "after"]
    torch.testing.assert_close(parameter.detach(), torch.full((3,), 0.8))


def test_an_optimizer_with_ways_of_its_own_keeps_them() -> None:
    class Own(torch.optim.SGD):
        def step(self, closure: Any = None) -> None:
            calls.append("step")

        def zero_grad(self, set_to_none: bool = True) -> None:
            calls.append("zero_grad")

    calls: list[str] = []
    parameter = nn.Parameter(torch.ones(3))
    parameter.sum().backward()
    take_step(Own([parameter], lr=0.1, fused=True))
    assert calls == ["step", "zero_grad"]
    assert parameter.grad is not None


def test_a_scheduler_of_torch_s_sees_the_step() -> None:
    parameter = nn.Parameter(torch.ones(3))
    optimizer = torch.optim.SGD([parameter], lr=0.1, fused=True)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 1, gamma=0.5)
    parameter.sum().backward()
    take_step(optimizer)
    scheduler.step()  # warns if the optimizer has not stepped
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.05)
