"""Operations on levels give Pillow's own values."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from loupe.data.operations.levels import autocontrast, equalize, invert, posterize, solarize, to_levels
from tests.data.pillow import ask_pillow, make_images, make_varied_images


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(32, 30), (8, 8), (40, 40), (1, 5)])
@pytest.mark.parametrize("operation", [invert, autocontrast, equalize])
def test_maps_without_strength_are_pillows(
    operation: Callable[[Tensor], Tensor], channels: int, size: tuple[int, int]
) -> None:
    images = make_varied_images(channels, size)
    for image, changed in zip(images, operation(images), strict=True):
        assert torch.equal(changed, ask_pillow(image, operation.__name__, 0))


def test_autocontrast_rounds_as_pillow_for_every_darkest_and_brightest_level() -> None:
    """255 / (high - low) is not exact: in single precision some levels come out one lower."""
    low, high = torch.triu_indices(256, 256, 1).to(torch.uint8)
    chosen = torch.arange(0, len(low), 7)
    levels = torch.arange(256, dtype=torch.uint8).expand(len(chosen), 1, 1, -1)
    images = levels.maximum(low[chosen].view(-1, 1, 1, 1)).minimum(high[chosen].view(-1, 1, 1, 1))
    changed = autocontrast(images)
    expected = torch.stack([ask_pillow(image, "autocontrast", 0) for image in images])
    assert torch.equal(changed, expected)


def test_posterize_is_pillows_for_each_number_of_bits() -> None:
    images = make_images(count=8)
    bits = torch.arange(1, 9)
    for image, keep, changed in zip(images, bits.tolist(), posterize(images, bits), strict=True):
        assert torch.equal(changed, ask_pillow(image, "posterize", keep))
    assert torch.equal(posterize(images, bits)[7], images[7]), "eight bits are all of them"
    assert not posterize(images, torch.zeros(8)).any()


def test_solarize_is_pillows_for_whole_and_broken_thresholds() -> None:
    images = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16).expand(7, -1, -1, -1)
    thresholds = torch.tensor([0.0, 0.5, 85.0, 141.66667, 254.9, 255.0, 256.0])
    for image, threshold, changed in zip(
        images, thresholds.tolist(), solarize(images, thresholds), strict=True
    ):
        assert torch.equal(changed, ask_pillow(image, "solarize", threshold))


def test_equalize_leaves_one_level_alone() -> None:
    plain = torch.full((1, 3, 20, 20), 77, dtype=torch.uint8)
    assert torch.equal(equalize(plain), plain)


def test_float_images_are_rounded_to_levels() -> None:
    levels = to_levels(torch.tensor([-3.0, 0.4, 0.6, 254.6, 255.4, 300.0]))
    assert levels.tolist() == [0, 0, 1, 255, 255, 255]
    assert levels.dtype == torch.uint8
