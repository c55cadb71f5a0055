from dataclasses import dataclass

import torch
from torch import Tensor

from loupe.data.mixes import Alpha, SharePer, Shares, UntilEpoch, blend, draw_shares, register_mix


@register_mix("mixup")
@dataclass(frozen=True)
class MixUp:
    """Blend each image with another of its batch, and the labels in the same shares (Zhang et al., 2018).

    Small alphas leave most images nearly alone; 1 makes every share equally likely.
    """

    alpha: Alpha = 0.2
    until_epoch: UntilEpoch = None
    share_per: SharePer = "batch"

    def draw(self, images: Tensor, generator: torch.Generator) -> Shares:
        """Return partners and shares."""
        return draw_shares(images, self.alpha, self.share_per, generator)

    def apply(self, images: Tensor, targets: Tensor, draw: Shares) -> tuple[Tensor, Tensor]:
        return blend(images, draw), blend(targets, draw)
