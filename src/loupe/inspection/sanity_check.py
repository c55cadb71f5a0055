"""Does an explanation depend on what the network has learned? (Adebayo et al. 2018, arXiv:1810.03292)"""

import copy
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from loupe.errors import LoupeError
from loupe.inspection.capture import recording
from loupe.inspection.explanation import Targets, explain, undisturbed
from loupe.runtime import Streams


@dataclass(frozen=True)
class SanityStage:
    """How alike the maps still are once some more layers have weights drawn anew.

    Args:
        layers: drawn anew at this stage; those of earlier stages stay so.
        correlation: Spearman's rank correlation with the maps of the trained weights, mean over images.
        absolute_correlation: the same of the maps without their signs.
    """

    layers: tuple[str, ...]
    correlation: float
    absolute_correlation: float


@dataclass(frozen=True)
class SanityCheck:
    """What became of a method's maps while the weights were drawn anew, from the head down.

    Args:
        method: name of the method.
        targets: (batch,) int64, the class explained at every stage.
        num_images: images compared; those whose map of the trained weights is flat say nothing, and are
            left out.
        stages: from the head only to the whole network.
        threshold: correlation from which on the maps count as unchanged.
    """

    method: str
    targets: Tensor
    num_images: int
    stages: tuple[SanityStage, ...]
    threshold: float

    @property
    def is_sensitive(self) -> bool:
        """Whether the maps change: their correlation is below the threshold when all weights are new."""
        return self.stages[-1].correlation < self.threshold

    @property
    def verdict(self) -> str:
        """One sentence for people to read."""
        does = "depends" if self.is_sensitive else "does not depend"
        return (
            f"{self.method} {does} on the learned weights: with all weights drawn anew, its maps have a rank "
            f"correlation of {self.stages[-1].correlation:.2f} with those of the trained network."
        )


def check_sanity(
    model: nn.Module,
    images: Tensor,
    method: str,
    targets: Targets = None,
    *,
    num_stages: int | None = None,
    seed: int = 0,
    threshold: float = 0.5,
    **settings: Any,
) -> SanityCheck:
    """Return how the maps change when weights are drawn anew, layer by layer from the head down.

    A method whose maps stay the same shows the image, not what the network learned from it. The network is
    copied; it stays as it was. Layers draw from their own start distribution (torch's `reset_parameters`,
    running statistics of norms too); a layer without one draws from a normal distribution with the mean and
    standard deviation of each of its tensors.

    Args:
        model: a trained network that gives logits.
        images: (batch, channels, height, width) float, as the network takes them.
        method: name of a registered method.
        targets: as in `explain`; left out, the class that the trained network predicts.
        num_stages: stages the layers are grouped into, ≥ 1; left out, one a layer.
        seed: of the new weights.
        threshold: rank correlation in (0, 1] from which on maps count as unchanged.
        settings: the method's own settings.

    Raises:
        LoupeError: as `explain`; the network has nothing to draw anew; all maps are flat.
    """
    trained = explain(model, images, method, targets, **settings)
    speaks = trained.maps.flatten(1).amax(1) > trained.maps.flatten(1).amin(1)
    if not speaks.any():
        raise LoupeError(
            f"There is nothing to compare: {method} is flat for all of these images.",
            got="maps with one value everywhere",
            allowed="at least one map that says where the evidence is",
            next_step="choose other images, settings or another method",
        )
    copied = copy.deepcopy(model)
    stages = []
    for layers in _group(_list_from_head(copied, images), num_stages):
        for layer in layers:
            with Streams(seed).as_global(f"new weights {layer}", device=images.device):
                _draw_anew(copied.get_submodule(layer))
        maps = explain(copied, images, method, trained.targets, **settings).maps
        correlations = correlate_ranks(trained.maps[speaks], maps[speaks])
        absolute = correlate_ranks(trained.maps[speaks].abs(), maps[speaks].abs())
        stages.append(SanityStage(tuple(layers), float(correlations.mean()), float(absolute.mean())))
    return SanityCheck(method, trained.targets, int(speaks.sum()), tuple(stages), threshold)


def correlate_ranks(first: Tensor, second: Tensor) -> Tensor:
    """Return Spearman's rank correlation of two maps, in [-1, 1], for each image.

    Equal values share their mean rank. A map that is the same everywhere correlates with nothing: 0.

    Args:
        first: (batch, …) float.
        second: the same shape.
    """
    ranks = [_rank(maps.flatten(1)) for maps in (first, second)]
    centred = [one - one.mean(1, keepdim=True) for one in ranks]
    sizes = [one.norm(dim=1) for one in centred]
    product = sizes[0] * sizes[1]
    correlation: Tensor = (centred[0] * centred[1]).sum(1) / product.where(product > 0, 1.0)
    return correlation


def _rank(values: Tensor) -> Tensor:
    """Return the rank of each value within its row, from 1; equal values share their mean rank."""
    ordered = values.contiguous().sort(1).values
    below = torch.searchsorted(ordered, values.contiguous())
    up_to = torch.searchsorted(ordered, values.contiguous(), right=True)
    return (below + up_to + 1).float() / 2


def _list_from_head(model: nn.Module, images: Tensor) -> list[str]:
    """Return the layers with parameters, from the forward pass's last to its first, then those not called."""
    with_parameters = [
        name for name, module in model.named_modules() if list(module.parameters(recurse=False))
    ]
    if not with_parameters:
        raise LoupeError(
            f"{type(model).__name__} has no weights to draw anew.", next_step="check a network that learns"
        )
    below_root = [name for name in with_parameters if name]  # the root itself holds weights in some networks
    with undisturbed(model, images.device), torch.no_grad(), recording(model, below_root) as outputs:
        model(images[:1])
    called = [name for name in outputs if "#" not in name]
    return called[::-1] + [name for name in with_parameters if name not in called]


def _group(layers: list[str], num_stages: int | None) -> list[list[str]]:
    if num_stages is not None and num_stages < 1:
        raise LoupeError(
            "A sanity check needs a stage.",
            got=f"num_stages={num_stages}",
            allowed=f"1 to {len(layers)}",
            next_step="leave num_stages out for one stage a layer",
        )
    count = min(num_stages or len(layers), len(layers))
    ends = [round(number * len(layers) / count) for number in range(count + 1)]
    return [layers[start:end] for start, end in pairwise(ends)]


def _draw_anew(layer: nn.Module) -> None:
    if callable(reset := getattr(layer, "reset_parameters", None)):
        reset()
        return
    with torch.no_grad():
        for parameter in layer.parameters(recurse=False):
            parameter.normal_(float(parameter.mean()), float(parameter.std(correction=0)))
