from collections.abc import Collection
from typing import Any

from hypothesis import strategies as st
from torch import Tensor, nn

from loupe.conformance.cases import Case, Family, Hint, LayerKind, make_input
from loupe.conformance.checks import WITH_WEIGHTS
from loupe.conformance.kinds import register_layer_kind


@register_layer_kind("linear")
def linear() -> LayerKind:
    """Weighted sums of (batch, features), as torch.nn.Linear."""
    return LayerKind(
        reference=nn.Linear,
        required=("in_features", "out_features"),
        optional=("bias",),
        probe=Case({"in_features": 3, "out_features": 5}, (make_input(4, 3),)),
        cases=_draw_case,
        families=(
            Family("as many outputs as inputs", _draw_square_case()),
            Family("as many images as outputs", _draw_case((), is_batch_like_outputs=True)),
        ),
        hints=(
            Hint(
                "the weight is used the other way round: torch's is (outputs, inputs), and x @ weight.T",
                lambda linear, inputs: inputs[0] @ linear.weight + linear.bias,
            ),
            Hint("the bias is left out", lambda linear, inputs: inputs[0] @ linear.weight.T),
            Hint(
                "the bias is added along the batch: it is one number an output",
                lambda linear, inputs: inputs[0] @ linear.weight.T + linear.bias[:, None],
            ),
        ),
        aliases={"weight": ("w", "W", "weights"), "bias": ("b", "biases")},
        checks=WITH_WEIGHTS,
    )


@st.composite
def _draw_case(draw: st.DrawFn, names: Collection[str], is_batch_like_outputs: bool = False) -> Case:
    arguments: dict[str, Any] = {
        "in_features": draw(st.integers(1, 5)),
        "out_features": draw(st.integers(1, 5)),
    }
    if "bias" in names:
        arguments["bias"] = draw(st.booleans())
    batch = arguments["out_features"] if is_batch_like_outputs else draw(st.integers(1, 3))
    return Case(arguments, (make_input(batch, arguments["in_features"]),))


@st.composite
def _draw_square_case(draw: st.DrawFn) -> Case:
    """Draw square weights: a transposed one raises nothing there."""
    features = draw(st.integers(2, 4))
    images: Tensor = make_input(draw(st.integers(1, 2)), features)
    return Case({"in_features": features, "out_features": features}, (images,))
