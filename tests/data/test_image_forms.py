"""Over a hundred forms of image files: each is read as it is meant, or refused by name.

The files come from writers of our own where there could be a doubt, TIFF is read a second time by tifffile,
and what a form means is computed here from its definition.
"""

import io
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from loupe.data.decoding import read_picture
from loupe.data.image_files import UNREADABLE, decode_picture, describe_unreadable, read_image_size

from .image_forms import write_netpbm, write_png, write_tiff
from .meant_images import FORMS, Expected, Form, colours, grey, turn


@pytest.mark.parametrize(
    ("data", "expected", "tolerance"), [form[1:] for form in FORMS], ids=[f[0] for f in FORMS]
)
def test_a_form_is_read_as_it_is_meant_or_refused(data: bytes, expected: Expected, tolerance: int) -> None:
    if isinstance(expected, str):
        with pytest.raises(UNREADABLE) as caught:
            decode_picture(io.BytesIO(data))
        assert expected in describe_unreadable(caught.value)
        return
    pixels = decode_picture(io.BytesIO(data)).pixels
    meant = expected if expected.ndim == 3 else expected[..., None]
    assert pixels.shape[:2] == meant.shape[:2] == read_image_size(io.BytesIO(data))
    assert np.abs(pixels.astype(float) - meant).max() <= tolerance


def test_there_are_at_least_eighty_forms() -> None:
    assert len(FORMS) >= 80
    assert len({name for name, *_ in FORMS}) == len(FORMS)


@pytest.mark.parametrize(
    "form", [f for f in FORMS if f[0].startswith("tiff") and "pages" not in f[0]], ids=lambda f: f[0]
)
def test_tiff_files_say_what_the_table_says(form: Form) -> None:
    """tifffile reads the raw values, so that a mistake of our writer cannot hide one of the reader."""
    name, data, expected, _ = form
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        page: Any = file.pages[0]
        if page.bitspersample not in (8, 16) or page.compression != 1:
            return  # needs a further package
        values = page.asarray()
    if page.photometric == 3 or "five" in name:
        return
    if page.planarconfig == 2:
        values = np.moveaxis(values, 0, -1)
    if isinstance(expected, np.ndarray) and values.ndim == 2 and "orientation" not in name:
        levels = values.astype(np.int64) >> (page.bitspersample - 8)
        assert np.array_equal(255 - levels if page.photometric == 0 else levels, expected)
    elif isinstance(expected, np.ndarray) and page.photometric == 2 and values.shape[2] == 3:
        levels = values.astype(np.int64) >> (page.bitspersample - 8)
        tag = page.tags.get("Orientation")
        assert np.array_equal(turn(levels, tag.value if tag else 1), expected)


@pytest.mark.parametrize(
    ("name", "frames"),
    [("gif, two frames", 2), ("webp, two frames", 2), ("png, two frames", 2), ("tiff pages", 2)],
)
def test_the_number_of_frames_is_told(name: str, frames: int) -> None:
    (data,) = (form[1] for form in FORMS if form[0] == name)
    assert decode_picture(io.BytesIO(data)).num_frames == frames


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
@pytest.mark.parametrize("form", ["png", "tiff"])
def test_a_stated_range_is_used_in_full(bits: int, form: str) -> None:
    """12-bit camera data in 16-bit files; without the setting it lands in 0 … 15."""
    values = grey(bits)
    data = write_png(values, 16, 0) if form == "png" else write_tiff(values, 16, 1)
    pixels = decode_picture(io.BytesIO(data), bits).pixels[..., 0]
    assert np.array_equal(pixels, values >> (bits - 8))
    assert decode_picture(io.BytesIO(data)).highest == 2**bits - 1
    if bits > 8:
        with pytest.raises(ValueError, match=r"more than the .* bits of data\.bit_range"):
            decode_picture(io.BytesIO(data), bits - 1)


def test_a_range_says_nothing_of_ordinary_pictures() -> None:
    for data in (write_png(grey(8), 8, 0), write_tiff(grey(12), 12, 1), write_netpbm("P5", grey(12), 4095)):
        assert np.array_equal(
            decode_picture(io.BytesIO(data), 12).pixels, decode_picture(io.BytesIO(data)).pixels
        )
    with pytest.raises(ValueError, match=r"data\.bit_range is for grey"):
        decode_picture(io.BytesIO(write_png(colours(3, 16), 16, 2)), 12)


def test_a_picture_in_memory_is_read_like_its_file() -> None:
    for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "I;16"):
        picture = Image.new("L", (4, 3), 200).convert(mode if mode != "I;16" else "L")
        picture = Image.new("I;16", (4, 3), 200 << 8) if mode == "I;16" else picture
        assert abs(int(read_picture(picture).pixels[0, 0, 0]) - 200) <= (1 if mode != "1" else 55)
