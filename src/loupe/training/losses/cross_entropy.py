from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor

from loupe.training.losses import register_loss


@register_loss("cross-entropy")
@dataclass(frozen=True)
class CrossEntropy:
    """Negative log likelihood of the class, in nats; `train.label_smoothing` asks for less than certainty.

    With smoothing s and k classes the right class is asked for 1 - s + s / k (Szegedy et al., 2016,
    arXiv:1512.00567). Targets may be soft: of mixed labels, each class counts with its share.
    """

    label_smoothing: float = 0.0

    def __call__(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return F.cross_entropy(outputs, targets, label_smoothing=self.label_smoothing)

    def each(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return F.cross_entropy(outputs, targets, label_smoothing=self.label_smoothing, reduction="none")
