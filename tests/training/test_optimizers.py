"""One contract over all optimizers, then what each promises."""

import pytest
import torch
from torch import nn

from loupe.errors import LoupeError
from loupe.training import OPTIMIZERS, build_optimizer
from loupe.training.learning_rates import apply_schedule_step
from loupe.training.optimizers.roles import find_roles
from loupe.training.schedules import ScheduleStep


def make_network() -> nn.Sequential:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 1))


def train(network: nn.Module, optimizer: torch.optim.Optimizer, steps: int = 30) -> list[float]:
    """Fit a line to fixed points and return the loss of each step."""
    inputs = torch.linspace(-1, 1, 64).view(16, 4)
    losses = []
    for _ in range(steps):
        loss = (network(inputs) - inputs.sum(1, keepdim=True)).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


@pytest.mark.parametrize("name", OPTIMIZERS.names())
def test_contract(name: str) -> None:
    network = make_network()
    optimizer = build_optimizer(name, network.parameters())
    rate = OPTIMIZERS.resolve(name, {})["learning_rate"]
    assert all(group["lr"] == rate for group in optimizer.param_groups)
    losses = train(network, optimizer)
    assert losses[-1] < losses[0]
    twin = make_network()
    assert train(twin, build_optimizer(name, twin.parameters())) == losses
    with pytest.raises(LoupeError, match=r"learning_rate: got 0; allowed: a number > 0"):
        build_optimizer(name, network.parameters(), learning_rate=0)


@pytest.mark.parametrize("name", OPTIMIZERS.names())
def test_weight_decay_is_taken_up(name: str) -> None:
    """D-004-10: Adam ignored the weight decay it was given."""
    networks = make_network(), make_network()
    for network, weight_decay in zip(networks, (0.0, 0.5), strict=True):
        train(network, build_optimizer(name, network.parameters(), weight_decay=weight_decay))
    assert not torch.equal(networks[0][0].weight, networks[1][0].weight)


@pytest.mark.parametrize("name", OPTIMIZERS.names())
def test_decay_of_weights_only_leaves_biases_and_norms_out(name: str) -> None:
    network = make_network()
    optimizer = build_optimizer(name, network.parameters(), decay="weights", weight_decay=0.1)
    decayed = {
        id(parameter): group["weight_decay"]
        for group in optimizer.param_groups
        for parameter in group["params"]
    }
    assert {decayed[id(parameter)] for parameter in network.parameters() if parameter.ndim > 1} == {0.1}
    assert {decayed[id(parameter)] for parameter in network.parameters() if parameter.ndim == 1} == {0.0}
    assert len(decayed) == len(list(network.parameters()))


def test_adams_decay_is_a_penalty_and_adamws_is_decoupled() -> None:
    """D7: AdamW's decay was called an L2 penalty. Seen where there is no other gradient."""
    for name, expected in (("adamw", 1 - 0.1 * 0.5), ("adam", 1 - 0.1)):
        weight = nn.Parameter(torch.ones(1, 1))
        optimizer = build_optimizer(name, [weight], learning_rate=0.1, weight_decay=0.5)
        weight.grad = torch.zeros(1, 1)
        optimizer.step()
        assert weight.item() == pytest.approx(expected, abs=1e-5)


def test_frozen_parameters_are_left_out_and_nothing_to_train_is_refused() -> None:
    network = make_network()
    network[0].requires_grad_(False)
    optimizer = build_optimizer("sgd", network.parameters())
    assert sum(len(group["params"]) for group in optimizer.param_groups) == 4
    network.requires_grad_(False)
    with pytest.raises(LoupeError, match="The network has nothing to train"):
        build_optimizer("sgd", network.parameters())


def test_nesterov_needs_momentum() -> None:
    with pytest.raises(LoupeError, match="Nesterov's gradient needs momentum"):
        build_optimizer("sgd", make_network().parameters(), nesterov=True, momentum=0)


