"""The three kinds of pooling: two with windows, and the mean of a whole map."""

from collections.abc import Collection
from typing import Any

import torch.nn.functional as F
from hypothesis import strategies as st
from torch import Tensor, nn

from loupe.conformance.cases import Case, Family, Hint, LayerKind, make_input
from loupe.conformance.checks import EVERY_LAYER
from loupe.conformance.kinds import register_layer_kind


@register_layer_kind("max-pool2d")
def max_pool2d() -> LayerKind:
    """The largest value of each window, as torch.nn.MaxPool2d."""
    return LayerKind(
        reference=nn.MaxPool2d,
        required=("kernel_size",),
        optional=("stride", "padding"),
        probe=_PROBE,
        cases=_draw_case,
        families=_FAMILIES,
        hints=(
            Hint("the padding is 0, which beats every negative value: it should be -inf", _pad_with_zeros),
            _STRIDE_OF_ONE,
        ),
        checks=EVERY_LAYER,
    )


@register_layer_kind("avg-pool2d")
def avg_pool2d() -> LayerKind:
    """The mean of each window, as torch.nn.AvgPool2d."""
    return LayerKind(
        reference=nn.AvgPool2d,
        required=("kernel_size",),
        optional=("stride", "padding", "count_include_pad"),
        probe=_PROBE,
        cases=_draw_case,
        families=_FAMILIES,
        hints=(
            Hint(
                "the padding is not counted at the border: torch divides by the size of the whole window",
                lambda pool, inputs: F.avg_pool2d(
                    inputs[0], pool.kernel_size, pool.stride, pool.padding, count_include_pad=False
                ),
            ),
            _STRIDE_OF_ONE,
        ),
        checks=EVERY_LAYER,
    )


@register_layer_kind("global-avg-pool")
def global_avg_pool() -> LayerKind:
    """The mean of each map, (batch, channels, 1, 1), as torch.nn.AdaptiveAvgPool2d(1)."""
    return LayerKind(
        reference=lambda: nn.AdaptiveAvgPool2d(1),
        probe=Case({}, (make_input(2, 3, 4, 5),)),
        cases=lambda names: _draw_maps(),
        checks=EVERY_LAYER,
    )


_PROBE = Case({"kernel_size": 2}, (make_input(2, 3, 4, 6, shift=-1),))


@st.composite
def _draw_case(draw: st.DrawFn, names: Collection[str]) -> Case:
    kernel = draw(st.integers(1, 3))
    arguments: dict[str, Any] = {"kernel_size": kernel}
    choices = {
        "stride": st.integers(1, 3),
        "padding": st.integers(0, kernel // 2),
        "count_include_pad": st.booleans(),
    }
    arguments |= {name: draw(choice) for name, choice in choices.items() if name in names}
    if "count_include_pad" in names:  # which is of no consequence without padding
        arguments["padding"] = draw(choices["padding"])
    least = max(1, kernel - 2 * arguments.get("padding", 0))
    height, width = (draw(st.integers(least, least + 4)) for _ in range(2))
    # mostly negative values: a padding of 0 shows at once
    return Case(
        arguments, (make_input(draw(st.integers(1, 2)), draw(st.integers(1, 3)), height, width, shift=-1),)
    )


@st.composite
def _draw_pair_case(draw: st.DrawFn, name: str = "kernel_size") -> Case:
    """Draw a case in which one argument is a pair of (for rows, for columns)."""
    if name == "kernel_size":
        kernel = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
        arguments: dict[str, Any] = {"kernel_size": kernel}
    else:
        kernel = (3, 3)
        low, high = (0, 1) if name == "padding" else (1, 3)  # torch pads by half a window at most
        arguments = {"kernel_size": 3, name: draw(st.tuples(st.integers(low, high), st.integers(low, high)))}
    height, width = (draw(st.integers(side, side + 4)) for side in kernel)
    return Case(arguments, (make_input(1, draw(st.integers(1, 2)), height, width, shift=-1),))


@st.composite
def _draw_maps(draw: st.DrawFn) -> Case:
    return Case({}, (make_input(*(draw(st.integers(1, 4)) for _ in range(4))),))


def _pad_with_zeros(pool: Any, inputs: tuple[Tensor, ...]) -> Tensor:
    padded = F.pad(inputs[0], (pool.padding,) * 4)
    return F.max_pool2d(padded, pool.kernel_size, pool.stride)


def _step_by_one(pool: Any, inputs: tuple[Tensor, ...]) -> Tensor:
    pool.stride = 1
    output: Tensor = pool(inputs[0])
    return output


_FAMILIES = (
    Family("sides of a window that differ", _draw_pair_case(), may_refuse=True),
    *(
        Family(f"{name} of rows and of columns that differ", _draw_pair_case(name), (name,), True)
        for name in ("stride", "padding")
    ),
)
_STRIDE_OF_ONE = Hint(
    "without `stride` the windows lie side by side: stride = kernel_size, not 1", _step_by_one
)
