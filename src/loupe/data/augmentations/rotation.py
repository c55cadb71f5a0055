from dataclasses import dataclass
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from loupe.data.augmentations import register_augmentation
from loupe.data.operations.geometry import Fill, Interpolation, rotate_about_middle, warp


@register_augmentation("rotation")
@dataclass(frozen=True)
class Rotation:
    """Turn each image about its middle by a random angle."""

    degrees: Annotated[float, Field(ge=0, le=180, description="Largest angle to either side, 0 to 180.")] = (
        15.0
    )
    interpolation: Interpolation = "bilinear"
    fill: Fill = 0

    def draw(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """Return (batch,) float32: angles in degrees, counter-clockwise, uniform to either side."""
        drawn = torch.rand(len(images), generator=generator, device=images.device)
        return self.degrees * (2 * drawn - 1)

    def apply(self, images: Tensor, draw: Tensor) -> Tensor:
        matrices = rotate_about_middle(draw, *images.shape[-2:])
        return warp(images, matrices, self.interpolation, self.fill)
