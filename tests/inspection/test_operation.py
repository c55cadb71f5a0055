import pytest
import torch
from torch import nn

from loupe.errors import LoupeError
from loupe.inspection import capture_layers, show_operation
from loupe.inspection.arithmetic import find_receptive_field
from loupe.models import build_model

SHAPE = {"in_channels": 3, "image_size": (16, 16), "num_classes": 4}


@pytest.fixture
def image() -> torch.Tensor:
    return torch.randn(3, 16, 16, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def resnet() -> nn.Module:
    model = build_model("resnet", depth=20, **SHAPE)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):  # fresh ones would hide a wrong constant
            for values in (module.running_mean, module.running_var, module.weight, module.bias):
                values.data.uniform_(0.5, 1.5)
    return model.eval()


def test_normalisation_follows_from_its_constants(resnet: nn.Module, image: torch.Tensor) -> None:
    made = show_operation(resnet, image, "norm", 5, 3, 4)
    constants = made.constants
    spread = (constants["variance"] + constants["eps"]) ** 0.5
    expected = (float(made.inputs) - constants["mean"]) / spread * constants["scale"] + constants["shift"]
    assert made.value == pytest.approx(expected, rel=1e-5)
    assert made.source == "conv"
    assert float(made.inputs) == float(capture_layers(resnet, image[None], ["conv"])["conv"][0, 5, 3, 4])


def test_relu_takes_what_is_above_zero(resnet: nn.Module, image: torch.Tensor) -> None:
    values = [show_operation(resnet, image, "relu", 2, row, 7) for row in range(16)]
    assert {one.value > 0 for one in values} == {True, False}
    assert all(one.value == max(0.0, float(one.inputs)) for one in values)
    assert values[3].source == "norm"
    assert values[3].location == (2, 3, 7)


def test_pooling_is_the_largest_of_its_window(image: torch.Tensor) -> None:
    model = build_model("cnn", **SHAPE).eval()
    made = show_operation(model, image, "pool1", 1, 2, 3)
    assert made.inputs.shape == (2, 2)
    assert made.value == pytest.approx(float(made.inputs.max()))
    assert (made.source, made.location) == ("conv1", (1, 4, 6))


@pytest.mark.parametrize("pool", [nn.MaxPool2d(3, 2, 1), nn.AvgPool2d(3, 2, 1)])
@pytest.mark.parametrize("position", [(0, 0), (3, 4), (7, 7)])
def test_windows_of_padded_poolings_give_their_value(
    pool: nn.Module, position: tuple[int, int], image: torch.Tensor
) -> None:
    made = show_operation(nn.Sequential(nn.Conv2d(3, 2, 1), pool), image, "1", 1, *position)
    found = made.inputs.max() if isinstance(pool, nn.MaxPool2d) else made.inputs.sum() / 9
    assert made.value == pytest.approx(float(found), rel=1e-5)


def test_global_pooling_takes_the_whole_map(resnet: nn.Module, image: torch.Tensor) -> None:
    made = show_operation(resnet, image, "pool", 9)
    assert made.inputs.shape == (4, 4)
    assert made.value == pytest.approx(float(made.inputs.mean()), rel=1e-5)


def test_flattening_says_where_a_number_was(image: torch.Tensor) -> None:
    model = build_model("cnn", **SHAPE).eval()
    made = show_operation(model, image, "flatten", 5)
    source = capture_layers(model, image[None], [made.source or ""])[made.source or ""]
    assert made.value == float(source[(0, *made.location)])


def test_every_layer_of_every_kind_of_network_is_explained_or_says_nothing(image: torch.Tensor) -> None:
    model = build_model("expert-net", blocks=1, width=8, **SHAPE).eval()
    assert show_operation(model, image, "block1.gate.softmax", 1).inputs.shape == (1, 2)
    assert show_operation(model, image, "block1.dropout", 1, 2, 2).rule.startswith("x, passed on")


def test_a_location_outside_is_refused(resnet: nn.Module, image: torch.Tensor) -> None:
    with pytest.raises(LoupeError, match="has no row 16"):
        show_operation(resnet, image, "relu", 0, 16, 0)


def test_a_deep_layer_sees_the_whole_image_and_a_shallow_one_its_window(resnet: nn.Module) -> None:
    field = find_receptive_field(resnet, (3, 16, 16), "stage3.2.relu", 1, 1)
    assert (field.first_row, field.last_row, field.first_column, field.last_column) == (0, 15, 0, 15)
    field = find_receptive_field(resnet, (3, 16, 16), "stage1.0.layers.conv1", 8, 0)
    assert (field.first_row, field.last_row, field.first_column, field.last_column) == (6, 10, 0, 2)
