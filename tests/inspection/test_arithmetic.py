import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from loupe.errors import LoupeError
from loupe.inspection import capture_layers, find_receptive_field, show_arithmetic
from loupe.models import build_model
from tests.models.buildable import MODEL_NAMES


def build(name: str, **settings: object) -> nn.Module:
    torch.manual_seed(0)
    model = build_model(name, in_channels=3, image_size=(16, 16), num_classes=4, **settings)
    model(torch.randn(8, 3, 16, 16))  # moves running statistics, where there are some
    return model.eval()


@given(
    stride=st.integers(1, 3),
    padding=st.integers(0, 3),
    dilation=st.integers(1, 2),
    groups=st.sampled_from([1, 2]),
    kernel=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    bias=st.booleans(),
    data=st.data(),
)
def test_the_sum_is_the_layers_own_value(
    stride: int,
    padding: int,
    dilation: int,
    groups: int,
    kernel: tuple[int, int],
    bias: bool,
    data: st.DataObject,
) -> None:
    torch.manual_seed(0)
    conv = nn.Conv2d(4, 6, kernel, stride, padding, dilation, groups, bias)
    model, image = nn.Sequential(conv), torch.randn(4, 11, 9)
    output = capture_layers(model, image[None], ["0"])["0"][0]
    location = [data.draw(st.integers(0, size - 1)) for size in output.shape]
    shown = show_arithmetic(model, image, "0", *location)
    assert shown.total == pytest.approx(output[tuple(location)].item(), abs=1e-5)
    assert shown.value == output[tuple(location)].item()
    assert shown.window.shape == shown.weights.shape == (4 // groups, *kernel)
    torch.testing.assert_close(shown.products, shown.window * shown.weights)


@pytest.mark.thorough
@pytest.mark.parametrize("name", [name for name in MODEL_NAMES if name != "autoencoder"])
def test_every_weighing_layer_of_every_model(name: str) -> None:
    small = {
        "expert-net": {"blocks": 2, "width": 8, "experts": 3},
        "fast-net": {"widths": (8, 12)},
        "resnet": {"depth": 20},
        "six-block": {"width": 0.1},
        "mobile-net": {"width": 0.1},
        "vision-transformer": {"width": 24, "depth": 1},
    }
    settings = small.get(name, {})
    model, image = build(name, **settings), torch.randn(3, 16, 16)
    layers = [
        layer
        for layer, module in model.named_modules()
        if getattr(getattr(module, "weight", None), "ndim", 0) > 1
    ]
    outputs = capture_layers(model, image[None], layers)
    for layer in layers:
        output = outputs[layer][0]
        location = tuple(size // 2 for size in output.shape)
        shown = show_arithmetic(model, image, layer, *location)
        assert shown.value == output[location].item()
        assert shown.total == pytest.approx(shown.value, abs=1e-4)


def test_the_steps_after_a_convolution() -> None:
    """I8: normalisation and activation of the same number, as the network computed them."""
    model, image = build("six-block", width=0.2), torch.randn(3, 16, 16)
    outputs = capture_layers(model, image[None], ["conv2", "norm2", "relu2", "dropout2", "pool2"])
    shown = show_arithmetic(model, image, "conv2", 5, 3, 7)
    assert [step.layer for step in shown.steps] == ["norm2", "relu2", "dropout2", "pool2"]
    assert shown.value == outputs["conv2"][0, 5, 3, 7].item()
    assert shown.steps[0].before == shown.value
    assert shown.steps[0].after == outputs["norm2"][0, 5, 3, 7].item()
    assert shown.steps[1].after == outputs["relu2"][0, 5, 3, 7].item() == max(0.0, shown.steps[0].after)
    assert shown.steps[-1].after == outputs["pool2"][0, 5, 1, 3].item()


def test_the_steps_end_where_a_shortcut_is_added() -> None:
    model, image = build("resnet", depth=20), torch.randn(3, 16, 16)
    assert [step.layer for step in show_arithmetic(model, image, "conv", 0, 1, 1).steps] == ["norm", "relu"]
    shown = show_arithmetic(model, image, "stage1.0.layers.conv2", 0, 1, 1)
    assert [step.layer for step in shown.steps] == ["stage1.0.layers.norm2"]


def test_an_activation_in_place_does_not_spoil_the_value_before_it() -> None:
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(inplace=True))
    image = torch.randn(1, 6, 6)
    with torch.no_grad():
        plain = model[0](image[None])[0]
    low = (plain == plain.min()).nonzero()[0].tolist()
    shown = show_arithmetic(model, image, "0", *low)
    assert shown.value == plain.min().item()
    assert shown.steps[0].after == 0


@pytest.mark.parametrize(
    ("layer", "location", "expected"),
    [
        ("conv1", (5, 6), (3, 7, 4, 8)),
        ("conv1", (0, 0), (0, 2, 0, 2)),
        ("conv2", (5, 6), (1, 9, 2, 10)),
        ("conv3", (3, 3), (0, 13, 0, 13)),
        ("conv3", (4, 3), (2, 15, 0, 13)),
        ("logits", (0, 0), (0, 15, 0, 15)),
    ],
)
def test_receptive_fields_by_hand(
    layer: str, location: tuple[int, int], expected: tuple[int, int, int, int]
) -> None:
    """I9: two 5 x 5 kernels see 9 pixels; 3 x 3 on pooled maps sees 6 of the maps before, and so 14."""
    field = find_receptive_field(build("six-block", width=0.1), (3, 16, 16), layer, *location)
    assert (field.first_row, field.last_row, field.first_column, field.last_column) == expected


def test_gates_let_a_whole_image_in() -> None:
    model = build("expert-net", blocks=2, width=8)
    whole = find_receptive_field(model, (3, 16, 16), "block2.norm", 8, 8)
    assert (whole.first_row, whole.last_row, whole.first_column, whole.last_column) == (0, 15, 0, 15)
    stem = find_receptive_field(model, (3, 16, 16), "conv", 8, 8)
    assert (stem.first_row, stem.last_row) == (7, 9)


def test_nothing_is_left_behind() -> None:
    model = build("resnet", depth=20).train()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    show_arithmetic(model, torch.randn(3, 16, 16), "conv", 0, 1, 1)
    assert model.training
    assert not any(module._forward_hooks for module in model.modules())
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


def test_locations_and_layers_that_are_not_there() -> None:
    model, image = build("cnn"), torch.randn(3, 16, 16)
    with pytest.raises(LoupeError, match=r"has no channel 6.\n  got: channel 6\n  allowed: 0 to 5"):
        show_arithmetic(model, image, "conv1", 6)
    with pytest.raises(LoupeError, match="has no column 12"):
        show_arithmetic(model, image, "conv1", 0, 0, 12)
    with pytest.raises(LoupeError, match="does not multiply a window with weights"):
        show_arithmetic(model, image, "relu1", 0)
