"""Filters, feature maps, statistics of layers, gates."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from loupe.data.batches import Batch
from loupe.errors import LoupeError
from loupe.inspection import compute_feature_maps, measure_gates, measure_layers, read_filters
from loupe.inspection.feature_maps import choose_shown_layers, list_map_layers
from loupe.inspection.filters import list_filter_layers
from loupe.models import build_model
from tests.models.buildable import MODEL_NAMES


def build(name: str, **settings: object) -> nn.Module:
    return build_model(name, in_channels=3, image_size=(16, 16), num_classes=4, **settings).eval()


@pytest.mark.parametrize("name", MODEL_NAMES)
def test_filters_of_every_model(name: str) -> None:
    model = build(name)
    for layer in list_filter_layers(model, (3, 16, 16)):
        filters = read_filters(model, layer, (3, 16, 16))
        weight = model.get_submodule(layer).weight
        assert torch.equal(filters.weights.flatten(), weight.detach().flatten())
        assert filters.largest == weight.abs().max().item()
    assert read_filters(model, None, (3, 16, 16)).weights.shape[1] == 3, "the first layer sees the image"


def test_dense_weights_on_the_image_are_pictures_and_others_are_not() -> None:
    model = build("mlp", widths=(7, 5))
    assert read_filters(model, None, (3, 16, 16)).weights.shape == (7, 3, 16, 16)
    with pytest.raises(LoupeError, match="dense2 has no filters to draw") as caught:
        read_filters(model, "dense2", (3, 16, 16))
    assert caught.value.allowed == "dense1"


@pytest.mark.parametrize("name", ["cnn", "resnet", "six-block", "expert-net"])
def test_every_channel_is_there_once_and_is_what_the_network_computed(name: str) -> None:
    """D-002-6: 44 of 128 maps were shown, the rest were repeats. D-004-4: activations were left out."""
    model, images = build(name), torch.randn(3, 3, 16, 16)
    found = {one.layer: one for one in compute_feature_maps(model, images)}
    assert list(found) == list_map_layers(model, images)
    for layer, one in found.items():
        maps = one.maps.flatten(2).transpose(0, 1).flatten(1)
        if one.kind.startswith("Conv"):
            assert len(maps.unique(dim=0)) == len(maps), f"{layer} repeats a channel"
        assert one.kind == type(model.get_submodule(layer)).__name__
    first = next(layer for layer in found if found[layer].kind == "Conv2d")
    conv = model.get_submodule(first)
    with torch.no_grad():
        assert torch.equal(found[first].maps, F.conv2d(images, conv.weight, conv.bias, padding=conv.padding))


def test_numbers_are_no_maps() -> None:
    with pytest.raises(LoupeError, match="The layer 'logits' gives numbers, not maps"):
        compute_feature_maps(build("cnn"), torch.randn(1, 3, 16, 16), ["conv1", "logits"])


def test_shown_layers_go_evenly_from_first_to_last_activation() -> None:
    images = torch.randn(1, 3, 16, 16)
    assert choose_shown_layers(build("six-block"), images, 3) == ["relu1", "relu3", "relu6"]
    assert choose_shown_layers(build("six-block"), images, 9) == [f"relu{n}" for n in range(1, 7)]
    assert choose_shown_layers(nn.Sequential(nn.Conv2d(3, 2, 3)), images, 2) == ["0"]


class Planted(nn.Module):
    """Units known beforehand: one answers class 0 only, one all alike, one never."""

    def __init__(self) -> None:
        super().__init__()
        self.relu = nn.ReLU()
        self.relu_map = nn.ReLU()

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        value = images[:, 0, 0, 0]
        maps = torch.stack([value - 1, torch.ones_like(value), -torch.ones_like(value)], 1)
        self.relu_map(maps[:, :, None, None].expand(-1, -1, 2, 2) * torch.tensor([[1.0, 0.0], [1.0, 1.0]]))
        return self.relu(maps)


def test_statistics_of_planted_units() -> None:
    labels = torch.tensor([0, 1, 2, 0, 1, 2])
    values = torch.where(labels == 0, 3.0, 0.0)
    images = values.view(-1, 1, 1, 1)
    batches = [Batch(images[:4], labels[:4]), Batch(images[4:], labels[4:])]
    of_map, of_units = measure_layers(Planted(), batches, 3)
    assert (of_units.layer, of_units.is_map, of_map.is_map) == ("relu", False, True)
    assert of_units.num_units == 3
    assert of_units.num_dead == of_map.num_dead == 1
    assert of_units.selectivity == pytest.approx((1.0 + 0.0) / 2)
    assert of_map.selectivity == pytest.approx(0.5)
    # of 6 x 3 values, non-zero: two of the first unit, six of the second
    assert of_units.sparsity == pytest.approx(1 - 8 / 18)
    assert of_map.sparsity == pytest.approx(1 - 8 * 3 / (18 * 4))


def test_statistics_do_not_depend_on_the_batches() -> None:
    model, images, labels = build("cnn"), torch.randn(30, 3, 16, 16), torch.arange(30) % 4
    whole = measure_layers(model, [Batch(images, labels)], 4)
    parts = measure_layers(model, [Batch(images[:7], labels[:7]), Batch(images[7:], labels[7:])], 4)
    assert [one.layer for one in whole] == ["relu1", "relu2", "dense_relu1"]
    for one, other in zip(whole, parts, strict=True):
        assert one.selectivity == pytest.approx(other.selectivity)
        assert one.sparsity == pytest.approx(other.sparsity)


def test_gates_by_class_entropy_and_collapse() -> None:
    """I6."""
    model = build("expert-net", blocks=2, experts=3, width=8)
    images, labels = torch.randn(12, 3, 16, 16), torch.arange(12) % 3  # class 3 has no images
    one, two = measure_gates(model, [Batch(images[:5], labels[:5]), Batch(images[5:], labels[5:])], 4)
    assert (one.layer, two.layer) == ("block1.gate", "block2.gate")
    torch.testing.assert_close(one.by_class[:3].sum(1), torch.ones(3, dtype=torch.float64))
    assert one.by_class[3].isnan().all()
    torch.testing.assert_close(one.by_class[:3].mean(0), one.mean)
    assert 0 < one.entropy <= one.usage_entropy + 1e-6 <= 1 + 2e-6
    assert one.warning is None
    with torch.no_grad():
        model.block2.gate.logits.weight.zero_()
        model.block2.gate.logits.bias.copy_(torch.tensor([0.0, 9.0, 0.0]))
    _, collapsed = measure_gates(model, [Batch(images, labels)], 4)
    assert collapsed.warning == (
        "block2.gate has collapsed: expert 2 gets 100.0% of the weight, whatever the image"
    )
    share = math.exp(9) / (2 + math.exp(9))
    rest = (1 - share) / 2
    expected = -(share * math.log(share) + 2 * rest * math.log(rest)) / math.log(3)
    assert collapsed.entropy == pytest.approx(expected, abs=1e-6)
    assert measure_gates(build("cnn"), [Batch(images, labels)], 4) == []
