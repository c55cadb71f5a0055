"""Several networks of one architecture as one, each with its own weights."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from loupe.models.autoencoder import Autoencoder
from loupe.models.layers.fast_max_pool import FastMaxPool2d
from loupe.models.layers.fast_stack import FastStack, run_as_one, runs_as_one
from loupe.models.layers.hooks import has_hooks
from loupe.training.together import layers

_CONTAINERS = (nn.Sequential, FastStack, Autoencoder)
_LAYERS = (
    nn.Conv2d,
    nn.Linear,
    nn.MaxPool2d,
    FastMaxPool2d,
    nn.Flatten,
    nn.Unflatten,
    nn.Dropout,
    *layers.ELEMENTWISE,
)
_OF_MAPS, _OF_VECTORS = (nn.Conv2d, nn.MaxPool2d, nn.Flatten), (nn.Linear, nn.Unflatten)


def find_network_obstacle(model: nn.Module) -> str | None:
    """Return why a network cannot be stacked with others; None if it can."""
    has_vectors = False  # else maps
    for name, layer in _list_layers(model, ""):
        if type(layer) not in _LAYERS:
            return f"layer {name or 'model'} is a {type(layer).__name__}, which is not trained together"
        if has_hooks(layer):
            return f"layer {name} has a hook"
        of_maps, of_vectors = isinstance(layer, _OF_MAPS), isinstance(layer, _OF_VECTORS)
        if has_vectors if of_maps else of_vectors and not has_vectors:
            return f"layer {name} takes values in another form than is usual"
        if _is_unusual(layer):
            return f"layer {name} has settings that are not trained together"
        has_vectors = isinstance(layer, nn.Flatten) or (has_vectors and not isinstance(layer, nn.Unflatten))
    if not all(parameter.requires_grad for parameter in model.parameters()):
        return "some of its layers are frozen"
    return None


def _is_unusual(layer: nn.Module) -> bool:
    match layer:
        case nn.Conv2d():
            return layer.padding_mode != "zeros" or isinstance(layer.padding, str)
        case nn.Flatten():
            return (layer.start_dim, layer.end_dim) != (1, -1)
        case nn.Unflatten():
            return layer.dim != 1 or len(layer.unflattened_size) != 3
        case nn.MaxPool2d():
            return layer.return_indices
        case _:
            return False


def _list_layers(module: nn.Module, name: str) -> list[tuple[str, nn.Module]]:
    """Return the layers of a network in the order they are run, with their names."""
    if type(module) not in _CONTAINERS:
        return [(name, module)]
    found = []
    for child_name, child in module.named_children():  # an autoencoder's are encoder and decoder
        found += _list_layers(child, f"{name}.{child_name}" if name else child_name)
    return found


class Stack:
    """Networks that run as one.

    The parameters of the networks become views into stacked tensors, so that each network remains whole: it
    can be run, copied and saved by itself at any time, and follows every step of the stack.

    Args:
        models: of one architecture, none with an obstacle.

    `stacked` holds the parameters by name, each (networks, *shape).
    """

    def __init__(self, models: Sequence[nn.Module]) -> None:
        self.models = list(models)
        named = [dict(model.named_parameters()) for model in models]
        self.stacked = {
            name: torch.stack([parameters[name].detach() for parameters in named]) for name in named[0]
        }
        for index, parameters in enumerate(named):
            for name, parameter in parameters.items():
                parameter.data = self.stacked[name][index]
        self._layers = _list_layers(models[0], "")

    def __len__(self) -> int:
        return len(self.models)

    def take(self, which: slice) -> dict[str, Tensor]:
        """Return the parameters of neighbouring networks as leaves of a graph, (networks, *shape) each."""
        return {name: stacked[which].detach().requires_grad_() for name, stacked in self.stacked.items()}

    def run(
        self, images: Tensor, parameters: dict[str, Tensor], generators: Sequence[torch.Generator] = ()
    ) -> Tensor:
        """Return the outputs of some of the networks, (networks, batch, …).

        Args:
            images: (networks, batch, channels, height, width) float32.
            parameters: of these networks, from `take`.
            generators: one a network, for dropout; dropout is left out if there are none.
        """
        values, index, num_runs = images, 0, len(images)
        while index < len(self._layers):
            (name, layer), following = self._layers[index], self._layers[index + 1 : index + 2]
            weight, bias = parameters.get(f"{name}.weight"), parameters.get(f"{name}.bias")
            if following and values.ndim == 5 and runs_as_one(layer, following[0][1], values[0]):
                assert isinstance(layer, nn.Conv2d)
                assert weight is not None
                values = _run_each(layer, values, weight, bias)
                index += 2
                continue
            if isinstance(layer, nn.Conv2d):
                assert weight is not None
                values = layers.convolve(layer, values, weight, bias)
            elif isinstance(layer, nn.Linear):
                assert weight is not None
                values = layers.multiply(values, weight, bias)
            elif isinstance(layer, nn.Dropout):
                values = layers.drop(layer, values, generators) if generators else values
            else:
                values = self._run_plain(layer, values, num_runs)
            index += 1
        return layers.to_runs(values, num_runs)

    @staticmethod
    def _run_plain(layer: nn.Module, values: Tensor, num_runs: int) -> Tensor:
        """Return what a layer without weights makes of the values."""
        if isinstance(layer, nn.MaxPool2d):
            return layers.pool(layer, values)
        if isinstance(layer, nn.Flatten):
            return layers.to_runs(values, num_runs).flatten(2)
        if isinstance(layer, nn.Unflatten):
            unfolded: Tensor = values.unflatten(2, layer.unflattened_size)
            return unfolded
        plain: Tensor = layer(values)
        return plain


def _run_each(conv: nn.Conv2d, images: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Return a narrow first convolution and its pooling, one network after the other: maps.

    Side by side the unpooled maps of all networks would leave the processor's cache.
    """
    biases = [None] * len(weight) if bias is None else bias.unbind()
    pooled = [run_as_one(conv, *one) for one in zip(images, weight.unbind(), biases, strict=True)]
    return layers.to_maps(torch.stack(pooled))
