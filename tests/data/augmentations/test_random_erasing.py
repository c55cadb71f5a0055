import pytest
import torch

from loupe.data import build_augmentation
from loupe.runtime import Streams
from tests.data.pillow import make_images


@pytest.mark.parametrize("fill", [None, 0, 200])
def test_the_drawn_rectangle_is_replaced_and_nothing_else(fill: int | None) -> None:
    images = make_images(3, (20, 16), 80)
    settings = {} if fill is None else {"fill": fill}
    erasing = build_augmentation("random-erasing", **settings)
    draw = erasing.draw(images, Streams(3).generator("augment"))
    assert (draw.noise is None) == (fill is not None)
    assert 20 < draw.is_erased.sum() < 60
    expected = images.clone()
    for index, (top, left, height, width) in enumerate(
        zip(*(part.tolist() for part in draw.rectangles), strict=True)
    ):
        if draw.is_erased[index]:
            place = (index, slice(None), slice(top, top + height), slice(left, left + width))
            expected[place] = draw.noise[place] if draw.noise is not None else fill
    assert torch.equal(erasing.apply(images, draw), expected)


@pytest.mark.parametrize("p", [0.0, 0.2, 1.0])
def test_probability_area_and_noise(p: float) -> None:
    images = torch.zeros(1, 1, 32, 32, dtype=torch.uint8).expand(4000, -1, -1, -1)
    erasing = build_augmentation("random-erasing", p=p)
    draw = erasing.draw(images, Streams(3).generator("augment"))
    assert draw.is_erased.float().mean().item() == pytest.approx(p, abs=5 * (p * (1 - p) / 4000) ** 0.5)
    areas = draw.rectangles.height * draw.rectangles.width / 1024
    assert areas.min() > 0.01
    assert areas.max() < 0.42
    assert draw.noise is not None
    counts = torch.bincount(draw.noise[:500].flatten(), minlength=256)
    assert (counts - 2000).abs().max() < 5 * 2000**0.5, "not every level is equally likely"
    is_changed = erasing.apply(images, draw).flatten(1).any(1)
    assert torch.equal(is_changed, draw.is_erased), "noise has a level other than 0 in every rectangle"
