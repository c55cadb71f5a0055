"""Random rectangles in images: windows to keep, or patches to erase."""

import math
from typing import Annotated, NamedTuple

import torch
from pydantic import AfterValidator, Field
from torch import Tensor

_ATTEMPTS = 10


def _check_order(pair: tuple[float, float]) -> tuple[float, float]:
    if pair[0] > pair[1]:
        raise ValueError("two numbers, the smaller one first")
    return pair


Share = Annotated[float, Field(gt=0, le=1)]
Shares = Annotated[tuple[Share, Share], AfterValidator(_check_order)]
"""Smallest and largest part of an image's area, in (0, 1]."""

Ratio = Annotated[float, Field(gt=0)]
Ratios = Annotated[tuple[Ratio, Ratio], AfterValidator(_check_order)]
"""Smallest and largest width divided by height, > 0."""


class Rectangles(NamedTuple):
    """One rectangle an image, in pixels: top row, left column and size, each (batch,) int64."""

    top: Tensor
    left: Tensor
    height: Tensor
    width: Tensor


def draw_rectangles(
    images: Tensor, scale: tuple[float, float], ratio: tuple[float, float], generator: torch.Generator
) -> Rectangles:
    """Return a random rectangle inside each image.

    The area is uniform in `scale`, the ratio of width to height log-uniform in `ratio`, so that tall and wide
    are equally likely; the place is uniform. The first of ten attempts that fits into the image is
    taken; where none fits, height and width are 0.

    Args:
        images: (batch, channels, height, width).
        scale: smallest and largest part of the image's area, in (0, 1].
        ratio: smallest and largest width divided by height, > 0.
        generator: on the device of the images.
    """
    height, width = images.shape[-2:]

    def draw_uniform(low: float, high: float, *size: int) -> Tensor:
        drawn = torch.rand(len(images), *size, generator=generator, device=images.device)
        return low + (high - low) * drawn

    areas = height * width * draw_uniform(*scale, _ATTEMPTS)
    ratios = draw_uniform(math.log(ratio[0]), math.log(ratio[1]), _ATTEMPTS).exp()
    widths, heights = (areas * ratios).sqrt().round().long(), (areas / ratios).sqrt().round().long()
    fits = (widths > 0) & (widths <= width) & (heights > 0) & (heights <= height)
    first = fits.int().argmax(1, keepdim=True)
    is_found = fits.any(1)
    chosen_height = heights.gather(1, first).squeeze(1) * is_found
    chosen_width = widths.gather(1, first).squeeze(1) * is_found
    top = _place(draw_uniform(0, 1), height - chosen_height)
    left = _place(draw_uniform(0, 1), width - chosen_width)
    return Rectangles(top, left, chosen_height, chosen_width)


def _place(drawn: Tensor, last: Tensor) -> Tensor:
    """Return whole places 0 … last, equally likely, from numbers in [0, 1)."""
    return (drawn * (last + 1)).long().minimum(last)  # the product can round up to last + 1


def cover(rectangles: Rectangles, images: Tensor) -> Tensor:
    """Return (batch, 1, height, width) bool: which pixels lie in their image's rectangle.

    A rectangle may reach over the border of its image.
    """
    height, width = images.shape[-2:]
    rows = _is_between(rectangles.top, rectangles.height, height)
    columns = _is_between(rectangles.left, rectangles.width, width)
    return (rows.unsqueeze(2) & columns.unsqueeze(1)).unsqueeze(1)


def _is_between(starts: Tensor, lengths: Tensor, size: int) -> Tensor:
    places = torch.arange(size, device=starts.device)
    starts = starts.unsqueeze(1)
    return (places >= starts) & (places < starts + lengths.unsqueeze(1))
