import pytest
import torch
from PIL import Image

from loupe.data import build_augmentation
from loupe.runtime import Streams
from tests.data.pillow import from_pillow, make_images, to_pillow


def test_nearest_is_pillows_rotation_with_its_fill() -> None:
    images = make_images(3, (32, 32))
    rotation = build_augmentation("rotation", degrees=180.0, interpolation="nearest", fill=90)
    draw = rotation.draw(images, Streams(3).generator("augment"))
    for image, degrees, changed in zip(images, draw.tolist(), rotation.apply(images, draw), strict=True):
        assert torch.equal(changed, from_pillow(to_pillow(image).rotate(degrees, fillcolor=(90, 90, 90))))


def test_bilinear_is_pillows_rotation_up_to_rounding() -> None:
    images = make_images(3, (32, 32))
    rotation = build_augmentation("rotation")
    draw = rotation.draw(images, Streams(3).generator("augment"))
    assert draw.abs().max() > 10
    for image, degrees, changed in zip(images, draw.tolist(), rotation.apply(images, draw), strict=True):
        expected = from_pillow(to_pillow(image).rotate(degrees, Image.Resampling.BILINEAR))
        difference = changed.int() - expected.int()
        assert ((difference >= 0) & (difference <= 1)).all(), "Pillow cuts off where we round"


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear"])
def test_a_quarter_turn_goes_against_the_clock(interpolation: str) -> None:
    image = torch.tensor([[10, 20], [30, 40]], dtype=torch.uint8).view(1, 1, 2, 2)
    rotation = build_augmentation("rotation", interpolation=interpolation)
    assert rotation.apply(image, torch.tensor([90.0])).flatten().tolist() == [20, 40, 10, 30]


def test_angles_are_uniform_to_either_side() -> None:
    images = torch.zeros(1, 1, 1, 1).expand(40_000, -1, -1, -1)
    draw = build_augmentation("rotation", degrees=20.0).draw(images, Streams(3).generator("augment"))
    counts = torch.histc(draw, 8, -20, 20)
    assert counts.sum() == 40_000
    assert (counts - 5000).abs().max() < 5 * 5000**0.5
