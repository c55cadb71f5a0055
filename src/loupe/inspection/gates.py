"""How an expert net shares its work: the weights its gates give to experts."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from loupe.data.batches import Batch
from loupe.inspection.capture import recording
from loupe.training.measure import evaluating

_COLLAPSED = 0.95  # mean weight of one expert from which the others hardly matter


@dataclass(frozen=True, eq=False)
class GateWeights:
    """The weights of one gate over a set of images.

    Args:
        layer: name of the gate.
        by_class: (classes, experts) float64, mean weights; a row adds to 1, or is nan without images.
        mean: (experts,) float64, mean weights over all images.
        entropy: mean entropy of an image's weights, as a part of the largest possible, in [0, 1]: 0 chooses
            one expert, 1 takes all alike.
        usage_entropy: entropy of the mean weights, on the same scale: 0 means the same expert for all images.
    """

    layer: str
    by_class: Tensor
    mean: Tensor
    entropy: float
    usage_entropy: float

    @property
    def warning(self) -> str | None:
        """What is wrong with this gate; None if nothing is."""
        if len(self.mean) > 1 and float(self.mean.max()) > _COLLAPSED:
            return (
                f"{self.layer} has collapsed: expert {int(self.mean.argmax()) + 1} gets "
                f"{float(self.mean.max()):.1%} of the weight, whatever the image"
            )
        return None


def list_gates(model: nn.Module) -> list[str]:
    """Return the names of a network's gates: modules called `gate`, one output an expert."""
    return [name for name, _ in model.named_modules() if name.split(".")[-1] == "gate"]


def measure_gates(model: nn.Module, batches: Iterable[Batch], num_classes: int) -> list[GateWeights]:
    """Return what each gate does over labelled images; an empty list for a network without gates.

    Args:
        model: any network whose gates are modules called `gate` that give (batch, experts) weights.
        batches: labelled images, on the network's device.
        num_classes: number of classes.
    """
    gates = list_gates(model)
    weights: dict[str, list[Tensor]] = {gate: [] for gate in gates}
    labels: list[Tensor] = []
    if not gates:
        return []
    with evaluating(model):
        for batch in batches:
            with recording(model, gates) as outputs:
                model(batch.images)
            labels.append(batch.labels.cpu())
            for gate, output in outputs.items():
                weights[gate].append(output.double().cpu())
    all_labels = torch.cat(labels)
    return [_summarise(gate, torch.cat(some), all_labels, num_classes) for gate, some in weights.items()]


def _summarise(gate: str, weights: Tensor, labels: Tensor, num_classes: int) -> GateWeights:
    sums = torch.zeros(num_classes, weights.shape[1], dtype=torch.float64).index_add_(0, labels, weights)
    counts = torch.bincount(labels, minlength=num_classes)
    mean = weights.mean(0)
    return GateWeights(
        gate, sums / counts[:, None], mean, float(_entropy(weights).mean()), float(_entropy(mean))
    )


def _entropy(weights: Tensor) -> Tensor:
    """Return the entropy over the last axis as a part of the largest possible."""
    experts = weights.shape[-1]
    entropy: Tensor = torch.special.entr(weights).sum(-1)
    return entropy / (math.log(experts) if experts > 1 else 1)
