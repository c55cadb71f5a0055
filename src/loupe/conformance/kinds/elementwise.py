"""Layers that look at each value by itself."""

from collections.abc import Collection
from typing import Any

from hypothesis import strategies as st
from torch import nn

from loupe.conformance.cases import Case, Hint, LayerKind, make_input
from loupe.conformance.checks import EVERY_LAYER, RANDOM
from loupe.conformance.kinds import register_layer_kind


@register_layer_kind("relu")
def relu() -> LayerKind:
    """What is positive, else 0, as torch.nn.ReLU."""
    # exact zeros are not tried: any gradient from 0 to 1 is right there
    return LayerKind(
        reference=nn.ReLU,
        probe=Case({}, (make_input(3, 4),)),
        cases=lambda names: _draw_values(names),
        checks=EVERY_LAYER,
    )


@register_layer_kind("dropout")
def dropout() -> LayerKind:
    """Inverted dropout, as torch.nn.Dropout."""
    return LayerKind(
        reference=nn.Dropout,
        optional=("p",),
        probe=Case({}, (make_input(3, 4),)),
        cases=_draw_values,
        modes=(False,),
        hints=(
            Hint(
                "in evaluation it still scales: torch's returns its input, training has scaled already",
                lambda dropout, inputs: inputs[0] * (1 - dropout.p),
            ),
        ),
        checks=RANDOM,
    )


@st.composite
def _draw_values(draw: st.DrawFn, names: Collection[str]) -> Case:
    arguments: dict[str, Any] = {"p": draw(st.sampled_from([0.5, 0.25, 0.75]))} if "p" in names else {}
    num_axes = draw(st.integers(1, 4))
    return Case(arguments, (make_input(*(draw(st.integers(1, 4)) for _ in range(num_axes))),))
