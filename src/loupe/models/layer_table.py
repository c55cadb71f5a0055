"""What a network consists of: each layer's output shape, parameters and multiply-adds."""

from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils import flop_counter
from torch.utils.flop_counter import FlopCounterMode

from loupe.errors import ShapeError
from loupe.models.layer_rules import NO_RULE, LayerRule, describe_rule
from loupe.models.operation_count import OperationCounter
from loupe.models.receptive_reach import PIXEL, Reach, Reaches, extend_reach, write_reach
from loupe.runtime import without_loading_compiler

_COUNTING: Any = getattr(flop_counter, "_FlopCounterMode", FlopCounterMode)  # what a counter has called

_WHOLE = "(whole)"  # no module's name

OUTSIDE = "outside these rows"
"""How a table calls what its rows leave of the whole, in a row of its own: attention's products, say."""

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
        input_shape: shape of its input for one image; None if it is not one tensor.
        rule: where these numbers come from, written out.
        receptive_field: the pixels that one of its numbers can depend on, in words; "" where that does not
            follow from the layers alone, as behind a shortcut.
    """

    name: str
    kind: str
    output_shape: tuple[int, ...]
    parameters: int
    trainable: int
    multiply_adds: int
    input_shape: tuple[int, ...] | None = None
    rule: LayerRule = NO_RULE
    receptive_field: str = ""

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def window(self) -> tuple[str, str, str]:
        """Kernel, stride and padding of a convolution or pooling, "5", "2 × 1"; "" of any other layer."""
        known = dict(self.rule.settings)
        kernel, stride, padding = (known.get(name, "") for name in ("kernel", "stride", "padding"))
        return kernel, stride, padding.partition(" (")[0]


@dataclass(frozen=True)
class LayerTable:
    """The layers of a network, and its totals; a shared parameter counts once.

    Args:
        rows: its layers.
        parameters: numbers it holds.
        trainable: how many of them are trained.
        multiply_adds: multiplications with addition of one image's forward pass, those between the layers
            included, such as attention's products.
    """

    rows: tuple[LayerRow, ...]
    parameters: int
    trainable: int
    multiply_adds: int

    @property
    def outside(self) -> int:
        """Multiply-adds in no row: between layers, or in one whose output is no single tensor."""
        return max(0, self.multiply_adds - sum(row.multiply_adds for row in self.rows))

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
    leaves = [
        (name, module)
        for name, module in model.named_modules()
        if not list(module.children()) or list(module.parameters(recurse=False))
    ]
    calls = _Calls()
    hooks = [module.register_forward_hook(calls.note(name)) for name, module in leaves]
    hooks.append(model.register_forward_pre_hook(calls.begin))
    try:
        with calls.reaches:
            watched = _count_by_module(model, in_channels, image_size)
    finally:
        for hook in hooks:
            hook.remove()
    alone = _count_by_module(model, in_channels, image_size)
    # layers that nobody watches may run as one: with fewer operations, as experts whose kernels are mixed, or
    # with more, as a convolution and its pooling, whose larger kernels are zero where they are larger
    flops = min(watched, alone, key=lambda counts: counts[_WHOLE])
    rows = [_make_row(one, _find_flops(one.name, flops, watched), image_size) for one in calls.first.values()]
    return LayerTable(
        tuple(rows),
        parameters=count_parameters(model),
        trainable=sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad),
        multiply_adds=flops[_WHOLE] // 2,
    )


def _count_by_module(model: nn.Module, in_channels: int, image_size: tuple[int, int]) -> dict[str, int]:
    """Return the operations of one image's forward pass by dotted name, and in the whole."""
    counter, was_quick = OperationCounter(), torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)  # one call that does a whole block, which is not counted
    try:
        with without_loading_compiler(_COUNTING.__torch_dispatch__), counter:
            run_on_zeros(model, in_channels=in_channels, image_size=image_size)
    finally:
        torch.backends.mha.set_fastpath_enabled(was_quick)
    root = type(model).__name__
    counts = {
        name.removeprefix(f"{root}.").removeprefix("Global."): sum(by_kind.values())
        for name, by_kind in counter.get_flop_counts().items()
        if name not in (root, "Global")  # which hold the whole
    }
    return {**counts, _WHOLE: counter.get_total_flops()}


def _find_flops(name: str, flops: dict[str, int], watched: dict[str, int]) -> int:
    """Return a layer's operations; of one whose weights its parent used, its share of what the parent did.

    Args:
        name: of the layer.
        flops: by name, of the pass that counts.
        watched: by name, of the pass in which every layer ran by itself.
    """
    if name in flops or name not in watched:
        return flops.get(name, 0)
    parent = name.rpartition(".")[0]
    siblings = [one for one in watched if one not in (parent, _WHOLE) and one.rpartition(".")[0] == parent]
    own = flops.get(parent or _WHOLE, 0) - sum(flops.get(one, 0) for one in siblings)
    shared = sum(watched[one] for one in siblings if one not in flops)
    return max(0, own) * watched[name] // shared if shared else 0


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


@dataclass(frozen=True)
class _Call:
    """The first call of a layer; shapes without the batch axis."""

    name: str
    module: nn.Module
    given: tuple[int, ...] | None
    made: tuple[int, ...]
    reach: Reach | None


class _Calls:
    """Notes the first call of each layer while a network runs, and how far its numbers see."""

    def __init__(self) -> None:
        self.first: dict[str, _Call] = {}
        self.reaches = Reaches()

    def begin(self, module: nn.Module, inputs: Any) -> None:
        """Note the image."""
        if inputs and isinstance(inputs[0], Tensor):
            self.reaches.remember(inputs[0], PIXEL)

    def note(self, name: str) -> Any:
        """Return a hook that notes what a layer is given and gives."""

        def hook(module: nn.Module, inputs: Any, output: Any) -> None:
            if not isinstance(output, Tensor):
                return
            given = inputs[0] if inputs and isinstance(inputs[0], Tensor) else None
            reach = None
            if given is not None and not list(module.children()):
                reach = extend_reach(self.reaches.find(given), module, given, output)
            self.reaches.remember(output, reach)
            if name not in self.first:
                shape = tuple(given.shape[1:]) if given is not None else None
                self.first[name] = _Call(name, module, shape, tuple(output.shape[1:]), reach)

        return hook


def _make_row(call: _Call, flops: int, image_size: tuple[int, int]) -> LayerRow:
    own = list(call.module.parameters(recurse=False))
    parameters = sum(parameter.numel() for parameter in own)
    work = 0 if list(call.module.children()) else flops // 2
    return LayerRow(
        name=call.name or ITSELF,
        kind=type(call.module).__name__,
        output_shape=call.made,
        parameters=parameters,
        trainable=sum(parameter.numel() for parameter in own if parameter.requires_grad),
        multiply_adds=work,
        input_shape=call.given,
        rule=describe_rule(call.module, call.given, call.made, parameters, work),
        receptive_field=write_reach(call.reach, image_size),
    )
