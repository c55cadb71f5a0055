from dataclasses import dataclass
from typing import Annotated

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from loupe.training.losses import register_loss


@register_loss("logit-adjusted")
@dataclass(frozen=True)
class LogitAdjusted:
    """Cross-entropy that asks a rare class for a larger lead, for classes of unequal size.

    Logits are raised by tau x log(share of the training images) in training only (Menon et al., 2021,
    arXiv:2007.07314), so that at tau 1 the classes named aim at balanced accuracy. Classes of equal size make
    it the cross-entropy.
    """

    class_counts: tuple[int, ...]
    label_smoothing: float = 0.0
    tau: Annotated[
        float, Field(ge=0, le=10, description="Strength of the adjustment, ≥ 0; 0 for cross-entropy.")
    ] = 1.0

    def __call__(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return self._compare(outputs, targets, "mean")

    def each(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return self._compare(outputs, targets, "none")

    def _compare(self, outputs: Tensor, targets: Tensor, reduction: str) -> Tensor:
        counts = torch.tensor(self.class_counts, dtype=outputs.dtype, device=outputs.device).clamp_min(1)
        adjusted = outputs + self.tau * (counts / counts.sum()).log()
        return F.cross_entropy(adjusted, targets, label_smoothing=self.label_smoothing, reduction=reduction)
