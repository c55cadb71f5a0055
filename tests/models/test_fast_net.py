import pytest
import torch
from torch import nn

from loupe.errors import ShapeError
from loupe.models.initialisation import initialise_from_images
from loupe.models.layer_table import count_parameters, describe_layers

from .buildable import build


@pytest.mark.parametrize(
    ("settings", "parameters"),
    [
        ({}, 1_971_352),  # 1.97 M of airbench94, 4.6 M of 95, 9.9 M of 96; fixed filters are not counted
        ({"widths": (128, 384, 384)}, 4_604_440),
        ({"widths": (128, 384, 512), "convs": 3}, 9_915_416),
    ],
)
def test_parameter_counts(settings: dict[str, object], parameters: int) -> None:
    """Counted by hand for the first: 24 + 9 (24 · 64 + 64² + 64 · 256 + 3 · 256²) + 128 + 1024 + 2560."""
    model = build("fast-net", (3, (32, 32), 10), **settings)
    assert count_parameters(model) == parameters
    assert all(parameter.requires_grad for parameter in model.parameters())


def test_the_work_is_that_of_airbench() -> None:
    """0.71 GFLOP for an image forward and backward: three times two times the multiply-adds."""
    table = describe_layers(build("fast-net", (3, (32, 32), 10)), in_channels=3, image_size=(32, 32))
    assert 6 * table.multiply_adds == pytest.approx(0.71e9, rel=0.01)


@pytest.mark.parametrize("side", [16, 28, 31, 32, 48, 64])
@pytest.mark.parametrize("channels", [1, 3])
def test_any_image_size_from_16_to_64(side: int, channels: int) -> None:
    model = build("fast-net", (channels, (side, side), 7), widths=(8, 12, 12), convs=3)
    assert model(torch.randn(2, channels, side, side)).shape == (2, 7)


def test_images_that_are_too_small_are_refused() -> None:
    with pytest.raises(ShapeError) as caught:
        build("fast-net", (1, (8, 8), 10))
    assert str(caught.value) == (
        "Images of 8 x 8 pixels are too small for this fast-net.\n"
        "  got: patches of 2 x 2 and 3 halvings of the maps\n"
        "  allowed: images of at least 9 x 9 pixels\n"
        "  next: set fewer model.widths, or use larger images"
    )
    assert build("fast-net", (1, (8, 8), 10), widths=(16, 32))(torch.zeros(2, 1, 8, 8)).shape == (2, 10)


@pytest.mark.parametrize("convs", [2, 3])
def test_a_group_is_what_it_says(convs: int) -> None:
    """Recomputed from its layers, one after the other."""
    group = build("fast-net", (3, (32, 32), 10), widths=(8, 12), convs=convs).group2
    maps = torch.randn(4, 8, 6, 6)
    gelu, pool = nn.functional.gelu, nn.functional.max_pool2d
    first = gelu(group.norm1(pool(group.conv1(maps), 2)))
    expected = gelu(group.norm2(group.conv2(first)))
    if convs == 3:
        expected = gelu(group.norm3(group.conv3(expected)) + first)
    torch.testing.assert_close(group(maps), expected)


def test_convolutions_start_as_the_identity_and_logits_are_small() -> None:
    model = build("fast-net", (3, (32, 32), 10))
    for module in model.modules():
        if isinstance(module, nn.Conv2d) and module.kernel_size == (3, 3):
            same = module.weight[: module.in_channels, :, 1, 1]
            assert torch.equal(same, torch.eye(*same.shape))
    images = torch.randn(64, 3, 32, 32)
    assert initialise_from_images(model, lambda: images) == ("whitening",)
    assert model(images).std() < 0.5
