from collections.abc import Collection
from functools import partial
from typing import Any

import torch.nn.functional as F
from hypothesis import strategies as st
from torch import Tensor, nn

from loupe.conformance.cases import Case, Family, Hint, LayerKind, make_input
from loupe.conformance.checks import WITH_WEIGHTS
from loupe.conformance.kinds import register_layer_kind


@register_layer_kind("conv-transpose2d")
def conv_transpose2d() -> LayerKind:
    """Transposed convolution of (batch, channels, height, width), as torch.nn.ConvTranspose2d."""
    return LayerKind(
        reference=nn.ConvTranspose2d,
        required=("in_channels", "out_channels", "kernel_size"),
        optional=("stride", "padding", "output_padding", "groups", "bias", "dilation"),
        probe=Case({"in_channels": 2, "out_channels": 5, "kernel_size": 3}, (make_input(2, 2, 4, 6),)),
        cases=_draw_case,
        families=(
            Family("as many channels in as out", _draw_case((), is_square=True)),
            Family("sides of a kernel that differ", _draw_pair_case("kernel_size"), may_refuse=True),
            *(
                Family(
                    f"{name.replace('_', ' ')} of rows and of columns that differ",
                    _draw_pair_case(name),
                    ("stride", "padding", name) if name == "output_padding" else (name,),
                    True,
                )
                for name in ("stride", "padding", "output_padding", "dilation")
            ),
        ),
        hints=(
            Hint("the bias is left out", lambda conv, inputs: _transpose(conv, inputs[0], bias=None)),
            Hint(
                "the first two axes of the weight are exchanged: torch's is (in, out, height, width) here",
                lambda conv, inputs: _transpose(conv, inputs[0], weight=conv.weight.transpose(0, 1)),
            ),
            Hint(
                "the kernel is flipped: each input value lays the kernel down as it is",
                lambda conv, inputs: _transpose(conv, inputs[0], weight=conv.weight.flip(-2, -1)),
            ),
            Hint(
                "height and width are exchanged in the kernel",
                lambda conv, inputs: _transpose(conv, inputs[0], weight=conv.weight.transpose(-2, -1)),
            ),
            Hint(
                "padding is added, as in a convolution: here it takes away from the output's edges",
                lambda conv, inputs: F.pad(
                    _transpose(conv, inputs[0], padding=0), _around(conv.padding)
                ),
            ),
            Hint(
                "the rows that output_padding adds are left empty: torch has what the kernels lay there",
                _leave_output_padding_empty,
            ),
            *(
                Hint(
                    f"height and width are exchanged in the {name.replace('_', ' ')}",
                    partial(_exchange, name),
                )
                for name in ("stride", "padding", "output_padding", "dilation")
            ),
        ),
        aliases={"weight": ("kernel", "kernels", "filters", "w", "W"), "bias": ("b", "biases")},
        checks=WITH_WEIGHTS,
    )  # fmt: skip


@st.composite
def _draw_case(draw: st.DrawFn, names: Collection[str], is_square: bool = False) -> Case:
    groups = draw(st.integers(1, 3)) if "groups" in names else 1
    stride = draw(st.integers(1, 3)) if "stride" in names else 1
    dilation = draw(st.integers(1, 2)) if "dilation" in names else 1
    kernel, in_channels = draw(st.integers(1, 3)), groups * draw(st.integers(1, 3))
    arguments: dict[str, Any] = {
        "in_channels": in_channels,
        "out_channels": in_channels if is_square else groups * draw(st.integers(1, 3)),
        "kernel_size": kernel,
    }
    least = dilation * (kernel - 1) + 1  # of the output of one input value, which padding may not eat up
    choices = {
        "stride": st.just(stride),
        "padding": st.integers(0, (least - 1) // 2),
        "output_padding": st.integers(0, max(stride, dilation) - 1),
        "groups": st.just(groups),
        "bias": st.booleans(),
        "dilation": st.just(dilation),
    }
    arguments |= {name: draw(choice) for name, choice in choices.items() if name in names}
    height, width = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    return Case(arguments, (make_input(draw(st.integers(1, 3)), in_channels, height, width),))


@st.composite
def _draw_pair_case(draw: st.DrawFn, name: str) -> Case:
    """Draw a case in which one argument is a pair of (for rows, for columns)."""
    arguments: dict[str, Any] = {
        "in_channels": draw(st.integers(1, 2)),
        "out_channels": draw(st.integers(1, 2)),
        "kernel_size": 3,
    }
    smallest, largest = {"padding": (0, 1), "output_padding": (0, 2)}.get(name, (1, 3))
    arguments[name] = draw(st.tuples(st.integers(smallest, largest), st.integers(smallest, largest)))
    if name == "output_padding":
        arguments |= {"stride": 3, "padding": 1}  # so that a kernel reaches into the rows that are added
    shape = (draw(st.integers(2, 4)), draw(st.integers(2, 4)))
    return Case(arguments, (make_input(1, arguments["in_channels"], *shape),))


def _transpose(conv: Any, maps: Tensor, **other: Any) -> Tensor:
    """Return torch's output with other values for some of what the layer has."""
    names = ("weight", "bias", "stride", "padding", "output_padding", "groups", "dilation")
    values = {name: getattr(conv, name) for name in names} | other
    output: Tensor = F.conv_transpose2d(maps, **values)
    return output


def _exchange(name: str, conv: Any, inputs: tuple[Tensor, ...]) -> Tensor:
    """Return the output where an argument for rows is used for columns, and the other way round."""
    return _transpose(conv, inputs[0], **{name: getattr(conv, name)[::-1]})


def _around(padding: tuple[int, int]) -> list[int]:
    return [padding[1], padding[1], padding[0], padding[0]]


def _leave_output_padding_empty(conv: Any, inputs: tuple[Tensor, ...]) -> Tensor:
    without = _transpose(conv, inputs[0], output_padding=0)
    rows, columns = conv.output_padding
    bias = 0 if conv.bias is None else conv.bias.view(1, -1, 1, 1)
    padded: Tensor = F.pad(without - bias, [0, columns, 0, rows]) + bias
    return padded
