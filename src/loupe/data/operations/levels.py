"""Operations that map each level of a channel to another one: ImageOps of Pillow, batched."""

import torch
from torch import Tensor


def to_levels(images: Tensor) -> Tensor:
    """Return images as uint8; floating-point values are rounded to the nearest of the 256 levels."""
    return images.round().clamp(0, 255).to(torch.uint8) if images.is_floating_point() else images


def per_image(values: Tensor) -> Tensor:
    """Return (batch,) values as (batch, 1, 1, 1), to meet (batch, channels, height, width) images."""
    return values.view(-1, 1, 1, 1)


def invert(images: Tensor) -> Tensor:
    """Return the negatives of (batch, channels, height, width) uint8 images."""
    return 255 - images


def posterize(images: Tensor, bits: Tensor) -> Tensor:
    """Return uint8 images with only the highest bits of every level.

    Args:
        images: (batch, channels, height, width) uint8.
        bits: (batch,) how many to keep, whole numbers in [0, 8]; 8 changes nothing.
    """
    masks = 256 - 2 ** (8 - bits.to(torch.int32))
    return images & per_image(masks.to(torch.uint8))  # 256 - 2^8 = 0, the others fit 8 bits


def solarize(images: Tensor, thresholds: Tensor) -> Tensor:
    """Return uint8 images with all levels from a threshold on inverted.

    Args:
        images: (batch, channels, height, width) uint8.
        thresholds: (batch,) in [0, 256]; 256 changes nothing.
    """
    # a whole level is ≥ a threshold exactly if it is above the last whole number below the threshold
    last_kept = per_image(thresholds.ceil().to(torch.int16) - 1)
    is_inverted = images > last_kept
    return images ^ (is_inverted.to(torch.uint8) * 255)  # 255 - level flips all eight bits


def autocontrast(images: Tensor) -> Tensor:
    """Return uint8 images with each channel stretched to the full range, 0 to 255.

    A channel of one level stays as it is.
    """
    darkest, brightest = images.amin((2, 3), keepdim=True), images.amax((2, 3), keepdim=True)
    # double precision as Pillow: in single, some levels land on the other side of a whole number
    precise = torch.float32 if images.device.type == "mps" else torch.float64
    low, high = darkest.to(precise), brightest.to(precise)
    # a true division: torch turns a plain 255 / x into 255 * (1 / x), which rounds twice
    scale = torch.where(high > low, torch.full_like(low, 255) / (high - low), 1)
    offset = torch.where(high > low, -low * scale, 0)
    return (images * scale).add_(offset).clamp_(0, 255).to(torch.uint8)


def equalize(images: Tensor) -> Tensor:
    """Return uint8 images with each channel's levels spread so that they are about equally frequent.

    Pillow's whole-number arithmetic. A channel with too few pixels besides its brightest level (fewer than
    255) stays as it is.
    """
    channels = images.flatten(0, 1).flatten(1)  # (batch x channels, pixels)
    indices = channels.long()
    starts = 256 * torch.arange(len(channels), device=images.device).unsqueeze(1)
    counts = torch.bincount((indices + starts).flatten(), minlength=256 * len(channels))
    counts = counts.view(-1, 256).to(torch.int32)
    brightest = channels.amax(1, keepdim=True).long()
    steps = (channels.shape[1] - counts.gather(1, brightest)) // 255
    darker = counts.cumsum(1, dtype=torch.int32) - counts
    tables = (darker + steps // 2) // steps.clamp(min=1)
    tables = torch.where(steps > 0, tables, torch.arange(256, device=images.device))
    return tables.clamp(max=255).to(torch.uint8).gather(1, indices).view(images.shape)
