"""Reading image files: the formats that are read, and files that are damaged in any way."""

import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from loupe.data.image_files import (
    UNREADABLE,
    decode_image,
    fit_image,
    list_image_suffixes,
    list_images,
    read_image_size,
)


def encode(form: str) -> bytes:
    pixels = np.random.default_rng(0).integers(0, 255, (12, 16, 3), dtype=np.uint8)
    written = io.BytesIO()
    Image.fromarray(pixels).save(written, form)
    return written.getvalue()


WHOLE = {form: encode(form) for form in ("PNG", "JPEG", "GIF", "TIFF", "WEBP", "BMP", "DDS")}


def test_whole_files_are_read() -> None:
    shapes = {form: decode_image(io.BytesIO(data)).shape[:2] for form, data in WHOLE.items()}
    assert set(shapes.values()) == {(12, 16)}


@pytest.mark.parametrize("form", WHOLE)
@given(
    changes=st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), max_size=8), kept=st.floats(0, 1)
)
@pytest.mark.filterwarnings("ignore")  # Pillow's own, about what is wrong with the file
def test_a_damaged_file_is_read_or_refused(form: str, changes: list[tuple[float, int]], kept: float) -> None:
    data = bytearray(WHOLE[form])
    for place, value in changes:
        data[int(place * len(data))] = value
    try:
        decoded = decode_image(io.BytesIO(bytes(data[: int(kept * len(data))])))
    except UNREADABLE:
        return
    assert decoded.dtype == np.uint8
    assert decoded.ndim == 3


def test_what_pillow_warns_of_is_not_said(tmp_path: Path, recwarn: pytest.WarningsRecorder) -> None:
    """As of a TIFF that breaks off in its tags."""
    broken = b"II*\x00\x08\x00\x00\x00\x05\x00\x00\x01"
    with pytest.raises(UNREADABLE):
        decode_image(io.BytesIO(broken))
    whole = io.BytesIO()
    exif = Image.Exif()
    exif[0x010E] = "a name"
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(whole, "JPEG", exif=exif.tobytes()[:-12])
    (tmp_path / "named.jpg").write_bytes(whole.getvalue())
    assert decode_image(tmp_path / "named.jpg").shape == (8, 8, 1)
    assert read_image_size(tmp_path / "named.jpg") == (8, 8)
    assert not recwarn.list


def test_programs_are_no_images() -> None:
    assert not list_image_suffixes() & {".eps", ".ps"}
    assert list_image_suffixes() >= {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff"}


def test_images_below_a_folder_come_by_name(tmp_path: Path) -> None:
    for name in ("b/2.PNG", "b/10.png", "a.png", "c/d/1.jpg", ".hidden.png", "notes.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "folder.png").mkdir()
    assert [str(path.relative_to(tmp_path)) for path in list_images(tmp_path)] == [
        *("a.png", "b/10.png", "b/2.PNG", "c/d/1.jpg")
    ]


@given(
    shape=st.tuples(st.integers(1, 40), st.integers(1, 40), st.sampled_from([1, 3])),
    size=st.tuples(st.integers(1, 20), st.integers(1, 20)),
    fit=st.sampled_from(["resize", "crop", "pad"]),
)
def test_an_image_of_one_colour_stays_of_it_in_any_size(
    shape: tuple[int, int, int], size: tuple[int, int], fit: str
) -> None:
    fitted = fit_image(np.full(shape, 200, dtype=np.uint8), size, fit)
    assert fitted.shape == (*size, shape[2])
    assert set(np.unique(fitted)) <= ({0, 200} if fit == "pad" else {200})
    assert 200 in fitted
