"""A network as one picture: what it says is what the network's own forward pass did."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from loupe.inspection import capture_layers, list_layer_names, trace_flow
from loupe.inspection.flow import Flow
from loupe.inspection.flow_blocks import fold_blocks, take_block
from loupe.inspection.tracing import trace_steps
from loupe.models import build_model

NETWORKS: list[tuple[str, dict[str, Any]]] = [
    ("cnn", {"conv_layers": 4}),
    ("mlp", {}),
    ("resnet", {"depth": 18}),
    ("resnet", {"depth": 20, "layers": "handwritten"}),
    ("six-block", {"width": 0.2}),
    ("expert-net", {"blocks": 2, "experts": 3, "width": 8}),
    ("fast-net", {}),
    ("autoencoder", {}),
    ("mobile-net", {"width": 0.3}),
    ("vision-transformer", {"depth": 2, "width": 24}),
]
NAMES = tuple("abcdefghij")


def build(name: str, settings: dict[str, Any]) -> nn.Module:
    torch.manual_seed(1)
    return build_model(name, in_channels=3, image_size=(16, 16), num_classes=10, **settings).eval()


def follow(model: nn.Module, image: Tensor | None = None) -> Flow:
    given = torch.randn(3, 16, 16, generator=torch.Generator().manual_seed(0)) if image is None else image
    return trace_flow(model, given, torch.zeros(given.shape, dtype=torch.uint8), class_names=NAMES)


@pytest.mark.parametrize(("name", "settings"), NETWORKS, ids=[f"{one}-{len(two)}" for one, two in NETWORKS])
def test_every_layer_is_in_one_station_with_the_shape_it_gave(name: str, settings: dict[str, Any]) -> None:
    model = build(name, settings)
    image = torch.randn(3, 16, 16)
    flow = follow(model, image)
    placed = [layer for station in flow.stations for layer in station.layers]
    assert len(placed) == len(set(placed))
    calls = [
        one
        for one in list_layer_names(model)
        if not list(model.get_submodule(one).children())
        and not isinstance(model.get_submodule(one), nn.Identity)
    ]
    assert set(placed) == set(calls)
    outputs = capture_layers(model, image[None], calls)
    for station in flow.stations:
        if station.layers and station.role != "gate":
            assert tuple(outputs[station.layers[-1]].shape[1:])[-1] == station.shape[-1]
    assert not any(link.is_assumed for link in flow.links)
    reached = {link.target for link in flow.links}
    assert reached == set(range(1, len(flow.stations))), "all but the image are made of something"
    assert (flow.stations[-1].role == "softmax") == (name != "autoencoder")


def test_the_last_station_holds_the_networks_own_probabilities() -> None:
    model, image = build("cnn", {}), torch.randn(3, 16, 16)
    values = follow(model, image).stations[-1].values
    with torch.no_grad():
        expected = model(image[None])[0].softmax(0)
    assert values is not None
    torch.testing.assert_close(values, expected)


def test_shortcuts_join_where_the_network_adds() -> None:
    flow = follow(build("resnet", {"depth": 18}))
    sums = [number for number, one in enumerate(flow.stations) if one.sign == "+"]
    assert len(sums) == 8
    for number in sums:
        into = [link for link in flow.links if link.target == number]
        assert len(into) == 2
        assert sum(link.is_shortcut for link in into) == 1
    projected = [one for one in flow.stations if one.title == "shortcut.conv"]
    assert [one.block for one in projected] == ["stage2.0", "stage3.0", "stage4.0"]
    assert len(flow.blocks) == 8
    folded = fold_blocks(flow)
    assert sum(one.has_shortcut for one in folded.stations) == 8
    assert sum(one.parameters for one in folded.stations) == sum(one.parameters for one in flow.stations)
    part = take_block(flow, "stage2.0")
    assert [one.title for one in part.stations[1:]] == ["conv1", "conv2", "shortcut.conv", "add"]
    assert all(link.source < len(part.stations) for link in part.links)


def test_gates_hold_the_shares_of_this_image() -> None:
    model, image = build("expert-net", {"blocks": 2, "experts": 3, "width": 8}), torch.randn(3, 16, 16)
    flow = follow(model, image)
    shares = capture_layers(model, image[None], ["block1.gate"])["block1.gate"][0]
    gate = next(one for one in flow.stations if one.name == "block1.gate")
    assert gate.values is not None
    torch.testing.assert_close(gate.values, shares)
    experts = next(one for one in flow.stations if one.name == "block1.experts")
    assert experts.experts == 3
    mixed = next(one for one in flow.stations if one.sign == "×")
    assert mixed.shape == (8, 16, 16)


class OwnNetwork(nn.Module):
    """Functions between layers, a layer called twice, an in-place sum, a weight of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 3, padding=1)
        self.attention = nn.MultiheadAttention(3, 1, batch_first=True)
        self.weight = nn.Parameter(torch.rand(10, 3))

    def forward(self, images: Tensor) -> Tensor:
        maps = F.relu(self.conv(images))
        again = self.conv(maps)
        again += maps
        tokens = F.max_pool2d(again, 2).flatten(2).transpose(1, 2)
        tokens = tokens + self.attention(tokens, tokens, tokens)[0]
        return F.linear(tokens.mean(1), self.weight)


def test_a_network_of_ones_own_is_followed_through_its_functions() -> None:
    flow = follow(OwnNetwork())
    kinds = [(one.title, one.sign) for one in flow.stations]
    assert kinds[1:4] == [("conv", ""), ("conv#2", ""), ("add", "+")]
    assert ("add #2", "+") in kinds
    assert [one.role for one in flow.stations[-2:]] == ["dense", "softmax"]
    assert sum(link.is_shortcut for link in flow.links) == 2


class Detour(nn.Module):
    """Numbers leave torch on the way, where nobody can follow them."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(768, 5), nn.Linear(5, 10)

    def forward(self, images: Tensor) -> Tensor:
        middle = self.first(images.flatten(1)).detach().numpy().copy()
        result: Tensor = self.last(torch.from_numpy(middle))
        return result


def test_where_the_way_is_lost_the_order_of_the_calls_stands_for_it() -> None:
    flow = follow(Detour())
    assert [(link.source, link.target, link.is_assumed) for link in flow.links] == [
        (0, 1, False),
        (1, 2, True),
        (2, 3, False),
    ]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_network_that_shows_no_layer_is_one_station() -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(768, 10))
    scripted = torch.jit.trace(model, torch.zeros(1, 3, 16, 16))
    flow = follow(scripted)
    assert flow.stations[0].role == "image"
    assert flow.stations[-1].role == "softmax"
    assert {link.target for link in flow.links} == set(range(1, len(flow.stations)))


def test_following_leaves_the_network_as_it_was() -> None:
    model = build("resnet", {"depth": 20}).train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    trace_steps(model, torch.randn(3, 16, 16))
    assert model.training
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())
