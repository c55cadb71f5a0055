"""Drawings by hand, brought to the size, place and polarity of the images a network was trained on."""

from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image, ImageFilter, ImageOps
from torch import Tensor

from loupe.data.stored_images import Images

_INK = 64  # of 255; fainter pixels count as background
_MOST_LOOKED_AT = 500
_LEAST_INK, _WIDEST = 0.8, 80  # of the usual ink; pixels of the drawing a stroke may gain


@dataclass(frozen=True)
class DrawingStyle:
    """How grey images are usually drawn.

    Args:
        is_light_on_dark: whether the background is dark.
        height: part of the image's height that the drawing takes, in (0, 1].
        width: part of its width.
        ink: mean of all pixels, ink counted as 255: how thick the strokes are.
    """

    is_light_on_dark: bool = True
    height: float = 0.8
    width: float = 0.8
    ink: float = 0.0


def measure_style(images: Images) -> DrawingStyle:
    """Return how images are drawn: the median size of what stands out from their background.

    Args:
        images: (images, 1, height, width) uint8.
    """
    pixels = images[:_MOST_LOOKED_AT][:, 0].float()
    border = torch.cat([pixels[:, 0], pixels[:, -1], pixels[:, :, 0], pixels[:, :, -1]], 1)
    is_light = bool(border.median() < 128)
    ink = pixels if is_light else 255 - pixels
    rows, columns = (ink > _INK).any(2), (ink > _INK).any(1)
    heights, widths = (_measure_extent(lines) for lines in (rows, columns))
    return DrawingStyle(is_light, heights, widths, float(ink.mean()))


def _measure_extent(lines: Tensor) -> float:
    """Return the median part of the lines from the first to the last that is set, in (0, 1]."""
    length = lines.shape[1]
    places = torch.arange(length)
    first = places.where(lines, torch.tensor(length)).min(1).values
    last = places.where(lines, torch.tensor(-1)).max(1).values
    extents = (last - first + 1)[lines.any(1)]
    return float(extents.median()) / length if len(extents) else 1.0


def fit_drawing(ink: np.ndarray, image_size: tuple[int, int], style: DrawingStyle) -> Tensor:
    """Return a drawing as a network takes it, (1, height, width) uint8.

    What was drawn is cut out, brought to the usual size without changing its proportions, and put into the
    middle; each pixel is the mean of what it covers. Strokes that are much thinner than usual are thickened.

    Args:
        ink: (height, width) uint8, 255 where there is ink.
        image_size: height and width wanted, in pixels.
        style: of the images the network knows.
    """
    canvas = np.zeros(image_size)
    if (ink > _INK).any():
        drawn = _cut_out(Image.fromarray(ink))
        wider = 1
        while (
            canvas := _place(drawn, image_size, style)
        ).mean() < _LEAST_INK * style.ink and wider < _WIDEST:
            wider += 4
            bordered = ImageOps.expand(drawn, border=2)
            drawn = _cut_out(bordered.filter(ImageFilter.MaxFilter(5)))
    pixels = canvas if style.is_light_on_dark else 255 - canvas
    return torch.from_numpy(pixels.round().astype(np.uint8))[None]


def _cut_out(drawing: Image.Image) -> Image.Image:
    return drawing.crop(drawing.point(lambda value: 255 * (value > _INK)).getbbox())


def _place(drawn: Image.Image, image_size: tuple[int, int], style: DrawingStyle) -> np.ndarray:
    """Return (height, width) float64 in [0, 255] with a drawing in the middle."""
    height, width = image_size
    scale = min(style.height * height / drawn.height, style.width * width / drawn.width)
    size = max(1, round(drawn.width * scale)), max(1, round(drawn.height * scale))
    small = np.asarray(drawn.resize(size, Image.Resampling.BOX), np.float64)
    top, left = (height - size[1]) // 2, (width - size[0]) // 2
    canvas = np.zeros(image_size)
    canvas[top : top + size[1], left : left + size[0]] = small * 255 / max(1.0, small.max())
    return canvas
