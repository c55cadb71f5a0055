"""Images to try operations on, and Pillow's answer for each operation."""

from typing import Any

import numpy as np
import torch
from PIL import Image, ImageEnhance, ImageFilter, ImageOps
from torch import Tensor

from loupe.runtime import Streams


def make_images(channels: int = 3, size: tuple[int, int] = (8, 6), count: int = 40, seed: int = 11) -> Tensor:
    """Return (count, channels, height, width) uint8 noise."""
    stream = Streams(seed).generator("images")
    return torch.randint(0, 256, (count, channels, *size), dtype=torch.uint8, generator=stream)


def make_varied_images(channels: int = 3, size: tuple[int, int] = (32, 30), count: int = 40) -> Tensor:
    """Return uint8 images of many kinds: noise, faint, dark, few levels, ramps, one level, black, white."""
    images = make_images(channels, size, count)
    ramp = torch.linspace(0, 255, size[0] * size[1]).view(size).to(torch.uint8)
    for index in range(count):
        image = images[index]
        images[index] = (
            image,
            100 + image % 40,
            image // 4,
            85 * (image % 4),
            (ramp // (1 + index // 8)).expand_as(image),
            torch.full_like(image, (37 * index) % 256),
            torch.where(image > 5, 0, image),
            torch.where(image > 250, image, 255),
        )[index % 8]
    return images


def to_pillow(image: Tensor) -> Image.Image:
    pixels = image.permute(1, 2, 0).numpy()
    return Image.fromarray(pixels[..., 0] if len(image) == 1 else np.ascontiguousarray(pixels))


def from_pillow(image: Image.Image) -> Tensor:
    pixels = torch.from_numpy(np.array(image))
    return (pixels.unsqueeze(-1) if pixels.dim() == 2 else pixels).permute(2, 0, 1)


def _transform(image: Image.Image, coefficients: tuple[float, ...], fill: int) -> Image.Image:
    color: Any = fill if image.mode == "L" else (fill,) * 3
    return image.transform(
        image.size, Image.Transform.AFFINE, coefficients, Image.Resampling.NEAREST, fillcolor=color
    )


def _rotate(image: Image.Image, degrees: float, fill: int) -> Image.Image:
    color: Any = fill if image.mode == "L" else (fill,) * 3
    return image.rotate(degrees, Image.Resampling.NEAREST, fillcolor=color)


def ask_pillow(image: Tensor, operation: str, magnitude: float, fill: int = 0) -> Tensor:
    """Return what Pillow makes of one (channels, height, width) uint8 image."""
    pillow = to_pillow(image)
    m = magnitude
    answers = {
        "identity": lambda: pillow,
        "shear-x": lambda: _transform(pillow, (1, m, 0, 0, 1, 0), fill),
        "shear-y": lambda: _transform(pillow, (1, 0, 0, m, 1, 0), fill),
        "translate-x": lambda: _transform(pillow, (1, 0, -int(m), 0, 1, 0), fill),
        "translate-y": lambda: _transform(pillow, (1, 0, 0, 0, 1, -int(m)), fill),
        "rotate": lambda: _rotate(pillow, m, fill),
        "brightness": lambda: ImageEnhance.Brightness(pillow).enhance(1 + m),
        "color": lambda: ImageEnhance.Color(pillow).enhance(1 + m),
        "contrast": lambda: ImageEnhance.Contrast(pillow).enhance(1 + m),
        "sharpness": lambda: ImageEnhance.Sharpness(pillow).enhance(1 + m),
        "smooth": lambda: pillow.filter(ImageFilter.SMOOTH),
        "gray": lambda: pillow.convert("L"),
        "posterize": lambda: ImageOps.posterize(pillow, int(m)),
        "solarize": lambda: ImageOps.solarize(pillow, m),
        "autocontrast": lambda: ImageOps.autocontrast(pillow),
        "equalize": lambda: ImageOps.equalize(pillow),
        "invert": lambda: ImageOps.invert(pillow),
    }
    return from_pillow(answers[operation]())
