"""Opened pictures as plain uint8 pixels, whatever form their file has; what has no sure meaning is refused.

Pillow hands some files on in another meaning than they have: 12-bit TIFF as 16-bit, TIFF whose white is 0 the
wrong way round, the ink of XBM as white, signed values as unsigned, a transparent grey in the file's own
units. This module looks at the file's form before the pixels are taken.
"""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageOps

VERSION = 2
"""Raised whenever the same file gives other pixels than before."""

_BITS, _PHOTOMETRIC, _SAMPLE_FORMAT = 258, 262, 339  # tags of TIFF
_WHITE_IS_ZERO = 0
_SEQUENCES = frozenset({"GIF", "WEBP", "PNG", "AVIF", "TIFF", "FLI"})  # further pictures are frames or pages
_DEEP_FORMATS = frozenset({None, "PNG", "TIFF", "JPEG2000"})  # 16-bit greys are unsigned and fill 16 bits


@dataclass(frozen=True)
class Picture:
    """A decoded picture.

    Args:
        pixels: (height, width, 1 or 3) uint8.
        num_frames: pictures in the file; the first one was taken.
        highest: largest value of a grey picture of 16 bits, in the file's units; None for others.
    """

    pixels: np.ndarray
    num_frames: int = 1
    highest: int | None = None


def read_picture(opened: Image.Image, bit_range: int | None = None) -> Picture:
    """Return a picture's pixels: upright, first frame, what is transparent laid over white.

    Grey values of more than 8 bits keep their 8 upper bits. Which these are the file says, or `bit_range`:
    the number of bits that values of 16 bits use. Values of 32 bits and signed ones say nothing of their
    range and are refused.

    Raises:
        OSError, ValueError …: see `loupe.data.image_files.UNREADABLE`.
    """
    _refuse_signed(opened)
    raw_mode = _find_raw_mode(opened)
    num_frames = _count_frames(opened)
    bits, is_inverted = _find_grey_depth(opened), _is_white_zero(opened)
    is_deep_file = opened.format == "PPM"
    image = ImageOps.exif_transpose(opened)
    if image.mode.startswith("I;16") or (image.mode == "I" and is_deep_file):
        if opened.format not in _DEEP_FORMATS and not is_deep_file:
            raise ValueError(f"16-bit values of {opened.format}, which may be signed; save it as PNG first")
        return _read_deep(image, bits, is_inverted, None if is_deep_file else bit_range, num_frames)
    if image.mode in ("I", "F"):
        raise ValueError("pixels of 32 bits; save it with 8 or 16 bits first")
    if bit_range is not None and "16" in raw_mode:
        raise ValueError("16 bits a channel with colour or transparency; data.bit_range is for grey")
    pixels = _read_grey(image, raw_mode) if image.mode in ("1", "L") else _read_colour(image, raw_mode)
    if opened.format == "XBM":
        pixels = 255 - pixels  # a bit that is set is ink; Pillow gives white for it
    return Picture(pixels, num_frames)


def _read_deep(
    image: Image.Image, bits: int, is_inverted: bool, bit_range: int | None, num_frames: int
) -> Picture:
    values = np.asarray(image).astype(np.int64)
    key = image.info.get("transparency")
    bits = bit_range or bits
    highest = int(values.max(initial=0))
    if highest >= 2**bits:
        raise ValueError(f"values up to {highest:,}: more than the {bits} bits of data.bit_range")
    levels = ((2**bits - 1 - values if is_inverted else values) >> (bits - 8)).astype(np.uint8)
    if isinstance(key, int):
        levels[values == key] = 255
    return Picture(levels[..., None], num_frames, highest if bits == 16 else None)


def _read_grey(image: Image.Image, raw_mode: str) -> np.ndarray:
    levels = np.array(image.convert("L"))
    key = image.info.get("transparency")
    if isinstance(key, int):
        depth = {"L;2": 2, "L;4": 4}.get(raw_mode, 8)  # the file names the transparent grey in its own units
        levels[levels == key * (255 // (2**depth - 1))] = 255
    return levels[..., None]


def _read_colour(image: Image.Image, raw_mode: str) -> np.ndarray:
    """Return (height, width, 1 or 3) uint8; three equal channels are one."""
    if image.mode == "LAB":
        raise ValueError("CIELAB colours; save it as RGB first")
    if image.mode == "RGB" and "16" in raw_mode and "transparency" in image.info:
        raise ValueError("a transparent colour of 16 bits a channel; save it with an alpha channel first")
    if image.mode in ("La", "RGBa"):
        image = image.convert("LA" if image.mode == "La" else "RGBA")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    pixels = np.asarray(image.convert("RGB"))
    is_grey = bool((pixels == pixels[..., :1]).all())
    return pixels[..., :1] if is_grey else pixels


def _find_raw_mode(opened: Image.Image) -> str:
    """Return how the file's values are packed, in Pillow's words; empty for an image that is no file."""
    tiles = getattr(opened, "tile", None) or []
    arguments = tiles[0][3] if tiles else None
    first = arguments[0] if isinstance(arguments, tuple) and arguments else arguments
    return first if isinstance(first, str) else ""


def _find_tag(opened: Image.Image, tag: int, default: tuple[int, ...]) -> tuple[int, ...]:
    tags = getattr(opened, "tag_v2", None)
    found = tags.get(tag, default) if tags is not None else default
    return tuple(found) if isinstance(found, tuple | list) else (int(found),)


def _refuse_signed(opened: Image.Image) -> None:
    is_narrow = _find_tag(opened, _BITS, (8,))[0] < 32  # wider ones are refused for their width
    if opened.format == "TIFF" and is_narrow and 2 in _find_tag(opened, _SAMPLE_FORMAT, (1,)):
        raise ValueError("signed values, whose black is not known; save it with unsigned values first")


def _find_grey_depth(opened: Image.Image) -> int:
    return _find_tag(opened, _BITS, (16,))[0] if opened.format == "TIFF" else 16


def _is_white_zero(opened: Image.Image) -> bool:
    """Return whether a TIFF of more than 8 bits has white as 0; that of fewer, Pillow turns round itself."""
    return opened.format == "TIFF" and _find_tag(opened, _PHOTOMETRIC, (1,))[0] == _WHITE_IS_ZERO


def _count_frames(opened: Image.Image) -> int:
    return int(getattr(opened, "n_frames", 1)) if opened.format in _SEQUENCES else 1
