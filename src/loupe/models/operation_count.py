"""Floating-point operations of torch's calls: its own formulas, and what these leave out or have wrong."""

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import torch
from torch.utils.flop_counter import (
    FlopCounterMode,
    bmm_flop,
    conv_flop_count,
    flop_registry,
    mm_flop,
    sdpa_flop_count,
)

Shape = tuple[int, ...]
Formula = Callable[..., int]
_aten = torch.ops.aten


class OperationCounter(FlopCounterMode):
    """Counts what is computed in its `with` block: a multiplication with addition is two operations.

    Convolutions, matrix and bilinear products, distances, attention and recurrent layers are counted, nothing
    else; padding is counted like pixels. A gradient costs what the forward pass costs: a convolution's or a
    product's two gradients, of its input and of its weights, twice as much.
    """

    def __init__(self) -> None:
        super().__init__(display=False, custom_mapping=_OWN_FORMULAS)


def count_operations(function: Any, arguments: tuple[Any, ...], named: dict[str, Any], output: Any) -> int:
    """Return the floating-point operations of one call; 0 of one that is not counted.

    Args:
        function: torch's operation, an overload such as `torch.ops.aten.mm.default`.
        arguments: what it was called with.
        named: what it was called with by name.
        output: what it returned.
    """
    formula = _FORMULAS.get(function._overloadpacket)
    return 0 if formula is None else int(formula(*arguments, **named, out_val=output))


def _convolution_backward(
    of_outputs: Shape, inputs: Shape, weight: Shape, *settings: Any, **rest: Any
) -> int:
    """Each gradient multiplies what the forward pass multiplies; torch's forgets the groups in one."""
    *_, transposed, _, _, output_mask = settings
    forward: int = conv_flop_count(list(inputs), list(weight), list(of_outputs), transposed=transposed)
    num_gradients: int = sum(output_mask[:2])  # that of the bias is a sum
    return forward * num_gradients


def _attention(queries: Shape, keys: Shape, values: Shape, *arguments: Any, **rest: Any) -> int:
    count: int = sdpa_flop_count(queries, keys, values)
    return count


def _attention_backward(
    of_outputs: Shape, queries: Shape, keys: Shape, values: Shape, *arguments: Any, **rest: Any
) -> int:
    return 2 * _attention(queries, keys, values)


def _vector_product(matrix: Shape, vector: Shape, *arguments: Any, **rest: Any) -> int:
    return 2 * prod(matrix)


def _add_product(added: Shape, left: Shape, right: Shape, **rest: Any) -> int:
    count: int = mm_flop(left, right)
    return count


def _add_vector_product(added: Shape, matrix: Shape, vector: Shape, **rest: Any) -> int:
    return 2 * prod(matrix)


def _add_summed_products(added: Shape, left: Shape, right: Shape, **rest: Any) -> int:
    count: int = bmm_flop(left, right)
    return count


def _bilinear_product(left: Shape, weight: Shape, right: Shape, *axes: Any, **rest: Any) -> int:
    """Return what a matrix for each output multiplies; `axes` are those that each factor lacks."""
    sides = [
        _insert_axes(shape, missing) for shape, missing in zip((left, weight, right), axes, strict=False)
    ]
    count: int = 2 * prod(max(lengths) for lengths in zip(*sides, strict=True))
    return count


def _insert_axes(shape: Shape, places: Sequence[int]) -> Shape:
    """Return a shape with axes of length 1 at these places of the result."""
    lengths = iter(shape)
    return tuple(1 if place in places else next(lengths) for place in range(len(shape) + len(places)))


def _distances(rows: Shape, others: Shape, *arguments: Any, out_shape: Shape, **rest: Any) -> int:
    """Return a multiplication with addition for each number of each pair."""
    return 2 * prod(out_shape) * rows[-1]


def _distances_of_pairs(rows: Shape, *arguments: Any, out_shape: Shape, **rest: Any) -> int:
    return 2 * prod(out_shape) * rows[-1]


def _distances_backward(of_outputs: Shape, rows: Shape, others: Shape, *arguments: Any, **rest: Any) -> int:
    return 2 * prod(of_outputs) * rows[-1]


def _recurrent_layer(inputs: Shape, of_inputs: Shape, of_hidden: Shape, *arguments: Any, **rest: Any) -> int:
    """Return what one layer in one direction multiplies; weights are (gates x hidden, features)."""
    num_rows = prod(inputs[:-1])  # steps x batch
    return sum(mm_flop((num_rows, one[1]), (one[1], one[0])) for one in (of_inputs, of_hidden))


def _recurrent_layer_backward(*arguments: Any, **rest: Any) -> int:
    return 2 * _recurrent_layer(*arguments, **rest)


_OWN_FORMULAS: dict[Any, Formula] = {
    _aten.convolution_backward: _convolution_backward,
    _aten._scaled_dot_product_flash_attention_for_cpu: _attention,
    _aten._scaled_dot_product_flash_attention_for_cpu_backward: _attention_backward,
    _aten.mv: _vector_product,
    _aten.dot: _vector_product,
    _aten.addmv: _add_vector_product,
    _aten.addbmm: _add_summed_products,
    _aten._addmm_activation: _add_product,
    _aten._trilinear: _bilinear_product,
    _aten._cdist_forward: _distances,
    _aten._cdist_backward: _distances_backward,
    _aten._euclidean_dist: _distances,
    _aten._pdist_forward: _distances_of_pairs,
    _aten.mkldnn_rnn_layer: _recurrent_layer,
    _aten.mkldnn_rnn_layer_backward: _recurrent_layer_backward,
}
# the counter wraps formulas so that they are handed shapes
_FORMULAS: dict[Any, Formula] = {**flop_registry, **OperationCounter().flop_registry}
