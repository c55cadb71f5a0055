from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from loupe.data.mixes import Alpha, SharePer, Shares, UntilEpoch, blend, draw_shares, register_mix


class Windows(NamedTuple):
    """What is cut out of which image.

    Args:
        partners: (batch,) int64, a permutation of the batch.
        corners: (batch, 4) int64: first row, first column, and the row and column after the last.
    """

    partners: Tensor
    corners: Tensor


@register_mix("cutmix")
@dataclass(frozen=True)
class CutMix:
    """Paste a window of another image of the batch; labels mix by area (Yun et al., 2019).

    The window has the image's proportions and a random centre. Where it crosses the border it is cut off,
    and the shares of the labels are those of the pixels that were really replaced.
    """

    alpha: Alpha = 1.0
    until_epoch: UntilEpoch = None
    share_per: SharePer = "batch"

    def draw(self, images: Tensor, generator: torch.Generator) -> Windows:
        """Return partners and windows."""
        shares = draw_shares(images, self.alpha, self.share_per, generator)
        size = torch.tensor(images.shape[-2:])
        count = len(images) if self.share_per == "image" else 1
        centres = (torch.rand(count, 2, generator=generator) * size).long().expand(len(images), 2)
        half = (size * (1 - shares.kept.cpu()[:, None]).sqrt()).long() // 2
        corners = torch.cat([centres - half, centres + half], 1).clamp_min(0)
        corners = torch.minimum(corners, size.repeat(2))
        return Windows(shares.partners, corners.to(images.device))

    def apply(self, images: Tensor, targets: Tensor, draw: Windows) -> tuple[Tensor, Tensor]:
        height, width = images.shape[-2:]
        top, left, bottom, right = draw.corners.T[:, :, None]
        rows = torch.arange(height, device=images.device)
        columns = torch.arange(width, device=images.device)
        in_rows, in_columns = (rows >= top) & (rows < bottom), (columns >= left) & (columns < right)
        is_pasted = (in_rows[:, :, None] & in_columns[:, None, :])[:, None]
        kept = 1 - ((bottom - top) * (right - left)).squeeze(1).float() / (height * width)
        mixed = torch.where(is_pasted, images[draw.partners], images)
        return mixed, blend(targets, Shares(draw.partners, kept))