def rates_by_name(network: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, tuple[float, float]]:
    """Return learning rate and weight decay of every parameter."""
    names = {parameter: name for name, parameter in network.named_parameters()}
    return {
        names[parameter]: (group["lr"], group["weight_decay"])
        for group in optimizer.param_groups
        for parameter in group["params"]
    }


def test_roles_are_told_by_what_a_layer_holds() -> None:
    class Shift(nn.Module):
        """A norm that trains its shift only."""

        def __init__(self) -> None:
            super().__init__()
            self.bias = nn.Parameter(torch.zeros(4))
            self.register_buffer("running_mean", torch.zeros(4))

    layers = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), Shift(), nn.LayerNorm(4), nn.Flatten(), nn.Linear(4, 2)
    network = nn.Sequential(*layers)
    roles = find_roles(network)
    assert {name: roles[parameter] for name, parameter in network.named_parameters()} == {
        "0.weight": "filter",
        "0.bias": "bias",
        "1.weight": "norm",
        "1.bias": "norm",
        "2.bias": "norm",
        "3.weight": "norm",
        "3.bias": "norm",
        "5.weight": "dense",
        "5.bias": "bias",
    }


def test_norms_may_step_at_a_rate_of_their_own_and_decay_as_the_rest() -> None:
    network = make_network()
    optimizer = build_optimizer(
        "sgd", network, learning_rate=0.5, weight_decay=0.01, norm_factor=64.0, momentum=0.0
    )
    found = rates_by_name(network, optimizer)
    assert found["0.weight"] == found["3.bias"] == (0.5, 0.01)
    assert found["1.weight"] == found["1.bias"] == (32.0, 0.01 / 64)
    assert optimizer.param_groups[0]["lr"] == 0.5, "the rate that is shown is the network's own"
    apply_schedule_step(optimizer, ScheduleStep(0.25), [group["lr"] for group in optimizer.param_groups])
    assert [group["lr"] for group in optimizer.param_groups] == [0.125, 8.0]
    before = {name: parameter.detach().clone() for name, parameter in network.named_parameters()}
    for parameter in network.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    for name, parameter in network.named_parameters():
        torch.testing.assert_close(parameter, before[name] * (1 - 0.125 * 0.01))


def test_rates_per_1024_examples_do_not_depend_on_batch_and_momentum() -> None:
    """Of airbench: rate 11.5 and decay 0.0153 for 1,024 images; what torch is told follows by its formula."""
    network = make_network()
    stated = {"learning_rate": 11.5, "weight_decay": 0.0153, "per_1024_examples": True}
    optimizer = build_optimizer("sgd", network, batch_size=1024, momentum=0.85, nesterov=True, **stated)
    (group,) = optimizer.param_groups
    summed_rate = 11.5 / (1024 * (1 + 1 / 0.15))  # of a loss that is summed over the batch
    assert group["lr"] == pytest.approx(summed_rate * 1024)
    assert group["lr"] * group["weight_decay"] == pytest.approx(0.0153 * 1024 / (1024 * (1 + 1 / 0.15)))
    small = build_optimizer("sgd", network, batch_size=256, momentum=0.85, **stated).param_groups[0]
    assert small["lr"] * 4 == pytest.approx(group["lr"])
    assert small["weight_decay"] == pytest.approx(group["weight_decay"])


def test_one_batch_of_1024_moves_as_far_as_four_of_256_with_rates_per_example() -> None:
    moved = []
    for batch_size, num_steps in ((1024, 1), (256, 4)):
        weight = nn.Parameter(torch.ones(1, 1))
        optimizer = build_optimizer(
            "sgd", [weight], batch_size=batch_size, learning_rate=0.4, momentum=0.0, per_1024_examples=True
        )
        for _ in range(num_steps):
            weight.grad = torch.full((1, 1), 0.5)
            optimizer.step()
        moved.append(weight.item())
    assert moved[0] == pytest.approx(moved[1])
    assert moved[0] == pytest.approx(1 - 0.5 * 0.4 / 2)
