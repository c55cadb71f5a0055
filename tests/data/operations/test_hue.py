"""Hue against Python's colorsys."""

import colorsys

import torch

from loupe.data.operations.hue import shift_hue
from tests.data.pillow import make_images


def test_hue_is_that_of_colorsys() -> None:
    images = make_images(3, (6, 6), 24)
    images[0] = torch.arange(36, dtype=torch.uint8).view(6, 6) * 7  # greys
    images[1] = (images[1] > 127) * 255  # corners of the colour cube
    images[2] = images[2] // 100  # dark, where hue is coarse
    shifts = torch.linspace(-0.5, 0.5, len(images))
    for image, shift, changed in zip(images, shifts.tolist(), shift_hue(images, shifts), strict=True):
        for before, after in zip(image.flatten(1).T.tolist(), changed.flatten(1).T.tolist(), strict=True):
            hue, saturation, value = colorsys.rgb_to_hsv(*(level / 255 for level in before))
            exact = colorsys.hsv_to_rgb((hue + shift) % 1, saturation, value)
            assert max(abs(a - 255 * b) for a, b in zip(after, exact, strict=True)) < 0.501


def test_thirds_of_the_circle_turn_red_to_green_to_blue() -> None:
    red = torch.tensor([200, 10, 10], dtype=torch.uint8).view(1, 3, 1, 1)
    assert shift_hue(red, torch.tensor([1 / 3])).flatten().tolist() == [10, 200, 10]
    assert shift_hue(red, torch.tensor([-1 / 3])).flatten().tolist() == [10, 10, 200]


def test_no_shift_and_no_colours_change_nothing() -> None:
    for channels in (1, 2, 3):
        images = make_images(channels, (32, 32))
        shift = 0.0 if channels == 3 else 0.2
        assert torch.equal(shift_hue(images, torch.full((len(images),), shift)), images)
