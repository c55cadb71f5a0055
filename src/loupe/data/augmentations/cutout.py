from dataclasses import dataclass
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from loupe.data.augmentations import register_augmentation
from loupe.data.operations.rectangles import Rectangles, cover


@register_augmentation("cutout")
@dataclass(frozen=True)
class Cutout:
    """Cover a square of each image, centred at a random pixel.

    DeVries and Taylor 2017 (arXiv:1708.04552). The centre may be any pixel, so that the square can reach over
    the border and cover less. The paper cuts 16 pixels from CIFAR-10 and 8 from CIFAR-100, both 32 x 32;
    smaller images want a smaller square.

    The paper fills with 0 after normalisation, the mean colour of the dataset. Here images are not yet
    normalised, and 0 would be black; the image's own mean colour keeps the mean of a batch where it is.
    """

    size: Annotated[int, Field(ge=1, description="Side of the square, in pixels, ≥ 1.")] = 16
    fill: Annotated[
        int | None,
        Field(ge=0, le=255, description="Grey level, 0 to 255; left out, the image's own mean colour."),
    ] = None

    def draw(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """Return (batch, 2) int64: row and column of each square's centre."""
        height, width = images.shape[-2:]
        centres = [
            torch.randint(length, (len(images),), generator=generator, device=images.device)
            for length in (height, width)
        ]
        return torch.stack(centres, 1)

    def apply(self, images: Tensor, draw: Tensor) -> Tensor:
        top, left = (draw - self.size // 2).unbind(1)
        size = torch.full_like(top, self.size)
        is_covered = cover(Rectangles(top, left, size, size), images)
        return torch.where(is_covered, self._fill(images), images)

    def _fill(self, images: Tensor) -> Tensor:
        if self.fill is not None:
            return torch.full_like(images[:1, :1, :1, :1], self.fill)
        mean = images.float().mean((2, 3), keepdim=True)
        return mean if images.is_floating_point() else mean.round().to(images.dtype)
