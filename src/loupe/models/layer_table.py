"""What a network consists of: each layer's output shape, parameters and multiply-adds."""

from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from loupe.errors import ShapeError

ITSELF = "(itself)"
"""How a network is called that has parameters of its own, outside its layers."""


@dataclass(frozen=True)
class LayerRow:
    """One layer: a module without children, or one that holds parameters of its own.

    Args:
        name: dotted name in the network.
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


@dataclass(frozen=True)
class LayerTable:
    """The layers of a network, and its totals; a shared parameter counts once."""

    rows: tuple[LayerRow, ...]
    parameters: int
    trainable: int

    @property
    def multiply_adds(self) -> int:
        """Multiplications with addition of one image's forward pass."""
        return sum(row.multiply_adds for row in self.rows)

    @property
    def head(self) -> str:
        """Last layer with parameters: its name, "(itself)" if only the network has some, or ""."""
        names = [row.name for row in self.rows if row.parameters]
        layers = [name for name in names if name != ITSELF]
        return (layers or names or [""])[-1]


def count_parameters(model: nn.Module) -> int:
    """Return the number of parameters, each counted once however often it is shared."""
    return sum(parameter.numel() for parameter in model.parameters())


def describe_layers(model: nn.Module, *, in_channels: int, image_size: tuple[int, int]) -> LayerTable:
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

    leaves = [
        (name, module)
        for name, module in model.named_modules()
        if not list(module.children()) or list(module.parameters(recurse=False))
    ]
    hooks = [module.register_forward_hook(note_output(name)) for name, module in leaves]
    counter = FlopCounterMode(display=False)
    try:
        with counter:
            run_on_zeros(model, in_channels=in_channels, image_size=image_size)
    finally:
        for hook in hooks:
            hook.remove()
    root = type(model).__name__
    flops = {
        name.removeprefix(f"{root}.").removeprefix("Global."): sum(counts.values())
        for name, counts in counter.get_flop_counts().items()
    }
    rows = [_make_row(name, module, shape, flops.get(name, 0)) for name, (module, shape) in outputs.items()]
    return LayerTable(
        tuple(rows),
        parameters=count_parameters(model),
        trainable=sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad),
    )


def run_on_zeros(model: nn.Module, *, in_channels: int, image_size: tuple[int, int]) -> Any:
    """Return what the network makes of one image of zeros, in evaluation mode and without gradients.

    Raises:
        ShapeError: whatever goes wrong in the network's forward pass.
    """
    was_training = model.training
    device = next((parameter.device for parameter in model.parameters()), torch.device("cpu"))
    image = torch.zeros(1, in_channels, *image_size, device=device)
    model.eval()
    try:
        with torch.no_grad():
            return model(image)
    except Exception as error:  # a user's own network can fail in any way
        raise ShapeError(
            f"{type(model).__name__} cannot take images of shape {tuple(image.shape[1:])}.",
            got=f"{type(error).__name__}: {str(error).partition(chr(10))[0]}",
            allowed="a network whose layers chain",
            next_step="run the network on one image of zeros to find the layer",
        ) from None
    finally:
        model.train(was_training)


def refuse_wrong_output(
    model: nn.Module, *, in_channels: int, image_size: tuple[int, int], num_classes: int | None
) -> None:
    """Check that the network gives one logit a class for one image, or an image if there are no classes.

    Raises:
        ShapeError: it gives something else.
    """
    output = run_on_zeros(model, in_channels=in_channels, image_size=image_size)
    shape = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
    if num_classes is None and shape != (1, in_channels, *image_size):
        raise ShapeError(
            f"{type(model).__name__} does not give its image back.",
            got=f"an output of {shape} for one image",
            allowed=f"{(1, in_channels, *image_size)}, the shape of the image",
            next_step="let its output have the shape of its input, or register it without objective=…",
        )
    if num_classes is not None and shape != (1, num_classes):
        raise ShapeError(
            f"{type(model).__name__} does not give one logit a class.",
            got=f"an output of {shape} for one image",
            allowed=f"(1, {num_classes}): {num_classes} classes",
            next_step="let its last layer have as many outputs as `num_classes`",
        )


def _make_row(name: str, module: nn.Module, shape: tuple[int, ...], flops: int) -> LayerRow:
    parameters = list(module.parameters(recurse=False))
    return LayerRow(
        name=name or ITSELF,
        kind=type(module).__name__,
        output_shape=shape,
        parameters=sum(parameter.numel() for parameter in parameters),
        trainable=sum(parameter.numel() for parameter in parameters if parameter.requires_grad),
        multiply_adds=0 if list(module.children()) else flops // 2,
    )
