import pytest
import torch

from loupe.data import build_augmentation
from loupe.runtime import Streams
from tests.data.pillow import make_images


def test_flip_mirrors_the_drawn_images_and_no_others() -> None:
    images = make_images(count=2)
    flipped = build_augmentation("horizontal-flip").apply(images, torch.tensor([True, False]))
    assert torch.equal(flipped[0], images[0].flip(-1))
    assert torch.equal(flipped[1], images[1])


@pytest.mark.parametrize(("p", "share"), [(0.0, 0.0), (1.0, 1.0), (0.25, 0.25)])
def test_flip_probability(p: float, share: float) -> None:
    images = torch.zeros(20_000, 1, 1, 1, dtype=torch.uint8)
    draw = build_augmentation("horizontal-flip", p=p).draw(images, Streams(3).generator("augment"))
    assert draw.float().mean().item() == pytest.approx(share, abs=0.01)
