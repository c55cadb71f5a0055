from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import Tensor

from loupe.data.augmentations import register_augmentation


@register_augmentation("horizontal-flip")
@dataclass(frozen=True)
class HorizontalFlip:
    """Mirror each image left to right with a probability.

    Leave it out where mirroring changes the class (digits, letters).
    """

    mirrors: ClassVar[bool] = True

    p: Annotated[float, Field(ge=0, le=1, description="Probability of a mirror image, in [0, 1].")] = 0.5

    def draw(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """Return (batch,) bool: which images to mirror."""
        return torch.rand(len(images), generator=generator, device=images.device) < self.p

    def apply(self, images: Tensor, draw: Tensor) -> Tensor:
        return torch.where(draw.view(-1, 1, 1, 1), images.flip(-1), images)
