"""Image files of any kind as plain uint8 pixels of a stated size."""

import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO, Literal

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from loupe.data.decoding import Picture, read_picture
from loupe.errors import DataFileError, ShapeError

Fit = Literal["resize", "crop", "pad"]
ImageSource = Image.Image | str | Path | BinaryIO
"""An image: opened with Pillow, or a file by its place or opened for reading bytes."""

UNREADABLE = (
    *(UnidentifiedImageError, OSError, SyntaxError, ValueError),
    *(Image.DecompressionBombError, Image.DecompressionBombWarning, MemoryError),
    # what single formats let through when bytes of a file are changed at random
    *(RuntimeError, AttributeError, LookupError, ArithmeticError, EOFError, TypeError, struct.error),
)
"""What Pillow raises for a file that is damaged, too large, or no image."""

_ORIENTATION = 0x0112  # tag of EXIF
_PROGRAMS = {"EPS"}  # no pixels but a program, which Pillow would have Ghostscript run


def list_image_suffixes() -> set[str]:
    """Return the file endings, such as ".png", of the formats that are read."""
    kinds = set(_list_formats())
    return {suffix for suffix, kind in Image.registered_extensions().items() if kind in kinds}


def list_images(folder: Path) -> list[Path]:
    """Return the image files below a folder, by name; other files, and hidden ones, are passed over."""
    suffixes = list_image_suffixes()
    return sorted(
        file
        for file in folder.rglob("*")
        if file.suffix.casefold() in suffixes and not file.name.startswith(".") and file.is_file()
    )


@lru_cache(maxsize=1)
def _list_formats() -> list[str]:
    Image.init()
    return [kind for kind in Image.OPEN if kind not in _PROGRAMS]


def prepare_image(
    source: ImageSource,
    *,
    channels: int,
    image_size: tuple[int, int],
    fit: Fit | None,
    bit_range: int | None = None,
) -> Tensor:
    """Return an image as a network takes it, (channels, height, width) uint8.

    Args:
        source: the image.
        channels: 1 or 3.
        image_size: height and width in pixels.
        fit: how an image of another size comes to this one; None refuses it.
        bit_range: bits that grey values of 16 bits use; None for all.

    Raises:
        DataFileError: the file is no image, or damaged, or too large.
        ShapeError: another size, and nobody said how to change it; a network of other channels.
    """
    if channels not in (1, 3):
        raise ShapeError(
            "This network takes no picture.", got=f"{channels} channels", allowed="1 (grey) or 3 (colour)"
        )
    named = f" {source}" if isinstance(source, str | Path) else ""
    try:
        if isinstance(source, Image.Image):
            pixels = read_picture(source, bit_range).pixels
        else:
            pixels = decode_image(source, bit_range)
    except UNREADABLE as error:
        raise DataFileError(
            f"The image{named} cannot be read.",
            got=describe_unreadable(error),
            allowed="an image file such as PNG or JPEG",
            next_step="name another file",
        ) from None
    height, width = image_size
    if pixels.shape[:2] != image_size and fit is None:
        raise ShapeError(
            f"The image{named} has another size than the network's images.",
            got=f"{pixels.shape[1]} x {pixels.shape[0]} pixels",
            allowed=f"{width} x {height}",
            next_step="cut or resize it first: how is for you to say, not for Loupe to guess",
        )
    fitted = fit_image(pixels, image_size, fit) if fit else pixels
    return torch.from_numpy(to_channels(fitted, channels).transpose(2, 0, 1).copy())


def decode_image(file: str | Path | BinaryIO, bit_range: int | None = None) -> np.ndarray:
    """Return an image file as (height, width, 1 or 3) uint8, as `read_picture` does.

    Raises:
        OSError, ValueError …: see `UNREADABLE`.
    """
    return decode_picture(file, bit_range).pixels


def decode_picture(file: str | Path | BinaryIO, bit_range: int | None = None) -> Picture:
    """Return an image file as pixels, and what else its form says.

    Files of formats that are programs are not run, and an image larger than Pillow's limit
    (`Image.MAX_IMAGE_PIXELS`, 89 million pixels) is refused before it is unpacked.

    Raises:
        OSError, ValueError …: see `UNREADABLE`.
    """
    with opening_image(file) as opened:
        return read_picture(opened, bit_range)


def read_image_size(file: str | Path | BinaryIO) -> tuple[int, int]:
    """Return height and width of an image file as it is seen upright; nothing is unpacked.

    Raises:
        OSError, ValueError …: see `UNREADABLE`.
    """
    with opening_image(file) as opened:
        is_upright = opened.format == "TIFF"  # for TIFF, Pillow has turned the size already
        is_on_its_side = not is_upright and opened.getexif().get(_ORIENTATION, 1) in (5, 6, 7, 8)
        width, height = opened.size
        return (width, height) if is_on_its_side else (height, width)


@contextmanager
def opening_image(file: str | Path | BinaryIO) -> Iterator[Image.Image]:
    """Yield an image file, opened; what Pillow warns of (damaged metadata) concerns no pixel and is not said.

    Raises:
        OSError, ValueError …: see `UNREADABLE`.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        with Image.open(file, formats=_list_formats()) as opened:
            yield opened


def read_pixels(opened: Image.Image) -> np.ndarray:
    """Return an image as (height, width, 1 or 3) uint8, as `read_picture` does.

    Raises:
        OSError, ValueError …: see `UNREADABLE`.
    """
    return read_picture(opened).pixels


def describe_unreadable(error: Exception) -> str:
    """Return in a few words why a file cannot be read."""
    if isinstance(error, UnidentifiedImageError):
        return "not an image"
    if isinstance(error, Image.DecompressionBombError | Image.DecompressionBombWarning):
        return f"more than {(Image.MAX_IMAGE_PIXELS or 0) / 1e6:.0f} million pixels"
    return str(error).partition("\n")[0][:80]


def to_channels(image: np.ndarray, channels: int) -> np.ndarray:
    """Return an image with 1 (luminance) or 3 channels, (height, width, channels) uint8."""
    if image.shape[2] == channels:
        return image
    if channels == 3:
        return np.repeat(image, 3, axis=2)
    return np.asarray(Image.fromarray(image).convert("L"))[..., None]


def fit_image(image: np.ndarray, image_size: tuple[int, int], fit: Fit) -> np.ndarray:
    """Return an image as (height, width, channels) uint8.

    Args:
        image: (height, width, 1 or 3) uint8.
        image_size: height and width wanted, in pixels.
        fit: "resize" changes the proportions; "crop" scales the image until it covers the size and cuts the
            middle; "pad" scales it until it fits inside and lays it in the middle of black.
    """
    if image.shape[:2] == image_size:
        return image
    height, width = image_size
    picture = Image.fromarray(image[..., 0] if image.shape[2] == 1 else image)
    smooth = Image.Resampling.BILINEAR
    if fit == "resize":
        picture = picture.resize((width, height), smooth)
    elif fit == "crop":
        picture = ImageOps.fit(picture, (width, height), smooth)
    else:
        scale = min(width / picture.width, height / picture.height)
        inner = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
        canvas = Image.new(picture.mode, (width, height))
        canvas.paste(picture.resize(inner, smooth), ((width - inner[0]) // 2, (height - inner[1]) // 2))
        picture = canvas
    return np.asarray(picture).reshape(height, width, -1)
