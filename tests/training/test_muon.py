import pytest
import torch
from torch import nn

from loupe.training import build_optimizer
from loupe.training.optimizers.muon import orthogonalise


def make_conv_network() -> nn.Sequential:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        norm = nn.BatchNorm2d(8)
        return nn.Sequential(nn.Conv2d(3, 8, 3), norm, nn.ReLU(), nn.Flatten(), nn.Linear(8 * 4, 5))


@pytest.mark.parametrize("shape", [(8, 27), (27, 8), (16, 16), (64, 576)])
@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_singular_values_of_an_update_lie_near_one(shape: tuple[int, int], scale: float) -> None:
    """Asked of torch's own singular value decomposition."""
    matrix = torch.randn(shape) * scale
    u, _, v = torch.linalg.svd(matrix, full_matrices=False)
    update = orthogonalise(matrix, 5)
    values = torch.linalg.svdvals(update)
    assert values.min() > 0.6
    assert values.max() < 1.25
    # of the same singular vectors: in their basis the update is diagonal
    inner = u.T @ update @ v.T
    assert (inner - inner.diagonal().diag()).abs().max() < 1e-2
    torch.testing.assert_close(update, u @ v, atol=0.35, rtol=0)


def test_more_steps_come_nearer_to_orthogonal() -> None:
    matrix = torch.randn(32, 200) * torch.logspace(0, -1.5, 32)[:, None]
    smallest = [torch.linalg.svdvals(orthogonalise(matrix, steps)).min() for steps in (1, 3, 5)]
    assert smallest == sorted(smallest)
    assert smallest[0] < 0.3 < 0.6 < smallest[2]


def test_filters_step_by_an_orthogonal_matrix_with_their_norm_kept() -> None:
    network = make_conv_network()
    filters = network[0].weight
    optimizer = build_optimizer("muon", network, learning_rate=0.1, newton_schulz_steps=5)
    for _ in range(3):
        before = filters.detach() * (8**0.5 / filters.detach().norm())
        network(torch.randn(4, 3, 4, 4)).square().mean().backward()
        optimizer.step()
        optimizer.zero_grad()
        values = torch.linalg.svdvals((filters - before).flatten(1)) / 0.1
        assert values.min() > 0.5
        assert values.max() < 1.3


def test_a_step_by_hand() -> None:
    """Nesterov's momentum of two gradients, orthogonalised; no norm is kept, and weights decay decoupled."""
    weight = nn.Parameter(torch.ones(2, 2, 1, 1))
    optimizer = build_optimizer(
        "muon",
        [weight],
        learning_rate=0.5,
        momentum=0.6,
        newton_schulz_steps=5,
        keep_norm=False,
        weight_decay=0.1,
    )
    gradients = torch.randn(2, 2, 2, 1, 1)
    expected, buffer = torch.ones(2, 2), torch.zeros(2, 2)
    for gradient in gradients:
        weight.grad = gradient.clone()
        optimizer.step()
        flat = gradient.flatten(1)
        buffer = 0.6 * buffer + flat
        expected = expected * (1 - 0.5 * 0.1) - 0.5 * orthogonalise(flat + 0.6 * buffer, 5)
    torch.testing.assert_close(weight.detach().flatten(1), expected)


def test_everything_but_filters_steps_as_torchs_sgd_does() -> None:
    ours, theirs = make_conv_network(), make_conv_network()
    rates = {"dense_rate": 0.3, "norm_rate": 0.7, "bias_rate": 0.2}
    optimizer = build_optimizer("muon", ours, learning_rate=0.1, sgd_momentum=0.8, **rates)
    reference = torch.optim.SGD(
        [
            {"params": [theirs[4].weight], "lr": 0.3},
            {"params": theirs[1].parameters(), "lr": 0.7},
            {"params": [theirs[0].bias, theirs[4].bias], "lr": 0.2},
        ],
        momentum=0.8,
        nesterov=True,
    )
    names = [name for name, parameter in ours.named_parameters() if parameter.ndim < 4]
    for _ in range(4):
        for name in names:
            gradient = torch.randn_like(ours.get_parameter(name))
            ours.get_parameter(name).grad, theirs.get_parameter(name).grad = gradient.clone(), gradient
        optimizer.step()
        reference.step()
    for name in names:
        torch.testing.assert_close(ours.get_parameter(name), theirs.get_parameter(name))


def test_decay_is_the_same_whatever_the_rate_of_a_group() -> None:
    network = make_conv_network()
    before = {name: parameter.detach().clone() for name, parameter in network.named_parameters()}
    rates = {"dense_rate": 0.5, "norm_rate": 2.0, "bias_rate": 4.0}
    optimizer = build_optimizer("muon", network, learning_rate=0.1, weight_decay=0.3, **rates)
    for parameter in network.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    for name in ("1.weight", "4.weight", "4.bias", "0.bias"):
        torch.testing.assert_close(network.get_parameter(name), before[name] * (1 - 0.1 * 0.3))


def test_a_layer_of_filters_learns_faster_than_by_sgd() -> None:
    """Regression onto fixed filters whose inputs differ a thousandfold in size: what Muon is for."""
    torch.manual_seed(1)
    target = torch.randn(8, 8, 1, 1)
    inputs = torch.randn(64, 8, 1, 1) * torch.logspace(0, -1.5, 8).view(1, 8, 1, 1)
    losses = {}
    for name, rate in (("muon", 0.1), ("sgd", 0.5)):
        layer = nn.Conv2d(8, 8, 1, bias=False)
        settings = {"keep_norm": False} if name == "muon" else {}
        optimizer = build_optimizer(name, layer, learning_rate=rate, **settings)
        for _ in range(60):
            loss = (layer(inputs) - nn.functional.conv2d(inputs, target)).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        losses[name] = (layer.weight - target).square().mean().item()
    assert losses["muon"] < losses["sgd"] / 2
