from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from loupe.data.augmentations import register_augmentation
from loupe.data.operations.geometry import Fill, Interpolation
from loupe.data.operations.policy_steps import (
    NUM_SEARCHED,
    Steps,
    apply_steps,
    give_signs,
    tabulate_magnitudes,
    wide_ranges,
)

_NUM_BINS = 31


class TrivialAugmentDraw(NamedTuple):
    """One operation an image, and how strong it is.

    Attributes:
        operations: (batch,) int64, places in `OPERATIONS`.
        bins: (batch,) int64, strength from 0 (weakest) to 30 (strongest).
        signs: (batch,) int64, 1 or -1; only operations with a direction heed them.
    """

    operations: Tensor
    bins: Tensor
    signs: Tensor


@register_augmentation("trivial-augment")
@dataclass(frozen=True)
class TrivialAugment:
    """Apply one random operation of random strength.

    TrivialAugment Wide of Müller and Hutter 2021 (arXiv:2103.10158), operations, magnitudes and signs as in
    torchvision; nothing to tune. Translations reach 32 pixels whatever the size: of a 32 x 32 image, nothing
    is left then.
    """

    interpolation: Interpolation = "nearest"
    fill: Fill = 0

    def draw(self, images: Tensor, generator: torch.Generator) -> TrivialAugmentDraw:
        """Return an operation, a strength and a sign for each image."""
        operations, bins, signs = (
            torch.randint(count, (len(images),), generator=generator, device=images.device)
            for count in (NUM_SEARCHED, _NUM_BINS, 2)
        )
        return TrivialAugmentDraw(operations, bins, 2 * signs - 1)

    def apply(self, images: Tensor, draw: TrivialAugmentDraw) -> Tensor:
        return apply_steps(images, self.steps(images, draw), self.interpolation, self.fill)

    def steps(self, images: Tensor, draw: TrivialAugmentDraw) -> Steps:
        """Return the operations that a draw means, with their magnitudes."""
        table = tabulate_magnitudes(wide_ranges(), _NUM_BINS).to(images.device)
        magnitudes = give_signs(table[draw.operations, draw.bins], draw.operations, draw.signs)
        return Steps(draw.operations.unsqueeze(1), magnitudes.unsqueeze(1))
