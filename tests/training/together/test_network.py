import copy

import pytest
import torch
from torch import Tensor, nn

from loupe.models.layers.fast_max_pool import FastMaxPool2d
from loupe.models.layers.fast_stack import FastStack
from loupe.training.together.network import Stack, find_network_obstacle

IMAGES = torch.randn(3, 5, 2, 9, 8, generator=torch.Generator().manual_seed(1))  # 3 networks, 5 images each


def make_networks(*layers: nn.Module, kind: type[nn.Sequential] = nn.Sequential) -> list[nn.Module]:
    """Return three networks of these layers, each with its own weights."""
    networks: list[nn.Module] = [kind(*copy.deepcopy(layers)) for _ in range(3)]
    for network in networks:
        for parameter in network.parameters():
            nn.init.normal_(parameter)
    return networks


def find_gradients(outputs: Tensor, parameters: list[Tensor]) -> tuple[Tensor, ...]:
    uneven = torch.linspace(-1, 2, outputs.numel()).view_as(outputs)
    return torch.autograd.grad((outputs * uneven).sum(), parameters)


@pytest.mark.parametrize(
    "layers",
    [
        (nn.Conv2d(2, 4, 3, padding=1, bias=False), nn.MaxPool2d(3, stride=2), nn.Tanh(), nn.Flatten()),
        (nn.Conv2d(2, 40, 4), FastMaxPool2d(), nn.ReLU(), nn.Conv2d(40, 4, 2, stride=2, groups=2)),
        (nn.Conv2d(2, 6, 3, padding=(0, 1)), nn.ReLU(), nn.Conv2d(6, 3, 2), FastMaxPool2d(), nn.Sigmoid()),
        (nn.Flatten(), nn.Linear(144, 6, bias=False), nn.Identity(), nn.Unflatten(1, (2, 1, 3))),
        (FastMaxPool2d(), nn.Conv2d(2, 3, 3, dilation=2, padding=2), nn.Flatten(), nn.Linear(48, 2)),
    ],
)
def test_outputs_and_gradients_are_those_of_each_network(layers: tuple[nn.Module, ...]) -> None:
    networks = make_networks(*layers)
    assert find_network_obstacle(networks[0]) is None
    each = [network(images) for network, images in zip(networks, IMAGES, strict=True)]
    stack = Stack(networks)
    leaves = stack.take(slice(0, 3))
    outputs = stack.run(IMAGES, leaves)
    assert torch.allclose(outputs, torch.stack(each), atol=1e-4, rtol=1e-4)
    ours = find_gradients(outputs, list(leaves.values()))
    theirs = find_gradients(torch.stack(each), [p for network in networks for p in network.parameters()])
    for number, gradient in enumerate(ours):
        expected = torch.stack([*theirs[number :: len(ours)]])
        assert torch.allclose(gradient, expected, atol=1e-3, rtol=1e-4)


def test_networks_stay_whole_and_follow_the_stack() -> None:
    networks = make_networks(nn.Flatten(), nn.Linear(144, 3))
    before = copy.deepcopy(networks[1])
    stack = Stack(networks)
    assert torch.equal(networks[1](IMAGES[1]), before(IMAGES[1]))
    stack.stacked["1.weight"][1] += 1
    assert torch.equal(networks[1][1].weight, before[1].weight + 1)
    assert networks[1].state_dict().keys() == before.state_dict().keys()


def test_a_part_of_the_stack_runs_by_itself() -> None:
    stack = Stack(make_networks(nn.Conv2d(2, 4, 2), FastMaxPool2d(), kind=FastStack))
    whole = stack.run(IMAGES, stack.take(slice(0, 3)))
    part = stack.run(IMAGES[1:], stack.take(slice(1, 3)))
    assert torch.allclose(part, whole[1:], atol=1e-5)


def test_each_network_drops_what_it_would_drop_alone() -> None:
    networks = make_networks(nn.Conv2d(2, 4, 2), nn.ReLU(), nn.Dropout(0.4))
    alone = []
    for seed, (network, images) in enumerate(zip(networks, IMAGES, strict=True)):
        torch.manual_seed(seed)
        alone.append(network(images))
    stack = Stack(networks)
    generators = [torch.Generator().manual_seed(seed) for seed in range(3)]
    together = stack.run(IMAGES, stack.take(slice(0, 3)), generators)
    assert torch.allclose(together, torch.stack(alone), atol=1e-5)
    assert not torch.allclose(stack.run(IMAGES, stack.take(slice(0, 3))), together)


@pytest.mark.parametrize(
    ("layer", "reason"),
    [
        (nn.BatchNorm2d(2), "layer 0 is a BatchNorm2d"),
        (nn.Linear(8, 3), "layer 0 takes values in another form"),
        (nn.Conv2d(2, 3, 3, padding="same"), "layer 0 has settings"),
        (nn.Conv2d(2, 3, 3, padding_mode="reflect"), "layer 0 has settings"),
        (nn.Flatten(2), "layer 0 has settings"),
        (nn.Conv2d(2, 3, 3).requires_grad_(False), "frozen"),
    ],
)
def test_what_is_not_known_is_refused(layer: nn.Module, reason: str) -> None:
    assert reason in str(find_network_obstacle(nn.Sequential(layer)))


def test_a_layer_after_another_form_of_values_is_refused() -> None:
    flat = [nn.Flatten(), nn.Linear(144, 8)]
    assert "layer 2 takes" in str(find_network_obstacle(nn.Sequential(*flat, nn.Conv2d(2, 3, 3))))
    assert "layer 2 has" in str(find_network_obstacle(nn.Sequential(*flat, nn.Unflatten(1, (2, 4)))))
    assert "layer 2 takes" in str(find_network_obstacle(nn.Sequential(*flat, nn.Flatten())))
