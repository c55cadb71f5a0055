import pytest
import torch

from loupe.data import build_augmentation
from loupe.runtime import Streams
from tests.data.pillow import make_images


@pytest.mark.parametrize("mode", ["zero", "reflect"])
def test_crop_cuts_the_drawn_window_out_of_the_padded_image(mode: str) -> None:
    images = make_images(count=9, size=(8, 6))
    crop = build_augmentation("padded-crop", padding=2, mode=mode)
    draw = torch.cartesian_prod(torch.tensor([0, 2, 4]), torch.tensor([0, 2, 4]))
    padded = torch.nn.functional.pad(
        images.float(), (2, 2, 2, 2), mode="constant" if mode == "zero" else "reflect"
    ).to(torch.uint8)
    expected = torch.stack(
        [padded[i, :, row : row + 8, column : column + 6] for i, (row, column) in enumerate(draw.tolist())]
    )
    assert torch.equal(crop.apply(images, draw), expected)
    assert torch.equal(crop.apply(images, torch.full((9, 2), 2)), images), "the middle window is the image"


def test_crop_draws_every_place_equally_often() -> None:
    images = torch.zeros(50_000, 1, 1, 1, dtype=torch.uint8)
    draw = build_augmentation("padded-crop", padding=2).draw(images, Streams(3).generator("augment"))
    counts = torch.bincount(draw[:, 0] * 5 + draw[:, 1], minlength=25)
    assert (counts - 2000).abs().max() < 5 * 2000**0.5
