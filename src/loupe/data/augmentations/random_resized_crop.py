from dataclasses import dataclass
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from loupe.data.augmentations import register_augmentation
from loupe.data.operations.geometry import resize_windows
from loupe.data.operations.rectangles import Ratios, Rectangles, Shares, draw_rectangles


@register_augmentation("random-resized-crop")
@dataclass(frozen=True)
class RandomResizedCrop:
    """Cut a window of random size and shape and enlarge it to the size of the image.

    The crop of Szegedy et al. 2015 (arXiv:1409.4842), drawn as torchvision does: the first of ten windows
    that fits into the image, else the largest one in its middle within `ratio`. Enlarged bilinearly.

    Code for ImageNet takes windows from 0.08 of the area on. Of a 32 x 32 image that leaves 9 x 9 pixels,
    often without the thing itself; hence the milder default.
    """

    scale: Annotated[Shares, Field(description="Window's part of the area, from and to, in (0, 1].")] = (
        0.5,
        1.0,
    )
    ratio: Annotated[Ratios, Field(description="Window's width divided by its height, from and to, > 0.")] = (
        3 / 4,
        4 / 3,
    )

    def draw(self, images: Tensor, generator: torch.Generator) -> Rectangles:
        """Return each image's window."""
        drawn = draw_rectangles(images, self.scale, self.ratio, generator)
        is_found = drawn.height > 0
        fallback = self._middle_window(*images.shape[-2:])
        parts = zip(drawn, fallback, strict=True)
        return Rectangles(*(torch.where(is_found, part, instead) for part, instead in parts))

    def apply(self, images: Tensor, draw: Rectangles) -> Tensor:
        return resize_windows(images, draw)

    def _middle_window(self, height: int, width: int) -> tuple[int, int, int, int]:
        """Return top, left, height and width of the largest window in the middle within `ratio`."""
        narrowest, widest = self.ratio
        window_height, window_width = height, width
        if width / height < narrowest:
            window_height = max(1, round(width / narrowest))
        elif width / height > widest:
            window_width = max(1, round(height * widest))
        return (height - window_height) // 2, (width - window_width) // 2, window_height, window_width
