from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor

from loupe.training.losses import register_loss, share_targets


@register_loss("binary-cross-entropy")
@dataclass(frozen=True)
class BinaryCrossEntropy:
    """Each class by itself, yes or no: the sum over classes of their binary cross-entropies, in nats.

    As in "ResNet strikes back" (Wightman et al., 2021, arXiv:2110.00476), but summed, so that the gradient of
    a logit is of the size it has in cross-entropy. The class named is still the one of the largest logit.
    """

    def __call__(self, outputs: Tensor, targets: Tensor) -> Tensor:
        shares = share_targets(outputs, targets)
        return F.binary_cross_entropy_with_logits(outputs, shares, reduction="none").sum(1)
