"""Brightness, contrast, saturation and sharpness give Pillow's own values."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from loupe.data.operations.enhance import (
    change_brightness,
    change_contrast,
    change_saturation,
    change_sharpness,
    to_gray,
)
from tests.data.pillow import ask_pillow, make_images, make_varied_images

CHANGES = [
    (change_brightness, "brightness"),
    (change_contrast, "contrast"),
    (change_saturation, "color"),
    (change_sharpness, "sharpness"),
]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(32, 30), (8, 9), (3, 3), (2, 7)])
@pytest.mark.parametrize(("change", "operation"), CHANGES)
def test_changes_are_pillows(
    change: Callable[[Tensor, Tensor], Tensor], operation: str, channels: int, size: tuple[int, int]
) -> None:
    images = make_varied_images(channels, size, 80)
    factors = torch.linspace(0, 2.5, 80)
    for image, factor, changed in zip(images, factors.tolist(), change(images, factors), strict=True):
        assert torch.equal(changed, ask_pillow(image, operation, factor - 1))


@pytest.mark.parametrize(("change", "_operation"), CHANGES)
def test_factor_one_changes_nothing(change: Callable[[Tensor, Tensor], Tensor], _operation: str) -> None:
    images = make_varied_images()
    assert torch.equal(change(images, torch.ones(len(images))), images)


def test_gray_is_pillows_for_every_level() -> None:
    images = make_images(3, (64, 64), 8)
    images[0] = torch.arange(4096).view(64, 64).div(16, rounding_mode="floor").to(torch.uint8)
    for image, gray in zip(images, to_gray(images), strict=True):
        assert torch.equal(gray, ask_pillow(image, "gray", 0))


@pytest.mark.parametrize(("change", "_operation"), CHANGES[1:3])
def test_what_needs_colours_leaves_two_channels_alone(
    change: Callable[[Tensor, Tensor], Tensor], _operation: str
) -> None:
    images = make_images(2)
    assert torch.equal(change(images, torch.full((len(images),), 0.3)), images)
