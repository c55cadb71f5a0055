"""Networks whose strides and patches follow the size of the images."""

import pytest
import torch

from loupe.errors import LoupeError, ShapeError
from loupe.models.layer_table import count_parameters, describe_layers

from .buildable import build


@pytest.mark.parametrize(
    ("num_classes", "settings", "parameters"),
    [(1000, {"strides": "large"}, 3_504_872), (10, {}, 2_236_682), (1000, {"width": 0.5}, 1_968_680)],
)
def test_mobile_net_parameter_counts(num_classes: int, settings: dict[str, object], parameters: int) -> None:
    """3.5 M at width 1 and 1.97 M at 0.5, as in table 4 of the paper and in torchvision."""
    model = build("mobile-net", (3, (32, 32), num_classes), **settings)
    assert count_parameters(model) == parameters


@pytest.mark.parametrize(("size", "maps"), [(32, 4), (64, 2), (96, 3), (224, 7)])
def test_mobile_net_leaves_strides_out_for_small_images(size: int, maps: int) -> None:
    model = build("mobile-net", (3, (size, size), 10), width=0.1)
    rows = describe_layers(model, in_channels=3, image_size=(size, size)).rows
    assert next(row for row in rows if row.name == "features.18.2").output_shape[1:] == (maps, maps)


def test_a_vision_transformer_of_twelve_blocks_is_deit_tiny() -> None:
    """5.7 M parameters (Touvron et al., 2021, table 1)."""
    model = build("vision-transformer", (3, (224, 224), 1000), depth=12, patch=16)
    assert count_parameters(model) == 5_717_416
    assert count_parameters(build("vision-transformer", (3, (32, 32), 10))) == 2_693_578


def test_a_transformer_sees_every_pixel_of_images_that_are_no_whole_patches() -> None:
    model = build("vision-transformer", (1, (33, 29), 4), width=24, depth=1).eval()
    images = torch.randn(1, 1, 33, 29, requires_grad=True)
    model(images).square().sum().backward()
    assert images.grad is not None
    assert (images.grad != 0).all()


def test_tokens_that_heads_cannot_share_are_refused() -> None:
    with pytest.raises(LoupeError, match="cannot be shared out among its heads"):
        build("vision-transformer", (1, (28, 28), 4), width=100, heads=3)


@pytest.mark.parametrize(
    ("name", "shape", "settings", "message"),
    [
        (
            "vision-transformer",
            (1, (40, 28), 4),
            {"patch": 32},
            "Images of 40 x 28 pixels are smaller than a patch of this vision-transformer.\n"
            "  got: patches of 32 x 32 pixels, which would be padding for the most part\n"
            "  allowed: 1 to 28\n"
            "  next: set model.patch=4, or leave it out",
        ),
        (
            "mobile-net",
            (3, (40, 16), 10),
            {"strides": "large"},
            "Images of 40 x 16 pixels are too small for this mobile-net.\n"
            "  got: 5 halvings of the maps, the last of them of a single pixel\n"
            "  allowed: images of at least 17 x 17 pixels\n"
            '  next: set model.strides="small", or use larger images',
        ),
        (
            "mobile-net",
            (3, (4, 4), 10),
            {},
            "Images of 4 x 4 pixels are too small for this mobile-net.\n"
            "  got: 3 halvings of the maps, the last of them of a single pixel\n"
            "  allowed: images of at least 5 x 5 pixels\n"
            "  next: use larger images",
        ),
    ],
)
def test_images_smaller_than_what_a_network_cuts_them_into_are_refused(
    name: str, shape: tuple[int, tuple[int, int], int], settings: dict[str, object], message: str
) -> None:
    """They were padded without a word."""
    with pytest.raises(ShapeError) as caught:
        build(name, shape, **settings)
    assert str(caught.value) == message


def test_a_patch_may_be_as_large_as_the_image() -> None:
    model = build("vision-transformer", (1, (28, 28), 4), width=24, depth=1, patch=28)
    assert model.pos_embed.shape == (1, 2, 24)
