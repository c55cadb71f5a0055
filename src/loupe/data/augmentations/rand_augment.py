from dataclasses import dataclass
from typing import Annotated, NamedTuple

import torch
from pydantic import Field
from torch import Tensor

from loupe.data.augmentations import register_augmentation
from loupe.data.operations.geometry import Fill, Interpolation
from loupe.data.operations.policy_steps import (
    NUM_SEARCHED,
    Steps,
    apply_steps,
    give_signs,
    search_ranges,
    tabulate_magnitudes,
)

_NUM_BINS = 31


class RandAugmentDraw(NamedTuple):
    """The operations of each image.

    Attributes:
        operations: (batch, num_ops) int64, places in `OPERATIONS`.
        signs: (batch, num_ops) int64, 1 or -1; only operations with a direction heed them.
    """

    operations: Tensor
    signs: Tensor


@register_augmentation("rand-augment")
@dataclass(frozen=True)
class RandAugment:
    """Apply a few random operations of one strength.

    Cubuk et al. 2020 (arXiv:1909.13719), operations, magnitudes and signs as in torchvision. Each of the
    fourteen operations is as likely as any other, "identity" among them.
    """

    num_ops: Annotated[int, Field(ge=1, le=14, description="Operations of each image, 1 to 14.")] = 2
    magnitude: Annotated[int, Field(ge=0, le=30, description="Strength, 0 (weakest) to 30 (strongest).")] = 9
    interpolation: Interpolation = "nearest"
    fill: Fill = 0

    def draw(self, images: Tensor, generator: torch.Generator) -> RandAugmentDraw:
        """Return operations and signs for each image."""
        size, device = (len(images), self.num_ops), images.device
        operations = torch.randint(NUM_SEARCHED, size, generator=generator, device=device)
        signs = 2 * torch.randint(2, size, generator=generator, device=device) - 1
        return RandAugmentDraw(operations, signs)

    def apply(self, images: Tensor, draw: RandAugmentDraw) -> Tensor:
        return apply_steps(images, self.steps(images, draw), self.interpolation, self.fill)

    def steps(self, images: Tensor, draw: RandAugmentDraw) -> Steps:
        """Return the operations that a draw means for these images, with their magnitudes."""
        table = tabulate_magnitudes(search_ranges(*images.shape[-2:]), _NUM_BINS).to(images.device)
        magnitudes = table[draw.operations, self.magnitude]
        return Steps(draw.operations, give_signs(magnitudes, draw.operations, draw.signs))
