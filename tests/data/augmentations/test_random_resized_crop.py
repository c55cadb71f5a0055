import pytest
import torch
import torch.nn.functional as F

from loupe.data import build_augmentation
from loupe.errors import LoupeError
from loupe.runtime import Streams
from tests.data.pillow import make_images


def test_each_window_is_enlarged_as_torch_enlarges_a_crop() -> None:
    images = make_images(size=(32, 32), count=60).float()
    crop = build_augmentation("random-resized-crop", scale=(0.05, 1.0))
    draw = crop.draw(images, Streams(3).generator("augment"))
    changed = crop.apply(images, draw)
    for index, (top, left, height, width) in enumerate(zip(*(part.tolist() for part in draw), strict=True)):
        window = images[index : index + 1, :, top : top + height, left : left + width]
        expected = F.interpolate(window, (32, 32), mode="bilinear", align_corners=False)[0]
        torch.testing.assert_close(changed[index], expected, atol=0.01, rtol=0)


def test_windows_keep_to_the_settings() -> None:
    images = torch.zeros(1, 1, 32, 32).expand(20_000, -1, -1, -1)
    draw = build_augmentation("random-resized-crop").draw(images, Streams(3).generator("augment"))
    areas = (draw.height * draw.width) / 1024
    assert areas.min() > 0.47
    assert areas.max() == 1
    ratios = draw.width / draw.height
    assert 0.7 < ratios.min() < 0.76
    assert 1.32 < ratios.max() < 1.43


@pytest.mark.parametrize(
    ("size", "ratio", "window"),
    [
        ((32, 32), (2.0, 2.5), (8, 0, 16, 32)),
        ((32, 32), (0.25, 0.5), (0, 8, 32, 16)),
    ],
)
def test_where_nothing_fits_the_middle_is_taken(
    size: tuple[int, int], ratio: tuple[float, float], window: tuple[int, ...]
) -> None:
    """A window of the whole area has the ratio of the image, or does not fit."""
    images = torch.zeros(200, 1, *size)
    crop = build_augmentation("random-resized-crop", scale=(1.0, 1.0), ratio=ratio)
    draw = crop.draw(images, Streams(3).generator("augment"))
    assert {tuple(row) for row in torch.stack(draw, 1).tolist()} == {window}


def test_settings_from_large_to_small_are_refused() -> None:
    with pytest.raises(
        LoupeError, match=r"scale: got \[1\.0, 0\.5\]; allowed: two numbers, the smaller one first"
    ):
        build_augmentation("random-resized-crop", scale=(1.0, 0.5))
    with pytest.raises(LoupeError, match="ratio"):
        build_augmentation("random-resized-crop", ratio=(0.0, 0.5))
