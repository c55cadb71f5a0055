from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor

from loupe.training.losses import register_loss


@register_loss("mean-squared-error", objective="reconstruction")
@dataclass(frozen=True)
class MeanSquaredError:
    """Mean over images, channels and pixels of the squared error of an image given back."""

    def __call__(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return F.mse_loss(outputs, targets)
