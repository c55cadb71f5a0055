"""The fifteen operations of augmentation policies, the ranges of their magnitudes, and a step of a policy.

AutoAugment (Cubuk et al. 2019, arXiv:1805.09501), RandAugment (Cubuk et al. 2020, arXiv:1909.13719) and
TrivialAugment (Müller and Hutter 2021, arXiv:2103.10158) choose from the same operations. Signs, ranges and
the point a shear leaves in place (the upper left corner) are those of torchvision.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from loupe.data.operations.enhance import (
    change_brightness,
    change_contrast,
    change_saturation,
    change_sharpness,
)
from loupe.data.operations.geometry import make_matrices, rotate_about_middle, warp
from loupe.data.operations.grouping import group_by_choice
from loupe.data.operations.levels import autocontrast, equalize, invert, posterize, solarize, to_levels

_MATRICES: dict[str, Callable[[Tensor, int, int], Tensor]] = {
    "shear-x": lambda slopes, height, width: make_matrices(len(slopes), x=(1, slopes, 0)),
    "shear-y": lambda slopes, height, width: make_matrices(len(slopes), y=(slopes, 1, 0)),
    "translate-x": lambda pixels, height, width: make_matrices(len(pixels), x=(1, 0, -pixels.trunc())),
    "translate-y": lambda pixels, height, width: make_matrices(len(pixels), y=(0, 1, -pixels.trunc())),
    "rotate": rotate_about_middle,
}
"""Matrices from (batch,) magnitudes, height and width: slopes, pixels to the right or down, degrees."""

_LEVELS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "brightness": lambda images, changes: change_brightness(images, 1 + changes),
    "color": lambda images, changes: change_saturation(images, 1 + changes),
    "contrast": lambda images, changes: change_contrast(images, 1 + changes),
    "sharpness": lambda images, changes: change_sharpness(images, 1 + changes),
    "posterize": posterize,
    "solarize": solarize,
    "autocontrast": lambda images, _: autocontrast(images),
    "equalize": lambda images, _: equalize(images),
    "invert": lambda images, _: invert(images),
}
"""New uint8 images from uint8 images and (batch,) magnitudes."""

OPERATIONS = ("identity", *_MATRICES, *_LEVELS)
"""Names of the operations; steps refer to them by their place here."""

IDENTITY = OPERATIONS.index("identity")

NUM_SEARCHED = OPERATIONS.index("invert")
"""RandAugment and TrivialAugment choose from the operations before this place: all but invert."""

_SIGNED = {*_MATRICES, "brightness", "color", "contrast", "sharpness"}


class Steps(NamedTuple):
    """What happens to each image, one operation after the other.

    Attributes:
        operations: (batch, steps) int64, places in `OPERATIONS`.
        magnitudes: (batch, steps) float32, in the operation's own unit.
    """

    operations: Tensor
    magnitudes: Tensor


def search_ranges(height: int, width: int) -> dict[str, tuple[float, float]]:
    """Return the weakest and strongest magnitudes of AutoAugment and RandAugment for a size in pixels.

    Translations are those published for images 331 pixels wide, scaled to the image.
    """
    reach = 150 / 331
    return _ranges(shear=0.3, across=reach * width, down=reach * height, degrees=30, change=0.9, bits=4)


def wide_ranges() -> dict[str, tuple[float, float]]:
    """Return the weakest and strongest magnitudes of TrivialAugment's wide space, for all image sizes."""
    return _ranges(shear=0.99, across=32, down=32, degrees=135, change=0.99, bits=2)


def _ranges(
    *, shear: float, across: float, down: float, degrees: float, change: float, bits: int
) -> dict[str, tuple[float, float]]:
    return {
        "shear-x": (0, shear),
        "shear-y": (0, shear),
        "translate-x": (0, across),
        "translate-y": (0, down),
        "rotate": (0, degrees),
        "brightness": (0, change),
        "color": (0, change),
        "contrast": (0, change),
        "sharpness": (0, change),
        "posterize": (8, bits),
        "solarize": (255, 0),
    }


def tabulate_magnitudes(ranges: Mapping[str, tuple[float, float]], num_bins: int) -> Tensor:
    """Return (operations, bins) float32 magnitudes, evenly from the weakest to the strongest.

    Posterize takes whole bits. Operations without a range have no magnitude, and 0 stands in the table.
    """
    table = torch.zeros(len(OPERATIONS), num_bins)
    for name, (weakest, strongest) in ranges.items():
        # in single precision the middle of 0 … 32 pixels is 15.999999, and a shift would lose a pixel
        table[OPERATIONS.index(name)] = torch.linspace(weakest, strongest, num_bins, dtype=torch.float64)
    table[OPERATIONS.index("posterize")].round_()
    return table


def give_signs(magnitudes: Tensor, operations: Tensor, signs: Tensor) -> Tensor:
    """Return the magnitudes, times their sign (1 or -1) where the operation has a direction."""
    is_signed = torch.tensor([name in _SIGNED for name in OPERATIONS], device=operations.device)
    return torch.where(is_signed[operations], signs * magnitudes, magnitudes)


def apply_steps(images: Tensor, steps: Steps, interpolation: str, fill: int) -> Tensor:
    """Return the images after all their steps, in their own dtype.

    Args:
        images: (batch, channels, height, width) uint8, or float32 from 0 to 255, which is rounded to levels.
        steps: what happens to each image.
        interpolation: "nearest" or "bilinear", of shears, translations and rotations.
        fill: level of what they bring in from outside.
    """
    changed = to_levels(images)
    for operations, magnitudes in zip(steps.operations.unbind(1), steps.magnitudes.unbind(1), strict=True):
        changed = _apply_step(changed, operations, magnitudes, interpolation, fill)
    return changed.to(images.dtype)


def _apply_step(
    images: Tensor, operations: Tensor, magnitudes: Tensor, interpolation: str, fill: int
) -> Tensor:
    changed = images.clone()
    warped, matrices = [], []
    for operation, members in group_by_choice(operations, len(OPERATIONS)):
        name, strengths = OPERATIONS[operation], magnitudes[members]
        if name in _MATRICES:
            warped.append(members)
            matrices.append(_MATRICES[name](strengths, *images.shape[-2:]))
        elif name in _LEVELS:
            changed[members] = _LEVELS[name](images[members], strengths)
    if warped:  # all geometry in one go
        members = torch.cat(warped)
        changed[members] = warp(images[members], torch.cat(matrices), interpolation, fill)
    return changed
