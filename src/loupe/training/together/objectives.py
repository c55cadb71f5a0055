"""What several networks are trained for, at once where they agree."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from loupe.data.batches import Batch
from loupe.training.losses.cross_entropy import CrossEntropy
from loupe.training.objectives import Classification, Objective


def compute_training_losses(
    objectives: Sequence[Objective], outputs: Tensor, batches: Sequence[Batch]
) -> Tensor:
    """Return the mean training loss of each network, (networks,).

    Args:
        objectives: one a network.
        outputs: (networks, batch, …).
        batches: what each network was given; of one size.
    """
    labels = _stack_labels(objectives, batches)
    if labels is None:
        each = zip(objectives, outputs, batches, strict=True)
        return torch.stack([objective.training_loss(one, batch) for objective, one, batch in each])
    first = objectives[0]
    assert isinstance(first, Classification)
    assert isinstance(first.loss, CrossEntropy)
    losses = F.cross_entropy(
        outputs.flatten(0, 1), labels.flatten(), reduction="none", label_smoothing=first.loss.label_smoothing
    )
    return losses.view_as(labels).mean(1)


def compute_correct(
    objectives: Sequence[Objective], outputs: Tensor, batches: Sequence[Batch]
) -> Sequence[Tensor | None]:
    """Return how right each answer of each network is, (batch,) each; None where nothing is right."""
    labels = _stack_labels(objectives, batches)
    if labels is None:
        each = zip(objectives, outputs, batches, strict=True)
        return [objective.correct(one, batch) for objective, one, batch in each]
    return (outputs.argmax(2) == labels).unbind()


def _stack_labels(objectives: Sequence[Objective], batches: Sequence[Batch]) -> Tensor | None:
    """Return the labels, (networks, batch), if all objectives are the same cross-entropy of them."""
    first = objectives[0]
    if not isinstance(first, Classification) or any(objective != first for objective in objectives):
        return None
    if type(first.loss) is not CrossEntropy:
        return None
    if any(batch.labels.is_floating_point() for batch in batches):  # mixed images
        return None
    return torch.stack([batch.labels for batch in batches])
