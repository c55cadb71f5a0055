"""A step without torch's compiler is the step, and the compiler stays where it is."""

import functools
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

from loupe.training.optimizers import stepping
from loupe.training.optimizers.stepping import take_step

KINDS = {
    "sgd": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True, weight_decay=1e-3),
    "adam": lambda p: torch.optim.Adam(p, lr=0.01),
    "adamw": lambda p: torch.optim.AdamW(p, lr=0.01),
    "rmsprop": lambda p: torch.optim.RMSprop(p, lr=0.01),
}


def leave_gradients(model: nn.Module) -> None:
    inputs = torch.linspace(-1, 1, 24).view(6, 4)
    model(inputs).square().mean().backward()


@pytest.mark.parametrize("kind", sorted(KINDS))
@pytest.mark.parametrize("is_loaded", [False, True])
def test_steps_are_those_of_the_optimizer(
    kind: str, is_loaded: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = []
    for _ in range(2):
        torch.manual_seed(0)
        models.append(nn.Sequential(nn.Linear(4, 3), nn.Tanh(), nn.Linear(3, 2)))
    usual, plain = (KINDS[kind](model.parameters()) for model in models)
    for _ in range(3):
        leave_gradients(models[0])
        usual.step()
        usual.zero_grad()
        leave_gradients(models[1])
        if not is_loaded:
            monkeypatch.setattr(stepping, "sys", SimpleNamespace(modules={}))
        take_step(plain)
        monkeypatch.undo()
        for one, other in zip(models[0].parameters(), models[1].parameters(), strict=True):
            assert torch.equal(one, other)
            assert other.grad is None


def test_hooks_and_steps_of_ones_own_are_called() -> None:
    model = nn.Linear(4, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    called = []
    optimizer.register_step_post_hook(lambda *_: called.append("hook"))
    leave_gradients(model)
    take_step(optimizer)
    assert called == ["hook"]
    before = model.weight.detach().clone()
    optimizer.step = lambda: called.append("own")  # type: ignore[assignment,method-assign,return-value]
    leave_gradients(model)
    take_step(optimizer)
    assert called == ["hook", "own"]
    assert torch.equal(model.weight, before)


def halve(step: Any) -> Any:
    @functools.wraps(step)
    def halved(self: torch.optim.SGD, closure: Any = None) -> Any:
        for group in self.param_groups:
            for one in group["params"]:
                one.grad *= 0.5
        return step(self, closure)

    return halved


class Halving(torch.optim.SGD):
    step = halve(torch.optim.SGD.step)


def move_once(kind: type[torch.optim.Optimizer], monkeypatch: pytest.MonkeyPatch) -> float:
    weight = nn.Parameter(torch.zeros(1))
    optimizer = kind([weight], lr=0.1)  # type: ignore[call-arg]
    weight.grad = torch.ones(1)
    monkeypatch.setattr(stepping, "sys", SimpleNamespace(modules={}))
    take_step(optimizer)
    return weight.item()


def test_a_step_that_wraps_torchs_is_the_one_that_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    assert move_once(torch.optim.SGD, monkeypatch) == pytest.approx(-0.1)
    assert move_once(Halving, monkeypatch) == pytest.approx(-0.05)
    monkeypatch.setattr(torch.optim.SGD, "step", halve(torch.optim.SGD.step))
    assert move_once(torch.optim.SGD, monkeypatch) == pytest.approx(-0.05), "replaced after the first one"


def test_a_profiler_sees_the_step() -> None:
    model = nn.Linear(4, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    leave_gradients(model)
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profile:
        take_step(optimizer)
    assert "Optimizer.step#SGD.step" in {one.key for one in profile.key_averages()}


PROGRAM = """
import sys
import torch
from loupe.training.optimizers import build_optimizer
from loupe.training.optimizers.stepping import take_step
from loupe.runtime import computing
model = torch.nn.Linear(4, 2)
for name in ("sgd", "adam", "adamw"):
    optimizer = build_optimizer(name, model, learning_rate=0.1)
    with computing(1):
        assert torch.are_deterministic_algorithms_enabled()
        assert torch.is_deterministic_algorithms_warn_only_enabled()
        model(torch.ones(1, 4)).sum().backward()
        take_step(optimizer)
assert not torch.are_deterministic_algorithms_enabled()
loaded = [name for name in ("torch._dynamo", "torch._inductor", "sympy") if name in sys.modules]
sys.exit(" ".join(loaded) or 0)
"""


@pytest.mark.thorough
def test_training_does_not_load_the_compiler() -> None:
    """Which takes as long as torch itself, at the first step of every run."""
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
