import base64
import io
import re

import numpy as np
import pytest
import torch
from PIL import Image

from loupe.reports.picture_sheet import PictureSheet


def decode(sheet: PictureSheet) -> np.ndarray:
    encoded = re.search(r"base64,([^\"]+)\"", str(sheet.render_style())).group(1)
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(encoded))))


@pytest.mark.parametrize("channels", [1, 3])
def test_every_picture_stands_once_and_where_its_style_says(channels: int) -> None:
    images = torch.randint(256, (50, channels, 8, 6), dtype=torch.uint8)
    sheet = PictureSheet((8, 6))
    styles = [sheet.show("train", index, image, "").style for index, image in enumerate(images)]
    assert [sheet.show("train", index, image, "").style for index, image in enumerate(images)] == styles
    assert len(sheet) == 50
    pixels = decode(sheet)
    for image, style in zip(images, styles, strict=True):
        column, row = map(int, re.findall(r"\d+", style))
        tile = pixels[row * 8 : row * 8 + 8, column * 6 : column * 6 + 6]
        assert np.array_equal(tile.reshape(8, 6, channels), image.permute(1, 2, 0).numpy())


def test_a_heavy_sheet_becomes_a_jpeg_and_large_images_shrink() -> None:
    sheet = PictureSheet((128, 64))
    for index in range(160):
        sheet.show("train", index, torch.randint(256, (3, 128, 64), dtype=torch.uint8), "")
    assert sheet.pixels_of_one == 64 * 32
    assert "data:image/jpeg" in sheet.render_style()
    assert decode(sheet).shape == (4 * 64, 40 * 32, 3)


def test_an_empty_sheet_has_no_style() -> None:
    assert PictureSheet((8, 8)).render_style() == ""
