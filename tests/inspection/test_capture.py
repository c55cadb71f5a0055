from collections import OrderedDict

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from loupe.errors import LoupeError
from loupe.inspection import capture_layers, list_layer_names
from loupe.models import build_model
from tests.models.buildable import MODEL_NAMES


class ByHand(nn.Module):
    """Two convolutions, an activation used twice and in place: what hooks easily get wrong."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 3, 3, padding=1)
        self.norm = nn.BatchNorm2d(3)
        self.relu = nn.ReLU(inplace=True)
        self.block = nn.Sequential(OrderedDict(conv2=nn.Conv2d(3, 4, 3), pool=nn.AvgPool2d(2)))
        self.logits = nn.Linear(36, 2)
        self.unused = nn.Linear(1, 1)

    def forward(self, images: Tensor) -> Tensor:
        maps = self.relu(self.norm(self.conv1(images)))
        return self.logits(self.relu(self.block(maps)).flatten(1))


def test_captured_maps_equal_manual_computation_to_the_last_bit() -> None:
    """D-004-4: maps were made by chaining the child modules, without the activations between them."""
    model, images = ByHand(), torch.randn(5, 1, 8, 8)
    model(images)  # moves the running statistics
    layers = ["conv1", "norm", "relu", "block.conv2", "block", "logits"]
    outputs = capture_layers(model, images, layers)
    with torch.inference_mode():
        conv1 = F.conv2d(images, model.conv1.weight, model.conv1.bias, padding=1)
        norm = F.batch_norm(
            conv1, model.norm.running_mean, model.norm.running_var, model.norm.weight, model.norm.bias
        )
        conv2 = F.conv2d(norm.relu(), model.block.conv2.weight, model.block.conv2.bias)
        pooled = F.avg_pool2d(conv2, 2)
        logits = F.linear(pooled.relu().flatten(1), model.logits.weight, model.logits.bias)
    expected = {
        "conv1": conv1,
        "norm": norm,
        "relu": norm.relu(),
        "block.conv2": conv2,
        "block": pooled,
        "relu#2": pooled.relu(),
        "logits": logits,
    }
    assert list(outputs) == list(expected)
    for name, output in outputs.items():
        assert torch.equal(output, expected[name]), name


def test_nothing_is_left_behind() -> None:
    model, images = ByHand().train(), torch.randn(2, 1, 8, 8)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    with pytest.raises(RuntimeError):
        capture_layers(model, torch.randn(2, 3, 8, 8), ["conv1"])
    capture_layers(model, images, ["conv1", "relu"])
    assert not any(module._forward_hooks for module in model.modules())
    assert model.training
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


def test_layers_that_are_not_there_or_not_called() -> None:
    with pytest.raises(LoupeError) as caught:
        capture_layers(ByHand(), torch.randn(1, 1, 8, 8), ["conv3"])
    assert caught.value.nearest == "conv1"
    with pytest.raises(LoupeError, match="'unused' takes no part"):
        capture_layers(ByHand(), torch.randn(1, 1, 8, 8), ["unused"])


@pytest.mark.parametrize("name", MODEL_NAMES)
def test_every_layer_of_every_model_can_be_captured_and_changes_nothing(name: str) -> None:
    model = build_model(name, in_channels=1, image_size=(16, 16), num_classes=4).eval()
    images = torch.randn(2, 1, 16, 16)
    layers = list_layer_names(model)
    outputs = capture_layers(model, images, layers)
    with torch.inference_mode():
        plain = model(images)
    torch.testing.assert_close(list(outputs.values())[-1].reshape(plain.shape), plain)
    assert set(layers) <= set(outputs)
