import math
from collections.abc import Collection
from typing import Any

import torch
import torch.nn.functional as F
from hypothesis import strategies as st
from torch import Tensor, nn

from loupe.conformance.cases import Case, Family, Hint, LayerKind, make_input
from loupe.conformance.checks import WITH_WEIGHTS
from loupe.conformance.kinds import register_layer_kind


class _SelfAttention(nn.MultiheadAttention):
    """torch's attention of tokens to one another: queries, keys and values are all made of the input."""

    def __init__(self, embed_dim: int, num_heads: int, bias: bool = True) -> None:
        super().__init__(embed_dim, num_heads, bias=bias, batch_first=True)

    def forward(self, tokens: Tensor) -> Tensor:  # type: ignore[override]  # one input, not three
        output: Tensor = super().forward(tokens, tokens, tokens, need_weights=False)[0]
        return output


@register_layer_kind("attention")
def attention() -> LayerKind:
    """Self-attention of (batch, tokens, features), as torch.nn.MultiheadAttention with batch_first."""
    return LayerKind(
        reference=_SelfAttention,
        required=("embed_dim", "num_heads"),
        optional=("bias",),
        probe=Case({"embed_dim": 6, "num_heads": 2}, (make_input(3, 4, 6),)),
        cases=_draw_case,
        families=(
            Family("one head", _draw_case((), num_heads=1)),
            Family("as many tokens as images", _draw_case((), is_square=True)),
        ),
        modes=(True, False),
        hints=(
            Hint(
                "scores are not divided by the root of the size of a head",
                lambda layer, inputs: _attend(layer, inputs[0], scale=1.0),
            ),
            Hint(
                "scores are divided by the root of all features: with heads it is the size of one head",
                lambda layer, inputs: _attend(layer, inputs[0], scale=1 / math.sqrt(layer.embed_dim)),
            ),
            Hint(
                "scores are divided by the size of a head: it is by its root",
                lambda layer, inputs: _attend(layer, inputs[0], scale=1 / layer.head_dim),
            ),
            Hint(
                "the softmax goes over the queries: each query's weights of the keys add up to 1",
                lambda layer, inputs: _attend(layer, inputs[0], axis=-2),
            ),
            Hint(
                "keys and queries are exchanged",
                lambda layer, inputs: _attend(layer, inputs[0], order=(1, 0, 2)),
            ),
            Hint(
                "the heads are taken apart wrongly: features of one head follow one another",
                lambda layer, inputs: _attend(layer, inputs[0], is_interleaved=True),
            ),
            Hint(
                "the last projection is left out",
                lambda layer, inputs: _attend(layer, inputs[0], is_projected=False),
            ),
            Hint(
                "tokens attend to those of other images: batch and tokens are exchanged",
                lambda layer, inputs: _attend(layer, inputs[0].transpose(0, 1)).transpose(0, 1),
            ),
        ),
        aliases={
            "in_proj_weight": ("qkv.weight", "to_qkv.weight", "in_proj.weight", "c_attn.weight"),
            "in_proj_bias": ("qkv.bias", "to_qkv.bias", "in_proj.bias", "c_attn.bias"),
            "out_proj.weight": (
                *("proj.weight", "out.weight", "to_out.weight", "projection.weight", "c_proj.weight"),
            ),
            "out_proj.bias": ("proj.bias", "out.bias", "to_out.bias", "projection.bias", "c_proj.bias"),
        },
        checks=WITH_WEIGHTS,
    )


@st.composite
def _draw_case(
    draw: st.DrawFn, names: Collection[str], num_heads: int | None = None, is_square: bool = False
) -> Case:
    heads = num_heads or draw(st.integers(1, 3))
    arguments: dict[str, Any] = {"embed_dim": heads * draw(st.integers(1, 3)), "num_heads": heads}
    if "bias" in names:
        arguments["bias"] = draw(st.booleans())
    batch = draw(st.integers(1, 3))
    tokens = batch if is_square else draw(st.integers(1, 4))
    return Case(arguments, (make_input(batch, tokens, arguments["embed_dim"]),))


def _attend(
    layer: Any,
    tokens: Tensor,
    *,
    scale: float | None = None,
    axis: int = -1,
    order: tuple[int, int, int] = (0, 1, 2),
    is_interleaved: bool = False,
    is_projected: bool = True,
) -> Tensor:
    """Return what attention gives with something else in one place."""
    made = F.linear(tokens, layer.in_proj_weight, layer.in_proj_bias).chunk(3, dim=-1)
    queries, keys, values = (_split(layer, made[part], is_interleaved) for part in order)
    factor = 1 / math.sqrt(layer.head_dim) if scale is None else scale
    weights = (queries @ keys.transpose(-2, -1) * factor).softmax(axis)
    mixed = weights @ values  # (batch, heads, tokens, size of a head)
    joined = mixed.permute(0, 2, 3, 1) if is_interleaved else mixed.transpose(1, 2)
    joined = joined.reshape(tokens.shape)
    return F.linear(joined, layer.out_proj.weight, layer.out_proj.bias) if is_projected else joined


def _split(layer: Any, values: Tensor, is_interleaved: bool) -> Tensor:
    batch, count, _ = values.shape
    if is_interleaved:
        return values.view(batch, count, layer.head_dim, layer.num_heads).permute(0, 3, 1, 2)
    return torch.transpose(values.view(batch, count, layer.num_heads, layer.head_dim), 1, 2)
