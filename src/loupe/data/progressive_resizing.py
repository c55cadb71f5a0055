"""Smaller images for the first epochs of a training."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

Way = Literal["resize", "crop"]
"""How images become smaller: of coarser pixels, or as a window of the same pixels at a random place."""


@dataclass(frozen=True)
class SmallImages:
    """Images made smaller, which are quicker to train on.

    Args:
        size: shorter side in pixels; the longer keeps its proportion.
        way: "resize" makes the whole image small, each pixel a mean of those it covers; "crop" cuts a window
            out of it, at a place of its own for each image.
    """

    size: int
    way: Way = "resize"

    def choose_size(self, height: int, width: int) -> tuple[int, int]:
        """Return height and width of images made small."""
        shorter = min(height, width)
        return max(1, round(height * self.size / shorter)), max(1, round(width * self.size / shorter))

    def draw(self, num_images: int, image_size: tuple[int, int], generator: torch.Generator) -> Tensor:
        """Return where windows begin, row and column: (images, 2) int64; zeros where none are cut."""
        if self.way == "resize":
            return torch.zeros(num_images, 2, dtype=torch.int64)
        room = torch.tensor(image_size) - torch.tensor(self.choose_size(*image_size)) + 1
        return (torch.rand(num_images, 2, generator=generator) * room).long()

    def apply(self, images: Tensor, corners: Tensor) -> Tensor:
        """Return (batch, channels, height, width) images made small, with what `draw` drew for them."""
        height, width = self.choose_size(*images.shape[-2:])
        if self.way == "resize":
            return F.interpolate(
                images, (height, width), mode="bilinear", antialias=True, align_corners=False
            )
        windows = images.unfold(2, height, 1).unfold(3, width, 1)  # a view, not a copy
        top, left = corners.to(images.device).unbind(1)
        return windows[torch.arange(len(images), device=images.device), :, top, left]


@dataclass(frozen=True)
class ProgressiveResizing:
    """Images that are small for the first epochs and grow (Howard 2018, fast.ai DAWNBench).

    Args:
        last_epochs: the last epoch of each size, by the size in pixels; both rise.
        way: how they are made small.
    """

    last_epochs: Mapping[int, int]
    way: Way = "resize"

    @property
    def stages(self) -> list[tuple[SmallImages, int]]:
        """The small images, smallest first, each with its last epoch."""
        return [(SmallImages(size, self.way), last) for size, last in self.last_epochs.items()]

    def find_stage(self, epoch: int) -> SmallImages | None:
        """Return how images of an epoch, 1, 2, …, are made small; None from the first whole ones on."""
        return next((small for small, last in self.stages if epoch <= last), None)
