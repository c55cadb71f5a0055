import pytest
import torch

from loupe.data import build_augmentation
from loupe.runtime import Streams
from tests.data.pillow import make_images


@pytest.mark.parametrize("size", [1, 4, 5])
@pytest.mark.parametrize("fill", [None, 0, 200])
def test_a_square_about_the_drawn_pixel_is_covered(size: int, fill: int | None) -> None:
    images = make_images(3, (9, 7), 63)
    settings = {} if fill is None else {"fill": fill}
    cutout = build_augmentation("cutout", size=size, **settings)
    draw = torch.cartesian_prod(torch.arange(9), torch.arange(7))
    changed = cutout.apply(images, draw)
    for image, (row, column), after in zip(images, draw.tolist(), changed, strict=True):
        expected = image.clone()
        colour = image.float().mean((1, 2)).round() if fill is None else torch.full((3,), float(fill))
        rows = slice(max(0, row - size // 2), max(0, row - size // 2 + size))
        columns = slice(max(0, column - size // 2), max(0, column - size // 2 + size))
        expected[:, rows, columns] = colour.to(torch.uint8).view(3, 1, 1)
        assert torch.equal(after, expected)


def test_every_pixel_is_a_centre_equally_often() -> None:
    images = torch.zeros(1, 1, 5, 4).expand(40_000, -1, -1, -1)
    draw = build_augmentation("cutout").draw(images, Streams(3).generator("augment"))
    counts = torch.bincount(draw[:, 0] * 4 + draw[:, 1])
    assert len(counts) == 20
    assert (counts - 2000).abs().max() < 5 * 2000**0.5
