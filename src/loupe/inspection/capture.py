"""What a network really computes: outputs of its layers, taken by hooks during its own forward pass."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn

from loupe.errors import LoupeError, suggest
from loupe.training.measure import evaluating


def list_layer_names(model: nn.Module) -> list[str]:
    """Return the dotted names of a network's layers.

    A layer is a module without children, or one that holds parameters of its own.
    """
    return [
        name
        for name, module in model.named_modules()
        if name and (not list(module.children()) or list(module.parameters(recurse=False)))
    ]


def find_layer(model: nn.Module, name: str) -> nn.Module:
    """Return the module called `name`, a layer or a block of layers.

    Raises:
        LoupeError: there is none.
    """
    modules = dict(model.named_modules())
    if name not in modules or not name:
        names = list_layer_names(model)
        raise LoupeError(
            f"There is no layer {name!r} in {type(model).__name__}.",
            got=name,
            allowed=", ".join(names),
            nearest=suggest(name, [one for one in modules if one]),
            next_step="`loupe show` lists the layers",
        )
    module: nn.Module = modules[name]
    return module


def capture_layers(model: nn.Module, images: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
    """Return the outputs of layers for a batch of images, in the order the network computed them.

    The network's own forward pass runs once, in evaluation mode and without gradients; mode, weights and
    statistics stay as they were, and no hook remains. A layer that is called more than once gives an
    output a call: `relu`, `relu#2` …

    Args:
        model: any network.
        images: (batch, channels, height, width) float, on the network's device.
        layers: names of modules; blocks of layers too.

    Raises:
        LoupeError: there is no such layer, or it was not called.
    """
    with recording(model, layers) as outputs, evaluating(model):
        model(images)
    missing = [layer for layer in layers if layer not in outputs]
    if missing:
        raise LoupeError(
            f"The layer {missing[0]!r} takes no part in the forward pass.",
            got=missing[0],
            allowed=", ".join(outputs) or "a layer that is called",
            next_step="choose another layer",
        )
    return outputs


@contextmanager
def recording(model: nn.Module, layers: Sequence[str]) -> Iterator[dict[str, Tensor]]:
    """Give a dictionary that fills with the outputs of layers while the network runs inside the block.

    Raises:
        LoupeError: there is no such layer.
    """
    outputs: dict[str, Tensor] = {}

    def note_output(name: str) -> Any:
        def hook(module: nn.Module, inputs: Any, output: Any) -> None:
            if isinstance(output, Tensor):
                count = sum(key == name or key.startswith(f"{name}#") for key in outputs)
                # a copy: the next layer may work in place
                outputs[f"{name}#{count + 1}" if count else name] = output.detach().clone()

        return hook

    handles = [find_layer(model, layer).register_forward_hook(note_output(layer)) for layer in layers]
    try:
        yield outputs
    finally:
        for handle in handles:
            handle.remove()
