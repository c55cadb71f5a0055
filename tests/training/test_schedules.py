"""Schedules agree with torch's own, step by step."""

import numpy as np
import pytest
import torch
from torch.optim import lr_scheduler

from loupe.errors import LoupeError
from loupe.training import SCHEDULES, build_schedule

EPOCHS, STEPS = 12, 7


def run_torch(make: object, per_step: bool) -> list[tuple[float, float]]:
    """Return learning rate and momentum of every step of a torch scheduler over a rate of 1."""
    parameter = torch.zeros(1, requires_grad=True)
    optimizer = torch.optim.SGD([parameter], lr=1.0, momentum=0.9)
    scheduler = make(optimizer)
    rates = []
    for _ in range(EPOCHS):
        for _ in range(STEPS):
            rates.append((optimizer.param_groups[0]["lr"], optimizer.param_groups[0]["momentum"]))
            optimizer.step()
            if per_step:
                scheduler.step()
        if not per_step:
            scheduler.step()
    return rates


@pytest.mark.parametrize(
    ("name", "settings", "make", "per_step"),
    [
        ("cosine", {"floor": 0.01}, lambda o: lr_scheduler.CosineAnnealingLR(o, EPOCHS, eta_min=0.01), False),
        ("cosine", {"per": "step"}, lambda o: lr_scheduler.CosineAnnealingLR(o, EPOCHS * STEPS), True),
        ("step", {"every": 4, "gamma": 0.3}, lambda o: lr_scheduler.StepLR(o, 4, gamma=0.3), False),
        (
            "multi-step",
            {"drops": [3, 7, 9], "gamma": 0.2},
            lambda o: lr_scheduler.MultiStepLR(o, [3, 7, 9], gamma=0.2),
            False,
        ),
        ("constant", {}, lambda o: lr_scheduler.ConstantLR(o, factor=1), False),
    ],
)
def test_agreement_with_torch(name: str, settings: dict[str, object], make: object, per_step: bool) -> None:
    schedule = build_schedule(name, num_epochs=EPOCHS, steps_per_epoch=STEPS, **settings)
    expected = run_torch(make, per_step)
    got = [schedule(step, []).factor for step in range(EPOCHS * STEPS)]
    assert got == pytest.approx([rate for rate, _ in expected], abs=1e-9)


@pytest.mark.parametrize("per", ["step", "epoch"])
def test_one_cycle_agrees_with_torch_in_rate_and_momentum(per: str) -> None:
    ticks = EPOCHS * STEPS if per == "step" else EPOCHS
    momentum = {"low_momentum": 0.85, "high_momentum": 0.95}
    schedule = build_schedule("one-cycle", num_epochs=EPOCHS, steps_per_epoch=STEPS, per=per, **momentum)
    reference = lr_scheduler.OneCycleLR(
        torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0, momentum=0.9), 1.0, total_steps=ticks
    )
    rates, momenta = [], []
    for _ in range(ticks):
        group = reference.optimizer.param_groups[0]
        rates.append(group["lr"])
        momenta.append(group["momentum"])
        reference.optimizer.step()
        if len(rates) < ticks:
            reference.step()
    stride = 1 if per == "step" else STEPS
    paces = [schedule(tick * stride, []) for tick in range(ticks)]
    assert [step_settings.factor for step_settings in paces] == pytest.approx(rates, abs=1e-9)
    assert [step_settings.momentum for step_settings in paces] == pytest.approx(momenta, abs=1e-9)


def test_one_cycle_leaves_the_optimizers_momentum_alone_unless_told() -> None:
    schedule = build_schedule("one-cycle", num_epochs=3, steps_per_epoch=2)
    assert {schedule(step, []).momentum for step in range(6)} == {None}
    with pytest.raises(LoupeError, match="allowed: both, or neither"):
        build_schedule("one-cycle", num_epochs=3, steps_per_epoch=2, low_momentum=0.8)


