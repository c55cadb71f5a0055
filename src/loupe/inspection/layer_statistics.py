"""Numbers for "deeper is more abstract": how sparse, dead and selective the activations of a layer are."""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from loupe.data.batches import Batch
from loupe.inspection.capture import find_layer, list_layer_names, recording
from loupe.inspection.feature_maps import is_activation
from loupe.training.measure import evaluating


@dataclass(frozen=True)
class LayerStatistics:
    """One activation layer, over a set of images.

    Args:
        layer: name of the layer.
        num_units: channels of its maps, or numbers of its output.
        sparsity: share of its values that are zero, in [0, 1].
        num_dead: units that are zero for every image and pixel.
        selectivity: mean class selectivity of the units that are not dead, in [0, 1]: 0 answers all classes
            alike, 1 answers one class only; None if all are dead.
        is_map: whether its units are maps.
    """

    layer: str
    num_units: int
    sparsity: float
    num_dead: int
    selectivity: float | None
    is_map: bool


def measure_layers(model: nn.Module, batches: Iterable[Batch], num_classes: int) -> list[LayerStatistics]:
    """Return the statistics of every rectifying activation, in the order of the forward pass.

    Class selectivity of a unit is (a - b) / (a + b), where a is its mean activation on the class it answers
    most and b the mean over all other classes (Morcos et al., 2018).

    Args:
        model: any network.
        batches: labelled images, on the network's device.
        num_classes: number of classes.
    """
    layers = [name for name in list_layer_names(model) if is_activation(find_layer(model, name))]
    tallies: dict[str, _Tally] = {}
    with evaluating(model):
        for images, labels in batches:
            with recording(model, layers) as outputs:
                model(images)
            for name, output in outputs.items():
                tallies.setdefault(name, _Tally(output, num_classes)).add(output, labels)
    return [running_mean.result(name) for name, running_mean in tallies.items()]


class _Tally:
    """Sums over batches of one layer's activations."""

    def __init__(self, output: Tensor, num_classes: int) -> None:
        units = output.shape[1]
        self._sums = torch.zeros(num_classes, units, dtype=torch.float64)
        self._counts = torch.zeros(num_classes, dtype=torch.float64)
        self._is_alive = torch.zeros(units, dtype=torch.bool)
        self._num_zero = self._num_values = 0
        self._is_map = output.ndim == 4

    def add(self, output: Tensor, labels: Tensor) -> None:
        values = output.flatten(2) if output.ndim > 2 else output.unsqueeze(2)
        labels = labels.cpu()
        self._sums.index_add_(0, labels, values.double().mean(2).cpu())
        self._counts += torch.bincount(labels, minlength=len(self._counts))
        self._is_alive |= (values != 0).any(2).any(0).cpu()
        self._num_zero += int((values == 0).sum())
        self._num_values += values.numel()

    def result(self, layer: str) -> LayerStatistics:
        means = self._sums[self._counts > 0] / self._counts[self._counts > 0, None]
        alive = means[:, self._is_alive]
        selectivity = None
        if alive.shape[1] and len(alive) > 1:
            most = alive.max(0).values
            rest = (alive.sum(0) - most) / (len(alive) - 1)
            selectivity = float(((most - rest) / (most + rest)).mean())
        return LayerStatistics(
            layer=layer,
            num_units=len(self._is_alive),
            sparsity=self._num_zero / self._num_values,
            num_dead=int((~self._is_alive).sum()),
            selectivity=selectivity,
            is_map=self._is_map,
        )
