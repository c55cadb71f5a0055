import math

import pytest
import torch

from loupe.data import build_augmentation
from loupe.data.operations.hue import shift_hue
from loupe.runtime import Streams
from tests.data.pillow import ask_pillow, make_images, make_varied_images

CHANGES = ("brightness", "contrast", "color", "hue")


@pytest.mark.parametrize("channels", [1, 3])
def test_the_four_changes_come_in_the_drawn_order(channels: int) -> None:
    images = make_varied_images(channels, (16, 16), 60)
    jitter = build_augmentation("color-jitter")
    draw = jitter.draw(images, Streams(3).generator("augment"))
    assert len({tuple(row) for row in draw.order.tolist()}) > 15, "too few orders to see a difference"
    for image, order, strengths, changed in zip(images, *draw, jitter.apply(images, draw), strict=True):
        for choice in order.tolist():
            if CHANGES[choice] == "hue":
                image = shift_hue(image.unsqueeze(0), strengths[3:])[0]
            else:
                image = ask_pillow(image, CHANGES[choice], strengths[choice].item() - 1)
        assert torch.equal(changed, image)


def test_factors_are_uniform_and_orders_equally_likely() -> None:
    count = 48_000
    images = torch.zeros(1, 3, 1, 1).expand(count, -1, -1, -1)
    jitter = build_augmentation("color-jitter", brightness=0.2, contrast=0.5, saturation=3.0, hue=0.25)
    draw = jitter.draw(images, Streams(3).generator("augment"))
    low, high = torch.tensor([0.8, 0.5, 0.0, -0.25]), torch.tensor([1.2, 1.5, 4.0, 0.25])
    parts = (draw.strengths - low) / (high - low)
    assert (parts > -1e-6).all()
    assert (parts < 1 + 1e-6).all()
    counts = torch.stack([(10 * part).long().clamp(0, 9).bincount(minlength=10) for part in parts.T])
    assert (counts - count / 10).abs().max() < 5 * math.sqrt(count * 0.09)
    orders = (draw.order * torch.tensor([64, 16, 4, 1])).sum(1).unique(return_counts=True)[1]
    assert len(orders) == 24
    assert (orders - count / 24).abs().max() < 5 * math.sqrt(count / 24)


def test_no_strength_changes_nothing() -> None:
    images = make_images(3, (16, 16))
    jitter = build_augmentation("color-jitter", brightness=0.0, contrast=0.0, saturation=0.0, hue=0.0)
    assert torch.equal(jitter.apply(images, jitter.draw(images, Streams(3).generator("augment"))), images)
