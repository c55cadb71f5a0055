import copy

import pytest
import torch
from captum.attr import LayerAttribution, LayerGradCam
from torch import Tensor, nn

from loupe.errors import LoupeError
from loupe.inspection import explain, list_layer_names
from tests.inspection.explanations.networks import Plain, make_images, make_network


@pytest.mark.parametrize(
    ("network", "layer"),
    [
        ("cnn", "conv1"),
        ("cnn", "pool1"),
        ("cnn", "relu1"),
        ("cnn", "relu2"),
        ("resnet", "stage2.0"),
        ("resnet", "stage3.2.layers.conv2"),
        ("six-block", "norm4"),
        ("expert-net", "block1.experts"),
        ("expert-net", "block2"),
        ("plain", "conv1"),
    ],
)
def test_equals_captum(network: str, layer: str) -> None:
    model = (Plain() if network == "plain" else make_network(network)).double().eval()
    images, targets = make_images().double(), torch.tensor([1, 3, 0])
    found = explain(model, images, "grad-cam", targets=targets, layer=layer)
    captums = LayerGradCam(model, model.get_submodule(layer)).attribute(
        images.requires_grad_(), target=targets, relu_attributions=True
    )
    torch.testing.assert_close(found.extras["raw_maps"], captums[:, 0], atol=1e-12, rtol=1e-9)
    enlarged = LayerAttribution.interpolate(captums, (28, 28), interpolate_mode="bilinear")
    torch.testing.assert_close(found.maps, enlarged[:, 0], atol=1e-12, rtol=1e-9)
    assert found.maps.max() > 0
    assert found.extras["layer"] == layer


def test_by_hand() -> None:
    """The maps are the image and its negative; the head adds up one and takes away half of the other."""
    conv, head = nn.Conv2d(1, 2, 1, bias=False), nn.Linear(8, 2, bias=False)
    with torch.no_grad():
        conv.weight.copy_(torch.tensor([1.0, -1.0]).view(2, 1, 1, 1))
        head.weight.copy_(torch.tensor([[1.0] * 4 + [-0.5] * 4, [0.0] * 8]))
    image = torch.tensor([[[[1.0, 2.0], [-3.0, 0.0]]]])
    found = explain(nn.Sequential(conv, nn.Flatten(), head), image, "grad-cam", targets=0)
    # 1 * image - 0.5 * (-image), without what is negative
    assert found.maps.tolist() == [[[1.5, 3.0], [0.0, 0.0]]]


@pytest.mark.parametrize(
    ("network", "layer"),
    [("cnn", "relu2"), ("resnet", "stage3"), ("six-block", "dropout6"), ("expert-net", "block2")],
)
def test_the_last_maps_are_the_default(network: str, layer: str) -> None:
    found = explain(make_network(network), make_images(), "grad-cam")
    assert found.extras["layer"] == layer


def test_any_layer_with_maps_will_do() -> None:
    model, images = make_network("expert-net"), make_images()
    without_maps = []
    for layer in list_layer_names(model):
        try:
            assert explain(model, images, "grad-cam", layer=layer).maps.isfinite().all()
        except LoupeError as error:
            assert "gives no maps" in error.message  # noqa: PT017  # some layers may raise
            without_maps.append(layer)
    of_gate = ["flatten", "dense", "relu", "logits", "softmax"]
    of_gates = [f"block{block}.gate.{name}" for block in (1, 2) for name in of_gate]
    assert without_maps == [*of_gates, "flatten", "dropout", "logits"]


class Twice(nn.Module):
    """One activation called twice, and a layer that leads nowhere."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 3, 3), nn.Conv2d(3, 3, 3)
        self.aside = nn.Conv2d(3, 2, 1)
        self.relu = self.last = nn.ReLU()
        self.head = nn.Linear(3, 2)

    def forward(self, images: Tensor) -> Tensor:
        maps = self.last(self.conv2(self.relu(self.conv1(images))))
        self.aside(maps)
        return self.head(maps.mean((2, 3)))


def test_layers_called_twice_and_layers_that_lead_nowhere() -> None:
    torch.manual_seed(0)
    model, images = Twice(), make_images()
    second = explain(model, images, "grad-cam", layer="relu#2").extras["raw_maps"]
    first = explain(model, images, "grad-cam", layer="relu").extras["raw_maps"]
    assert (first.shape[1:], second.shape[1:]) == ((26, 26), (24, 24))
    apart = copy.deepcopy(model)
    apart.last = nn.ReLU()
    assert torch.equal(explain(apart, images, "grad-cam", layer="relu").extras["raw_maps"], first)
    assert torch.equal(explain(apart, images, "grad-cam", layer="last").extras["raw_maps"], second)
    with pytest.raises(LoupeError, match="is called 2 times") as caught:
        explain(model, images, "grad-cam", layer="relu#3")
    assert caught.value.allowed == "relu, relu#2"
    with pytest.raises(LoupeError, match="do not depend on what layer 'aside' gives"):
        explain(model, images, "grad-cam", layer="aside")
    with pytest.raises(LoupeError, match="There is no layer 'conv3'"):
        explain(model, images, "grad-cam", layer="conv3")


def test_without_maps_other_methods_are_named() -> None:
    with pytest.raises(LoupeError, match="has none") as caught:
        explain(make_network("mlp"), make_images(), "grad-cam")
    for other in ("occlusion", "integrated-gradients", "guided-backprop"):
        assert other in str(caught.value.next_step)
    explain(make_network("mlp"), make_images(), "occlusion", size=14, stride=14)


def test_shortcuts_around_the_layers_change_nothing() -> None:
    """Below the layer, FastStack may run convolution and pooling as one; the map must not know."""
    fast = make_network("cnn")
    assert type(fast).__name__ == "FastStack"
    slow = nn.Sequential(*fast)
    for layer in ("relu1", "conv2", "relu2"):
        index = str([name for name, _ in fast.named_children()].index(layer))
        one = explain(fast, make_images(), "grad-cam", layer=layer).maps
        other = explain(slow, make_images(), "grad-cam", layer=index).maps
        torch.testing.assert_close(one, other, atol=1e-6, rtol=1e-4)
