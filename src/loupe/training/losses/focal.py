from dataclasses import dataclass
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from loupe.training.losses import register_loss, share_targets


@register_loss("focal")
@dataclass(frozen=True)
class Focal:
    """Cross-entropy that counts an image less the surer its class is named already.

    Each class's term is weighted by (1 - probability)^gamma (Lin et al., 2017, arXiv:1708.02002, without
    weights of classes). At gamma 0 it is the cross-entropy.
    """

    gamma: Annotated[
        float, Field(ge=0, le=20, description="How much less sure images count, ≥ 0; 0 for cross-entropy.")
    ] = 2.0

    def __call__(self, outputs: Tensor, targets: Tensor) -> Tensor:
        log_probabilities = outputs.log_softmax(1)
        # 1 - p by way of expm1: exact where p is near 1, where a power below 1 has its steepest gradient
        unsure = (-torch.expm1(log_probabilities)).clamp_min(torch.finfo(outputs.dtype).tiny)
        return -(share_targets(outputs, targets) * unsure**self.gamma * log_probabilities).sum(1)
