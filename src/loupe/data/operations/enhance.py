"""Brightness, contrast, saturation and sharpness: ImageEnhance of Pillow, batched.

Each is a blend of a degenerate image (black, its mean grey, its grey version, a smoothed one) with the image
itself: factor 0 gives the degenerate image, 1 the image, more than 1 goes beyond it.
"""

import torch
from torch import Tensor

from loupe.data.operations.levels import per_image


def to_gray(images: Tensor) -> Tensor:
    """Return (batch, 1, height, width) uint8 grey images of uint8 images in red, green and blue.

    The luma weights of ITU-R 601 in Pillow's 16-bit fixed point. Images of one channel are grey already.
    """
    if images.shape[1] == 1:
        return images
    red, green, blue = images.split(1, dim=1)
    # all sums are whole numbers below 2^24, so that single precision is exact
    total = (red * 19595.0).add_(green * 38470.0).add_(blue * 7471.0).add_(32768.0)
    gray: Tensor = total.mul_(1 / 65536).to(torch.uint8)
    return gray


def change_brightness(images: Tensor, factors: Tensor) -> Tensor:
    """Return uint8 images with every level multiplied.

    Args:
        images: (batch, channels, height, width) uint8.
        factors: (batch,) float32 ≥ 0; 0 is black, 1 changes nothing.
    """
    return (images * per_image(factors)).clamp_(0, 255).to(torch.uint8)


def change_contrast(images: Tensor, factors: Tensor) -> Tensor:
    """Return uint8 images with every level moved from (or to) the mean of the image's grey version.

    Args:
        images: (batch, channels, height, width) uint8 of 1 or 3 channels; others are left alone.
        factors: (batch,) float32 ≥ 0; 0 is an even grey, 1 changes nothing.
    """
    if images.shape[1] not in (1, 3):
        return images
    num_pixels = images.shape[2] * images.shape[3]
    totals = to_gray(images).sum((1, 2, 3))
    means = (2 * totals + num_pixels) // (2 * num_pixels)  # rounded to the nearest level
    return _blend(per_image(means.float()), images, factors)


def change_saturation(images: Tensor, factors: Tensor) -> Tensor:
    """Return uint8 images with more or less colour.

    Args:
        images: (batch, 3, height, width) uint8; other numbers of channels are left alone.
        factors: (batch,) float32 ≥ 0; 0 is grey, 1 changes nothing.
    """
    if images.shape[1] != 3:
        return images
    return _blend(to_gray(images).float(), images, factors)


def change_sharpness(images: Tensor, factors: Tensor) -> Tensor:
    """Return uint8 images with more or less difference between neighbouring pixels.

    Args:
        images: (batch, channels, height, width) uint8.
        factors: (batch,) float32 ≥ 0; 0 is smoothed, 1 changes nothing.
    """
    return _blend(_smooth(images).float(), images, factors)


def _smooth(images: Tensor) -> Tensor:
    """Return uint8 images under a 3 x 3 mean, its middle weighing five; border pixels as they were."""
    if min(images.shape[-2:]) < 3:
        return images
    wide = images.to(torch.int16)
    rows = wide[..., :-2, :] + wide[..., 1:-1, :] + wide[..., 2:, :]
    total = rows[..., :-2] + rows[..., 1:-1] + rows[..., 2:] + 4 * wide[..., 1:-1, 1:-1]
    smooth = images.clone()
    smooth[..., 1:-1, 1:-1] = ((total + 6.5) * (1 / 13)).to(torch.uint8)  # rounded; there are no ties
    return smooth


def _blend(degenerate: Tensor, images: Tensor, factors: Tensor) -> Tensor:
    """Return degenerate + factor x (image - degenerate), cut off to 0 … 255 and to whole levels."""
    # multiplied and added one after the other: a fused step would round differently from Pillow
    change = (images - degenerate).mul_(per_image(factors))
    return change.add_(degenerate).clamp_(0, 255).to(torch.uint8)
