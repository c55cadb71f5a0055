"""One contract over all optimizers, then what each promises."""

import pytest
import torch
from torch import nn

from loupe.errors import LoupeError
from loupe.training import OPTIMIZERS, build_optimizer


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
