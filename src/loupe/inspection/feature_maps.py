"""What the layers of a network make of an image."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from loupe.errors import LoupeError
from loupe.inspection.capture import capture_layers, find_layer, list_layer_names, recording
from loupe.training.measure import evaluating


@dataclass(frozen=True, eq=False)
class FeatureMaps:
    """The maps of one layer for some images, every channel once.

    Args:
        layer: name of the layer.
        kind: class of the module.
        maps: (images, channels, height, width) float32 on the CPU.
    """

    layer: str
    kind: str
    maps: Tensor

    @property
    def dead_channels(self) -> list[int]:
        """Channels that are zero everywhere, for all of these images."""
        return (self.maps == 0).all(dim=3).all(dim=2).all(dim=0).nonzero().flatten().tolist()


def compute_feature_maps(
    model: nn.Module, images: Tensor, layers: Sequence[str] | None = None
) -> list[FeatureMaps]:
    """Return the maps of layers, in the order the network computed them.

    Args:
        model: any network.
        images: (images, channels, height, width) float, as the network takes them, on its device.
        layers: names of layers; if left out, every layer that gives maps of more than one pixel.

    Raises:
        LoupeError: there is no such layer, or its output is not a map.
    """
    outputs = capture_layers(model, images, layers) if layers else _capture_all(model, images)
    found = []
    for name, output in outputs.items():
        if output.ndim == 4:
            kind = type(find_layer(model, name.partition("#")[0])).__name__
            found.append(FeatureMaps(name, kind, output.float().cpu()))
        elif layers:
            raise LoupeError(
                f"The layer {name!r} gives numbers, not maps.",
                got=f"an output of shape {tuple(output.shape[1:])} for one image",
                allowed=", ".join(list_map_layers(model, images)) or "a network with convolutions",
                next_step="choose a layer that gives maps",
            )
    return found


def list_map_layers(model: nn.Module, images: Tensor) -> list[str]:
    """Return the layers that give maps of more than one pixel, in the order of the forward pass."""
    return list(_capture_all(model, images[:1]))


def choose_shown_layers(model: nn.Module, images: Tensor, most: int) -> list[str]:
    """Return at most so many layers to show, evenly from first to last: activations where there are some."""
    maps = compute_feature_maps(model, images[:1])
    activations = [one.layer for one in maps if is_activation(find_layer(model, one.layer.partition("#")[0]))]
    names = activations or [one.layer for one in maps]
    if len(names) <= most:
        return names
    indices = torch.linspace(0, len(names) - 1, most).round().long().tolist()
    return [names[index] for index in indices]


def is_activation(module: nn.Module) -> bool:
    """Return whether a module is a rectifying activation: no parameters, and nothing below zero."""
    return type(module).__name__ in ("ReLU", "ReLU6") and not list(module.parameters())


def _capture_all(model: nn.Module, images: Tensor) -> dict[str, Tensor]:
    """Return the outputs of all layers that are called and give maps of more than one pixel."""
    with recording(model, list_layer_names(model)) as outputs, evaluating(model):
        model(images)
    return {name: maps for name, maps in outputs.items() if maps.ndim == 4 and maps[0, 0].numel() > 1}
