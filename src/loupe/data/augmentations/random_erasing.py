from dataclasses import dataclass
from typing import Annotated, NamedTuple

import torch
from pydantic import Field
from torch import Tensor

from loupe.data.augmentations import register_augmentation
from loupe.data.operations.rectangles import Ratios, Rectangles, Shares, cover, draw_rectangles


class RandomErasingDraw(NamedTuple):
    """What is erased, and what stands there instead.

    Attributes:
        is_erased: (batch,) bool, which images lose a rectangle.
        rectangles: of every image, the spared ones too; of height and width 0 where none was found that fits.
        noise: (batch, channels, height, width) uint8 for the whole image; None where a level fills.
    """

    is_erased: Tensor
    rectangles: Rectangles
    noise: Tensor | None


@register_augmentation("random-erasing")
@dataclass(frozen=True)
class RandomErasing:
    """Replace a random rectangle by noise, or by one level, with a probability.

    Zhong et al. 2020 (arXiv:1708.04896), with the paper's values as defaults. As in torchvision, the ratio is
    log-uniform, and an image stays whole when ten attempts do not fit; the paper draws the ratio uniformly,
    and goes on until one fits.
    """

    p: Annotated[float, Field(ge=0, le=1, description="Probability of an erased image, in [0, 1].")] = 0.5
    scale: Annotated[Shares, Field(description="Rectangle's part of the area, from and to, in (0, 1].")] = (
        0.02,
        0.4,
    )
    ratio: Annotated[
        Ratios, Field(description="Rectangle's width divided by its height, from and to, > 0.")
    ] = (
        0.3,
        3.3,
    )
    fill: Annotated[
        int | None,
        Field(ge=0, le=255, description="Grey level, 0 to 255; left out, a random level for every value."),
    ] = None

    def draw(self, images: Tensor, generator: torch.Generator) -> RandomErasingDraw:
        """Return which images to erase, where, and with what."""
        drawn = torch.rand(len(images), generator=generator, device=images.device)
        rectangles = draw_rectangles(images, self.scale, self.ratio, generator)
        noise = None
        if self.fill is None:
            noise = torch.empty(images.shape, dtype=torch.uint8, device=images.device)
            noise.random_(generator=generator)
        return RandomErasingDraw(drawn < self.p, rectangles, noise)

    def apply(self, images: Tensor, draw: RandomErasingDraw) -> Tensor:
        is_replaced = cover(draw.rectangles, images) & draw.is_erased.view(-1, 1, 1, 1)
        if draw.noise is None:
            return torch.where(is_replaced, torch.full_like(images[:1, :1, :1, :1], self.fill or 0), images)
        return torch.where(is_replaced, draw.noise.to(images.dtype), images)
