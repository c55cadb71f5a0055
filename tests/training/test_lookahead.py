import pytest
import torch
from torch import nn

from loupe.data import ImageDataset
from loupe.training import LookaheadPlan, Observer, TrainingState
from loupe.training.lookahead import Lookahead
from loupe.training.state import take_snapshot

from .small_fit import Fit, is_same

PLAN = LookaheadPlan(every=3, decay=0.8, power=2.0)


def test_lookahead_by_a_hand_loop() -> None:
    """One number, stepped by the optimizer from wherever the pull left it."""
    model = nn.BatchNorm1d(1)
    num_steps = 11
    lookahead = Lookahead(model, PLAN, num_steps)
    fast = slow = 1.0
    for step in range(1, num_steps + 1):
        with torch.no_grad():
            model.weight.add_(0.1 * step)
            model.num_batches_tracked.fill_(step)
        lookahead.update(model, step)
        fast += 0.1 * step
        if step % 3 == 0:
            stays = 0.8 * (step / num_steps) ** 2
            fast = slow = stays * slow + (1 - stays) * fast
        if step == num_steps:
            fast = slow
        assert model.weight.item() == pytest.approx(fast), f"step {step}"
    assert model.num_batches_tracked.item() == num_steps, "counters are not averaged"


def test_running_statistics_go_along_and_what_is_frozen_stands_still() -> None:
    norm = nn.BatchNorm1d(2)
    model = nn.Sequential(norm, nn.Linear(2, 1))
    lookahead = Lookahead(model, LookaheadPlan(every=1, decay=0.5, power=0.0), 4)
    norm.bias.requires_grad_(False)
    with torch.no_grad():
        norm.running_mean.fill_(1.0)
        norm.bias.fill_(1.0)
    lookahead.update(model, 1)
    assert norm.running_mean.tolist() == [0.5, 0.5]
    assert norm.bias.tolist() == [1.0, 1.0]
    norm.weight.requires_grad_(False)  # now all of the layer is frozen
    with torch.no_grad():
        norm.running_mean.fill_(3.0)
    lookahead.update(model, 2)
    assert norm.running_mean.tolist() == [3.0, 3.0]


def test_a_constant_pull_is_the_published_one() -> None:
    """Zhang et al.: slow += alpha (fast - slow) every k steps, and fast starts from there."""
    model, alpha = nn.Linear(3, 2), 0.3
    slow = {name: one.detach().clone() for name, one in model.named_parameters()}
    lookahead = Lookahead(model, LookaheadPlan(every=2, decay=1 - alpha, power=0.0), 100)
    for step in range(1, 9):
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(torch.randn_like(parameter))
        if step % 2 == 0:
            fast = {name: one.detach().clone() for name, one in model.named_parameters()}
            slow = {name: slow[name] + alpha * (fast[name] - slow[name]) for name in slow}
        lookahead.update(model, step)
        if step % 2 == 0:
            for name, parameter in model.named_parameters():
                torch.testing.assert_close(parameter.detach(), slow[name])


def test_lookahead_changes_the_training_and_its_slow_weights_are_left(few_digits: ImageDataset) -> None:
    plain, pulled = Fit(few_digits).run(4, of=4), Fit(few_digits, lookahead=PLAN).run(4, of=4)
    assert not is_same(plain.model.state_dict(), pulled.model.state_dict())
    assert pulled.lookahead is not None
    for name, parameter in pulled.model.named_parameters():
        assert torch.equal(parameter, pulled.lookahead.slow[name])


class KeepSecond(Observer):
    def on_epoch_end(self, state: TrainingState) -> None:
        if state.epoch == 2:
            self.snapshot = take_snapshot(state)


def test_a_resumed_lookahead_goes_on_to_the_bit(few_digits: ImageDataset) -> None:
    """Five steps an epoch and a pull every third: epochs end between two pulls."""
    second = KeepSecond()
    whole = Fit(few_digits, lookahead=PLAN, observers=[second]).run(5)
    resumed = Fit(few_digits, lookahead=PLAN).run(5, start=second.snapshot)
    assert is_same(take_snapshot(whole).tensors, take_snapshot(resumed).tensors)
    assert any(name.startswith("lookahead.") for name in second.snapshot.tensors)
