from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from loupe.data.augmentations import register_augmentation
from loupe.runtime import Streams


@register_augmentation("alternating-flip")
@dataclass(frozen=True)
class AlternatingFlip:
    """Mirror each image left to right every other epoch.

    Half of the images, drawn once, begin mirrored, the others as they are. Two epochs in a row show both
    sides of every image, which independent flips do for one in two (K. Jordan 2024, arXiv:2404.00498).

    Leave it out where mirroring changes the class (digits, letters).
    """

    mirrors: ClassVar[bool] = True

    def draw(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """Return (batch,) bool, which images to mirror in the first epoch of a training of their own."""
        return torch.rand(len(images), generator=generator, device=images.device) < 0.5

    def plan_epoch(self, num_images: int, epoch: int, streams: Streams) -> Tensor:
        """Return (num_images,) bool: which images to mirror in one epoch (1, 2, …)."""
        begins_mirrored = torch.rand(num_images, generator=streams.generator("alternating flip")) < 0.5
        return begins_mirrored ^ (epoch % 2 == 0)

    def apply(self, images: Tensor, draw: Tensor) -> Tensor:
        return torch.where(draw.view(-1, 1, 1, 1), images.flip(-1), images)
