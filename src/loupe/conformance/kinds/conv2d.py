from collections.abc import Collection
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from hypothesis import strategies as st
from torch import Tensor, nn

from loupe.conformance.cases import Case, Family, Hint, LayerKind, make_input
from loupe.conformance.checks import WITH_WEIGHTS
from loupe.conformance.kinds import register_layer_kind


@register_layer_kind("conv2d")
def conv2d() -> LayerKind:
    """Convolution of (batch, channels, height, width), as torch.nn.Conv2d."""
    return LayerKind(
        reference=nn.Conv2d,
        required=("in_channels", "out_channels", "kernel_size"),
        optional=("stride", "padding", "dilation", "groups", "bias"),
        probe=Case({"in_channels": 2, "out_channels": 5, "kernel_size": 3}, (make_input(2, 2, 6, 7),)),
        cases=_draw_case,
        families=(
            Family("as many positions as filters", _draw_square_case()),
            Family("sides of a kernel that differ", _draw_pair_case(), may_refuse=True),
            *(
                Family(f"{name} of rows and of columns that differ", _draw_pair_case(name), (name,), True)
                for name in ("stride", "padding", "dilation")
            ),
        ),
        hints=(
            Hint(
                "the bias is added along the positions: it is one number a filter, (1, filters, 1, 1)",
                _misplace_bias,
            ),
            Hint("the bias is left out", lambda conv, inputs: _convolve(conv, inputs[0], conv.weight)),
            Hint(
                "the kernel is flipped: torch's convolution multiplies without turning the kernel around",
                lambda conv, inputs: (
                    _convolve(conv, inputs[0], conv.weight.flip(-2, -1)) + _column(conv.bias)
                ),
            ),
            Hint(
                "height and width are exchanged in the kernel",
                lambda conv, inputs: (
                    _convolve(conv, inputs[0], conv.weight.transpose(-2, -1)) + _column(conv.bias)
                ),
            ),
            *(
                Hint(f"height and width are exchanged in the {name}", partial(_exchange, name))
                for name in ("stride", "padding", "dilation")
            ),
        ),
        aliases={"weight": ("kernel", "kernels", "filters", "w", "W"), "bias": ("b", "biases")},
        checks=WITH_WEIGHTS,
    )


@st.composite
def _draw_case(draw: st.DrawFn, names: Collection[str]) -> Case:
    groups = draw(st.integers(1, 3)) if "groups" in names else 1
    kernel = draw(st.integers(1, 3))
    arguments: dict[str, Any] = {
        "in_channels": groups * draw(st.integers(1, 3)),
        "out_channels": groups * draw(st.integers(1, 3)),
        "kernel_size": kernel,
    }
    choices = {
        "stride": st.integers(1, 3),
        "padding": st.integers(0, 2),
        "dilation": st.integers(1, 3),
        "groups": st.just(groups),
        "bias": st.booleans(),
    }
    arguments |= {name: draw(choice) for name, choice in choices.items() if name in names}
    span = arguments.get("dilation", 1) * (kernel - 1) + 1
    least = max(1, span - 2 * arguments.get("padding", 0))
    height, width = (draw(st.integers(least, least + 4)) for _ in range(2))
    batch = draw(st.integers(1, 3))
    return Case(arguments, (make_input(batch, arguments["in_channels"], height, width),))


@st.composite
def _draw_square_case(draw: st.DrawFn) -> Case:
    """Draw maps with as many output positions as filters: there a bias on the wrong axis raises nothing."""
    height, width = draw(st.integers(1, 3)), draw(st.integers(2, 3))
    kernel = draw(st.integers(1, 3))
    arguments: dict[str, Any] = {
        "in_channels": draw(st.integers(1, 2)),
        "out_channels": height * width,
        "kernel_size": kernel,
    }
    shape = (draw(st.integers(1, 2)), arguments["in_channels"], height + kernel - 1, width + kernel - 1)
    return Case(arguments, (make_input(*shape),))


@st.composite
def _draw_pair_case(draw: st.DrawFn, name: str = "kernel_size") -> Case:
    """Draw a case in which one argument is a pair of (for rows, for columns)."""
    smallest = 0 if name == "padding" else 1
    pair = draw(st.tuples(st.integers(smallest, 3), st.integers(smallest, 3)))
    arguments: dict[str, Any] = {
        "in_channels": draw(st.integers(1, 2)),
        "out_channels": draw(st.integers(1, 2)),
        "kernel_size": draw(st.integers(1, 3)),
        name: pair,
    }
    kernel = arguments["kernel_size"]
    sides = kernel if isinstance(kernel, tuple) else (kernel, kernel)
    spread = pair if name == "dilation" else (1, 1)
    spans = [one * (side - 1) + 1 for one, side in zip(spread, sides, strict=True)]
    height, width = (draw(st.integers(span, span + 3)) for span in spans)
    return Case(arguments, (make_input(1, arguments["in_channels"], height, width),))


def _convolve(conv: Any, images: Tensor, weight: Tensor) -> Tensor:
    return F.conv2d(images, weight, None, conv.stride, conv.padding, conv.dilation, conv.groups)


def _exchange(name: str, conv: Any, inputs: tuple[Tensor, ...]) -> Tensor:
    """Return the output where an argument for rows is used for columns, and the other way round."""
    values = {one: getattr(conv, one) for one in ("stride", "padding", "dilation")}
    values[name] = values[name][::-1]
    output: Tensor = F.conv2d(inputs[0], conv.weight, conv.bias, groups=conv.groups, **values)
    return output


def _column(bias: Tensor | None) -> Tensor:
    return torch.zeros(1, 1, 1, 1) if bias is None else bias.view(1, -1, 1, 1)


def _misplace_bias(conv: Any, inputs: tuple[Tensor, ...]) -> Tensor:
    maps = _convolve(conv, inputs[0], conv.weight)
    misplaced: Tensor = maps.flatten(2) + conv.bias
    return misplaced.view_as(maps)
