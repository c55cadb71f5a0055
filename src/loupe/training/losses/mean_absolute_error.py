from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor

from loupe.training.losses import register_loss


@register_loss("mean-absolute-error", objective="reconstruction")
@dataclass(frozen=True)
class MeanAbsoluteError:
    """Mean over images, channels and pixels of the size of the error of an image given back."""

    def __call__(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return F.l1_loss(outputs, targets)
