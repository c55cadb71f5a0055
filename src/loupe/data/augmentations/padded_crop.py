from dataclasses import dataclass
from typing import Annotated, Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from loupe.data.augmentations import register_augmentation


@register_augmentation("padded-crop")
@dataclass(frozen=True)
class PaddedCrop:
    """Pad each image on all sides and cut a window of the original size at a random place."""

    padding: Annotated[int, Field(ge=1, le=64, description="Pixels added on each side, 1 to 64.")] = 4
    mode: Annotated[
        Literal["zero", "reflect"],
        Field(description='What fills the border: "zero" (black) or "reflect" (the mirrored image).'),
    ] = "zero"

    def draw(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """Return (batch, 2) int64: row and column of each window's corner, in [0, 2 x padding]."""
        size = (len(images), 2)
        return torch.randint(2 * self.padding + 1, size, generator=generator, device=images.device)

    def apply(self, images: Tensor, draw: Tensor) -> Tensor:
        height, width = images.shape[-2:]
        # every window as a view: (batch, channels, rows, columns, height, width)
        windows = self._pad(images).unfold(2, height, 1).unfold(3, width, 1)
        every_image = torch.arange(len(images), device=images.device)
        return windows[every_image, :, draw[:, 0], draw[:, 1]]

    def _pad(self, images: Tensor) -> Tensor:
        border = (self.padding,) * 4
        if self.mode == "zero":
            return F.pad(images, border)
        if images.is_floating_point():
            return F.pad(images, border, mode="reflect")
        # torch reflects only floating-point images; float32 holds every uint8 value exactly
        return F.pad(images.float(), border, mode="reflect").to(images.dtype)