def test_one_cycle_of_a_single_epoch_still_trains() -> None:
    assert build_schedule("one-cycle", num_epochs=1, steps_per_epoch=5, per="epoch")(3, []).factor == 1.0


@pytest.mark.parametrize("name", SCHEDULES.names())
@pytest.mark.parametrize(("epochs", "steps"), [(1, 1), (1, 5), (3, 1), (40, 20)])
def test_contract(name: str, epochs: int, steps: int) -> None:
    settings = {"step": {"every": 2}, "multi-step": {"drops": [2]}}.get(name, {})
    schedule = build_schedule(name, num_epochs=epochs, steps_per_epoch=steps, **settings)
    factors = [schedule(step, []).factor for step in range(epochs * steps)]
    assert all(0 <= factor <= 1 for factor in factors), "the optimizer's rate is the largest one used"
    assert factors == [schedule(step, []).factor for step in range(epochs * steps)], "it keeps a state"


def test_the_step_schedule_asks_for_its_setting() -> None:
    with pytest.raises(LoupeError, match=r"step\.every: got nothing; allowed: a value is required"):
        build_schedule("step", num_epochs=1, steps_per_epoch=1)


def test_plateau_agrees_with_torch() -> None:
    losses = [
        1.0,
        0.9,
        0.95,
        0.93,
        0.92,
        0.91,
        0.5,
        0.5,
        0.6,
        0.7,
        0.8,
        0.49,
        0.48,
        0.6,
        0.6,
        0.6,
        0.6,
        0.6,
        0.6,
    ]
    for settings in ({"patience": 2, "gamma": 0.5}, {"patience": 0, "gamma": 0.1, "floor": 0.02}):
        optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
        reference = lr_scheduler.ReduceLROnPlateau(
            optimizer,
            patience=settings["patience"],
            factor=settings["gamma"],
            min_lr=settings.get("floor", 0.0),
            eps=0.0,
        )
        schedule = build_schedule("plateau", num_epochs=20, steps_per_epoch=STEPS, **settings)
        for epoch in range(len(losses)):
            assert schedule(epoch * STEPS, losses[:epoch]).factor == pytest.approx(
                optimizer.param_groups[0]["lr"]
            ), f"after {epoch} epochs"
            reference.step(losses[epoch])


def test_warm_up_rises_to_the_schedule_and_then_is_the_schedule() -> None:
    plain = build_schedule("cosine", num_epochs=EPOCHS, steps_per_epoch=STEPS)
    warmed = build_schedule("cosine", num_epochs=EPOCHS, steps_per_epoch=STEPS, warmup_epochs=2)
    factors = [warmed(step, []).factor / plain(step, []).factor for step in range(2 * STEPS + 1)]
    assert factors == pytest.approx([(step + 1) / 15 for step in range(15)])
    later = range(2 * STEPS, EPOCHS * STEPS)
    assert [warmed(step, []) for step in later] == [plain(step, []) for step in later]
    momentum = {"low_momentum": 0.85, "high_momentum": 0.95}
    cycle = build_schedule("one-cycle", num_epochs=4, steps_per_epoch=STEPS, warmup_epochs=1, **momentum)
    assert cycle(0, []).momentum == 0.95, "warm-up moves the rate only"


def test_triangular_by_hand() -> None:
    """numpy's own interpolation between the corners."""
    schedule = build_schedule("triangular", num_epochs=EPOCHS, steps_per_epoch=STEPS)
    total = EPOCHS * STEPS
    corners = [0, 0.23 * total, total], [0.2, 1.0, 0.07]
    expected = [float(np.interp(step, *corners)) for step in range(total)]
    assert [schedule(step, []).factor for step in range(total)] == pytest.approx(expected, abs=1e-9)


def test_triangular_without_a_rise_is_a_linear_decay() -> None:
    schedule = build_schedule("triangular", num_epochs=2, steps_per_epoch=5, peak=0.0, end=0.0)
    assert [schedule(step, []).factor for step in range(10)] == pytest.approx([1 - i / 10 for i in range(10)])
