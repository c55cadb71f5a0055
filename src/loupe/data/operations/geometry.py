"""Where pixels come from: affine maps and windows, one for each image of a batch.

An affine map is a 2 x 3 matrix that takes a place in the new image to the place in the old one it shows;
x to the right, y down, in pixels, and the middle of the first pixel is (0.5, 0.5), as in Pillow. Matrices are
float64 on the CPU: they are tiny, fixed point needs them exact, and not every device has double precision.
"""

from typing import Annotated, Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from loupe.data.operations.rectangles import Rectangles

Interpolation = Annotated[
    Literal["nearest", "bilinear"],
    Field(description='Pixels between pixels: "nearest" (the next one) or "bilinear" (a mixture of four).'),
]
Fill = Annotated[
    int, Field(ge=0, le=255, description="Grey level, 0 to 255, of what comes in from outside; 0 is black.")
]

_FIXED_BITS = 16  # after the point, in Pillow's fixed point


def shift_images(images: Tensor, rows: int, columns: int) -> Tensor:
    """Return images moved down and to the right by whole pixels; borders repeat the outermost pixels.

    Args:
        images: (batch, channels, height, width) of any type.
        rows: down, negative for up.
        columns: to the right, negative for left.
    """
    height, width = images.shape[2:]
    down = (torch.arange(height, device=images.device) - rows).clamp(0, height - 1)
    right = (torch.arange(width, device=images.device) - columns).clamp(0, width - 1)
    return images[:, :, down[:, None], right[None, :]]


def make_matrices(
    count: int, *, x: tuple[Tensor | float, ...] = (1, 0, 0), y: tuple[Tensor | float, ...] = (0, 1, 0)
) -> Tensor:
    """Return (count, 2, 3) float64 matrices from coefficients, (count,) or one for all."""
    matrices = torch.empty(count, 2, 3, dtype=torch.float64)
    for row, coefficients in enumerate((x, y)):
        for column, coefficient in enumerate(coefficients):
            matrices[:, row, column] = torch.as_tensor(coefficient).to("cpu", torch.float64)
    return matrices


def rotate_about_middle(degrees: Tensor, height: int, width: int) -> Tensor:
    """Return (batch, 2, 3) matrices that turn images about their middle.

    Args:
        degrees: (batch,) angles, counter-clockwise.
        height: of the images, in pixels.
        width: of the images, in pixels.
    """
    radians = degrees.to("cpu", torch.float64).deg2rad()
    cos, sin = radians.cos(), radians.sin()
    x, y = width / 2, height / 2
    return make_matrices(
        len(degrees), x=(cos, -sin, x - cos * x + sin * y), y=(sin, cos, y - sin * x - cos * y)
    )


def warp(images: Tensor, matrices: Tensor, interpolation: str, fill: int) -> Tensor:
    """Return each image as its matrix shows it.

    Args:
        images: (batch, channels, height, width) uint8 or float32.
        matrices: (batch, 2, 3) float64 on the CPU, from new to old places.
        interpolation: "nearest" (Pillow's choice of pixel, in its fixed point) or "bilinear" (Pillow's
            weights; uint8 is rounded to the nearest level, where Pillow cuts off).
        fill: level of places outside the old image.
    """
    height, width = images.shape[-2:]
    starts = matrices.clone()
    starts[:, :, 2] += matrices[:, :, :2].sum(2) / 2  # where the middle of the first pixel comes from
    if interpolation == "nearest":
        fixed = (starts * 2**_FIXED_BITS + 0.5).floor().to(torch.int32).to(images.device)
        x, y = (places >> _FIXED_BITS for places in _walk(fixed, height, width))
    else:
        x, y = _walk(starts.float().to(images.device), height, width)
    is_inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    warped = _pick(images, x, y, is_inside) if interpolation == "nearest" else _interpolate(images, x, y)
    return warped.masked_fill_(~is_inside.unsqueeze(1), fill)


def _walk(matrices: Tensor, height: int, width: int) -> tuple[Tensor, Tensor]:
    """Return old x and old y of every new pixel, each (batch, height, width), in the matrices' dtype."""
    columns = torch.arange(width, device=matrices.device, dtype=matrices.dtype)
    rows = torch.arange(height, device=matrices.device, dtype=matrices.dtype).unsqueeze(1)
    steps = matrices.unsqueeze(-1).unsqueeze(-1)
    x, y = (steps[:, i, 0] * columns + (steps[:, i, 1] * rows + steps[:, i, 2]) for i in (0, 1))
    return x, y


def _pick(images: Tensor, x: Tensor, y: Tensor, is_inside: Tensor) -> Tensor:
    """Return the pixels in columns x and rows y, each (batch, height, width); any pixel for those outside."""
    pixels = (y * images.shape[-1] + x).mul_(is_inside).long().flatten(1).unsqueeze(1)
    flat = images.flatten(2)
    return flat.gather(2, pixels.expand_as(flat)).view(images.shape)


def resize_windows(images: Tensor, windows: Rectangles) -> Tensor:
    """Return each image's window, resized to the size of the image.

    Bilinear, as `interpolate(crop, mode="bilinear", align_corners=False)` of each window by itself: nothing
    outside the window is mixed in. There is no antialiasing, as a window is never larger than its image.

    Args:
        images: (batch, channels, height, width) uint8 or float32; uint8 is rounded to the nearest level.
        windows: of at least one pixel each.
    """
    height, width = images.shape[-2:]
    x = _spread(windows.left, windows.width, width).unsqueeze(1).expand(-1, height, -1)
    y = _spread(windows.top, windows.height, height).unsqueeze(2).expand(-1, -1, width)
    return _interpolate(images, x, y)


def _spread(starts: Tensor, lengths: Tensor, size: int) -> Tensor:
    """Return (batch, size) places, evenly over each stretch and at least half a pixel from its ends."""
    starts, lengths = starts.unsqueeze(1).float(), lengths.unsqueeze(1).float()
    places = (torch.arange(size, device=starts.device) + 0.5) * (lengths / size)
    return starts + places.clamp(min=0.5).minimum(lengths - 0.5)


def _interpolate(images: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """Return the images at places x, y, each (batch, height, width); the border goes on for ever."""
    height, width = images.shape[-2:]
    grid = torch.stack([x * (2 / width) - 1, y * (2 / height) - 1], dim=-1)
    sampled = F.grid_sample(images.float(), grid, padding_mode="border", align_corners=False)
    return sampled if images.is_floating_point() else sampled.round_().to(images.dtype)
