"""The layers of several networks as one, each network with its own weights.

Three forms of values are handed from layer to layer, told apart by their number of axes:

- by run, (runs, batch, channels, height, width): how images come in;
- maps, (batch, runs x channels, height, width), channels last: what convolutions take;
- vectors, (runs, batch, features).

On a CPU grouped convolutions are quick only with the channels of all networks side by side in memory. For
eight networks' second layer (6 to 12 channels, 12 x 12 maps, batches of 100, one thread) forward and backward
take 2.6 times as long with channels first, and 1.5 times as long one network after the other. For the same
reason `torch.func.stack_module_state` with `vmap`, whose convolutions have channels first, was no way: on the
Fashion-MNIST CNN a step of eight takes twice as long as eight separate steps, where this one takes 0.7 times.
"""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from loupe.models.layers.fast_max_pool import share_out

ELEMENTWISE = (nn.ReLU, nn.Sigmoid, nn.Tanh, nn.Identity)
"""Layers that treat every value alike, whatever network it belongs to."""


def to_maps(values: Tensor) -> Tensor:
    """Return images by run as maps; maps stay as they are."""
    if values.ndim == 4:
        return values
    maps: Tensor = _SideBySide.apply(values)  # type: ignore[no-untyped-call]  # torch's own stub
    return maps


class _SideBySide(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        ctx.shape = values.shape
        num_runs, batch, channels, height, width = values.shape
        side_by_side = values.permute(1, 3, 4, 0, 2).reshape(batch, height, width, num_runs * channels)
        return side_by_side.permute(0, 3, 1, 2)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        # in one copy, channels first: what comes next walks through each network's own maps
        by_run: Tensor = gradient.unflatten(1, (ctx.shape[0], -1)).transpose(0, 1)
        return by_run.contiguous()


def to_runs(values: Tensor, num_runs: int) -> Tensor:
    """Return maps by run; other forms stay as they are."""
    return values.unflatten(1, (num_runs, -1)).transpose(0, 1) if values.ndim == 4 else values


def convolve(layer: nn.Conv2d, values: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Return every network's convolution of its own maps.

    Args:
        layer: of one of the networks: stride, padding, dilation and groups.
        values: maps, or images by run.
        weight: (runs, out, in, height, width).
        bias: (runs, out), or None.
    """
    stacked = weight.flatten(0, 1).contiguous(memory_format=torch.channels_last)
    biases = None if bias is None else bias.flatten()
    groups = len(weight) * layer.groups
    return F.conv2d(to_maps(values), stacked, biases, layer.stride, layer.padding, layer.dilation, groups)


def multiply(values: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Return every network's dense layer, (runs, batch, out).

    Args:
        values: vectors, (runs, batch, in).
        weight: (runs, out, in).
        bias: (runs, out), or None.
    """
    if bias is None:
        return torch.bmm(values, weight.mT)
    return torch.baddbmm(bias[:, None], values, weight.mT)


def pool(layer: nn.MaxPool2d, values: Tensor) -> Tensor:
    """Return the maxima of every map's windows."""
    maps = to_maps(values)
    is_plain = (
        layer.kernel_size in (2, (2, 2)) and layer.stride in (2, (2, 2)) and layer.padding in (0, (0, 0))
    )
    if not is_plain or maps.shape[2] % 2 or maps.shape[3] % 2 or maps.device.type != "cpu":
        pooled: Tensor = layer(maps)
        return pooled
    halved: Tensor = _MaxOfTwo.apply(maps, 2)  # type: ignore[no-untyped-call]  # torch's own stub
    quartered: Tensor = _MaxOfTwo.apply(halved, 3)  # type: ignore[no-untyped-call]  # torch's own stub
    return quartered


class _MaxOfTwo(torch.autograd.Function):
    """The larger of every two neighbours along an axis; of equals the first gets the gradient."""

    @staticmethod
    def forward(ctx: Any, maps: Tensor, axis: int) -> Tensor:
        first, second = maps.unflatten(axis, (-1, 2)).unbind(axis + 1)
        if ctx.needs_input_grad[0]:
            ctx.save_for_backward(second - first)
            ctx.axis = axis
        return torch.maximum(first, second)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        (second_minus_first,) = ctx.saved_tensors
        shape = list(gradient.shape)
        shape[ctx.axis] *= 2
        of_maps = torch.empty(shape, dtype=gradient.dtype, memory_format=torch.channels_last)
        first, second = of_maps.unflatten(ctx.axis, (-1, 2)).unbind(ctx.axis + 1)
        share_out(gradient, second_minus_first, first, second)
        return of_maps, None


def drop(layer: nn.Dropout, values: Tensor, generators: Sequence[torch.Generator]) -> Tensor:
    """Return values with some set to zero: each network draws from its own generator, as it would alone."""
    by_run = to_runs(values, len(generators))
    kept = torch.stack(
        [
            torch.empty(one.shape).bernoulli_(1 - layer.p, generator=g)
            for one, g in zip(by_run, generators, strict=True)
        ]
    )
    dropped = by_run * (kept / (1 - layer.p))
    return to_maps(dropped) if values.ndim == 4 else dropped
