"""Starting from weights another network learnt: copied by name, with parts of them frozen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from loupe.errors import LoupeError, suggest
from loupe.models.layer_table import describe_layers
from loupe.models.weight_fitting import fit_tensor


@dataclass(frozen=True)
class CopiedWeights:
    """What became of each tensor.

    Args:
        copied: names here that got the other network's values.
        skipped: names here that kept their fresh values, and why.
        unused: names there that do not occur here.
        fitted: names here whose values were brought to another shape first, and how.
    """

    copied: tuple[str, ...]
    skipped: dict[str, str]
    unused: tuple[str, ...]
    fitted: dict[str, str] = field(default_factory=dict)


def copy_weights_by_name(
    model: nn.Module,
    weights: Mapping[str, Tensor],
    *,
    part: str = "",
    new: Sequence[str] = (),
    fits_shapes: bool = False,
) -> CopiedWeights:
    """Copy parameters and buffers of equal name and shape into a network, and return what was copied.

    They are copied, never shared: training on changes nothing in their source.

    Args:
        model: receives the values.
        weights: the other network's state dict.
        part: take only what lies under this name there, such as "encoder", without that name before it.
        new: layers here that keep their fresh values, such as a new head.
        fits_shapes: whether values of other shapes are brought to those here, where a rule says how
            (`weight_fitting.py`).

    Raises:
        LoupeError: nothing fits.
    """
    prefix = f"{part}." if part else ""
    of_part = {name: tensor for name, tensor in weights.items() if name.startswith(prefix)}
    if not of_part:
        parts = sorted(
            {name.rpartition(".")[0] for name in weights} | {name.split(".")[0] for name in weights}
        )
        raise LoupeError(
            f"The weights have no part {part!r}.",
            got=part,
            allowed=_list_some(parts),
            nearest=suggest(part, parts),
            next_step="mend transfer.part",
        )
    offered = {name.removeprefix(prefix): tensor for name, tensor in of_part.items()}
    skipped: dict[str, str] = {}
    copied: list[str] = []
    fitted: dict[str, str] = {}
    for name, tensor in model.state_dict().items():
        if name.rpartition(".")[0] in new:
            skipped[name] = "new"
        elif name not in offered:
            skipped[name] = "not there"
        else:
            values = offered[name]
            fit = fit_tensor(name, values, tensor) if fits_shapes and values.shape != tensor.shape else None
            if fit is not None:
                values, fitted[name] = fit
            if values.shape != tensor.shape:
                skipped[name] = f"{_write_shape(tensor)} here, {_write_shape(values)} there"
                continue
            with torch.no_grad():
                tensor.copy_(values)
            copied.append(name)
    if not copied:
        raise LoupeError(
            "None of these weights fits the network.",
            got=_list_some(sorted(offered or weights)),
            allowed=f"names and shapes of its own: {_list_some(sorted(model.state_dict()))}",
            next_step="choose the same model, or set transfer.part to the part that has these layers",
        )
    unused = tuple(sorted(set(offered) - set(copied) - set(skipped)))
    return CopiedWeights(tuple(copied), skipped, unused, fitted)


def find_head(model: nn.Module, *, in_channels: int, image_size: tuple[int, int]) -> str:
    """Return the name of a network's last layer with parameters, in the order of its forward pass.

    Raises:
        ShapeError: the network cannot take such images.
        LoupeError: no layer has parameters.
    """
    head = describe_layers(model, in_channels=in_channels, image_size=image_size).head
    if not head:
        raise LoupeError("The network has no layer with parameters.", next_step="choose another model")
    return head


def freeze_layers(model: nn.Module, layers: Sequence[str]) -> tuple[str, ...]:
    """Stop the training of the named layers and all inside them, and return the frozen parameters' names.

    Raises:
        LoupeError: there is no such layer.
    """
    refuse_unknown_layers(model, layers, "transfer.freeze")
    for layer in layers:
        model.get_submodule(layer).requires_grad_(False)
    return tuple(name for name, parameter in model.named_parameters() if not parameter.requires_grad)


def refuse_unknown_layers(model: nn.Module, layers: Sequence[str], field: str) -> None:
    """Check that a network has layers of these names, with parameters that could be frozen.

    Args:
        model: the network.
        layers: names as `loupe show` gives them.
        field: config path of the names in the recipe, for the error.

    Raises:
        LoupeError: there is no such layer.
    """
    with_parameters = [name for name, module in model.named_modules() if name and list(module.parameters())]
    for layer in layers:
        if layer not in with_parameters:
            is_there = layer in dict(model.named_modules())
            raise LoupeError(
                f"Layer {layer!r} has no parameters to freeze."
                if is_there and layer
                else f"There is no layer {layer!r} to freeze.",
                got=layer,
                allowed=", ".join(with_parameters),
                nearest=suggest(layer, with_parameters),
                next_step=f"mend {field}",
            )


def freeze_all_but(model: nn.Module, head: str) -> tuple[str, ...]:
    """Stop the training of everything but one layer, and return the names of the frozen parameters."""
    model.requires_grad_(False)
    model.get_submodule(head).requires_grad_(True)
    return tuple(name for name, parameter in model.named_parameters() if not parameter.requires_grad)


def _write_shape(tensor: Tensor) -> str:
    return " x ".join(map(str, tensor.shape)) or "one number"


def _list_some(names: Sequence[str], most: int = 8) -> str:
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest} more" if rest > 0 else "")
