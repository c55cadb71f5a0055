"""What a network consists of: each layer's output shape, parameters and multiply-adds."""

from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from loupe.errors import ShapeError


@dataclass(frozen=True)
class LayerRow:
    """One layer: a module without children.

    Args:
        name: dotted place in the network.
        kind: class of the module.
        output_shape: shape of its output for one image, without the batch axis.
        parameters: numbers it holds itself.
        trainable: how many of them are trained.
        multiply_adds: multiplications with addition for one image, forward.
    """

    name: str
    kind: str
    output_shape: tuple[int, ...]
    parameters: int
    trainable: int
    multiply_adds: int

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def count_parameters(model: nn.Module) -> int:
    """Return the number of parameters, each counted once however often it is shared."""
    return sum(parameter.numel() for parameter in model.parameters())


def describe_layers(model: nn.Module, *, in_channels: int, image_size: tuple[int, int]) -> list[LayerRow]:
    """Return one row a layer, in the order of the forward pass of one image of zeros.

    The model's mode, weights and statistics stay as they were.

    Raises:
        ShapeError: the network cannot take such images.
    """
    outputs: dict[str, tuple[nn.Module, tuple[int, ...]]] = {}

    def note_output(name: str) -> Any:
        def hook(module: nn.Module, _: Any, output: Any) -> None:
            if isinstance(output, Tensor) and name not in outputs:
                outputs[name] = (module, tuple(output.shape[1:]))

        return hook

    leaves = [(name, module) for name, module in model.named_modules() if not list(module.children())]
    hooks = [module.register_forward_hook(note_output(name)) for name, module in leaves]
    was_training = model.training
    device = next((parameter.device for parameter in model.parameters()), torch.device("cpu"))
    image = torch.zeros(1, in_channels, *image_size, device=device)
    counter = FlopCounterMode(display=False)
    try:
        model.eval()
        with torch.no_grad(), counter:
            model(image)
    except RuntimeError as error:
        raise ShapeError(
            f"{type(model).__name__} cannot take images of shape {tuple(image.shape[1:])}.",
            got=str(error).partition("\n")[0],
            allowed="a model whose layers chain",
            next_step="try the model on one image of zeros to find the layer",
        ) from None
    finally:
        model.train(was_training)
        for hook in hooks:
            hook.remove()
    root = type(model).__name__
    flops = {
        place.removeprefix(f"{root}.").removeprefix("Global."): sum(counts.values())
        for place, counts in counter.get_flop_counts().items()
    }
    return [_make_row(name, module, shape, flops.get(name, 0)) for name, (module, shape) in outputs.items()]


def _make_row(name: str, module: nn.Module, shape: tuple[int, ...], flops: int) -> LayerRow:
    parameters = list(module.parameters(recurse=False))
    return LayerRow(
        name=name,
        kind=type(module).__name__,
        output_shape=shape,
        parameters=sum(parameter.numel() for parameter in parameters),
        trainable=sum(parameter.numel() for parameter in parameters if parameter.requires_grad),
        multiply_adds=flops // 2,
    )
