"""What training minimises, and what evaluation reports.

They differ on purpose: the training loss may be smoothed, the reported loss is always the plain
negative log likelihood, so that losses of different recipes can be compared.
"""

from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor

Loss = Callable[[Tensor, Tensor], Tensor]
"""Maps logits (batch, classes) and labels (batch,) to the mean loss over the batch, a scalar."""


def smoothed_cross_entropy(label_smoothing: float = 0.0) -> Loss:
    """Return the cross-entropy with `label_smoothing` of the probability spread over all classes.

    With smoothing s and k classes the right class is asked for 1 - s + s / k (Szegedy et al., 2016).
    """

    def loss(logits: Tensor, labels: Tensor) -> Tensor:
        return F.cross_entropy(logits, labels, label_smoothing=label_smoothing)

    return loss


def negative_log_likelihood(logits: Tensor, labels: Tensor) -> Tensor:
    """Return each example's negative log likelihood in nats, (batch,)."""
    return F.cross_entropy(logits, labels, reduction="none")
