"""Image files of any kind as plain uint8 pixels of a stated size."""

from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

Fit = Literal["resize", "crop", "pad"]

UNREADABLE = (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError)
"""What Pillow raises for a file that is damaged, too large, or no image."""


def list_image_suffixes() -> set[str]:
    """Return the file endings, such as ".png", of the formats Pillow can read."""
    return {suffix for suffix, kind in Image.registered_extensions().items() if kind in Image.OPEN}


def decode_image(file: Path) -> np.ndarray:
    """Return an image as (height, width, 1 or 3) uint8: upright, first frame, glass laid over white.

    16-bit grey values are divided by 256. Files of 32-bit values say nothing of their range and are
    refused.

    Raises:
        OSError, ValueError …: see `UNREADABLE`.
    """
    with Image.open(file) as opened:
        image = ImageOps.exif_transpose(opened)
        if image.mode.startswith("I;16"):
            return (np.asarray(image) >> 8).astype(np.uint8)[..., None]
        if image.mode in ("I", "F"):
            raise ValueError("pixels of 32 bits; save it with 8 or 16 bits first")
        if image.mode in ("1", "L"):
            return np.asarray(image.convert("L"))[..., None]
        if image.has_transparency_data:
            image = image.convert("RGBA")
            image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
        pixels = np.asarray(image.convert("RGB"))
        is_grey = bool((pixels == pixels[..., :1]).all())  # three equal channels are one
        return pixels[..., :1] if is_grey else pixels


def describe_unreadable(error: Exception) -> str:
    """Return in a few words why a file cannot be read."""
    if isinstance(error, UnidentifiedImageError):
        return "not an image"
    return str(error).partition("\n")[0][:80]


def to_channels(image: np.ndarray, channels: int) -> np.ndarray:
    """Return an image with 1 (luminance) or 3 channels, (height, width, channels) uint8."""
    if image.shape[2] == channels:
        return image
    if channels == 3:
        return np.repeat(image, 3, axis=2)
    return np.asarray(Image.fromarray(image).convert("L"))[..., None]


def fit_image(image: np.ndarray, size: int, fit: Fit) -> np.ndarray:
    """Return an image as (size, size, channels) uint8.

    Args:
        image: (height, width, 1 or 3) uint8.
        size: side in pixels.
        fit: "resize" changes the proportions; "crop" scales the short side and cuts the middle; "pad"
            scales the long side and lays the image in the middle of black.
    """
    if image.shape[:2] == (size, size):
        return image
    picture = Image.fromarray(image[..., 0] if image.shape[2] == 1 else image)
    smooth = Image.Resampling.BILINEAR
    if fit == "resize":
        picture = picture.resize((size, size), smooth)
    elif fit == "crop":
        picture = ImageOps.fit(picture, (size, size), smooth)
    else:
        scale = size / max(picture.size)
        width, height = (max(1, round(side * scale)) for side in picture.size)
        canvas = Image.new(picture.mode, (size, size))
        canvas.paste(picture.resize((width, height), smooth), ((size - width) // 2, (size - height) // 2))
        picture = canvas
    return np.asarray(picture).reshape(size, size, -1)
