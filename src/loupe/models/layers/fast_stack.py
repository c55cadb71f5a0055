from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from loupe.models.layers.fast_max_pool import FastMaxPool2d, share_out
from loupe.models.layers.hooks import has_hooks
from loupe.models.layers.narrow_conv import convolve, is_narrow

_MOST_IN_CHANNELS, _MOST_OUT_CHANNELS = 3, 32
_convolution_backward = torch.ops.aten.convolution_backward


class FastStack(nn.Sequential):
    """Layers in a row, as `nn.Sequential`, with convolutions that are quick on a CPU.

    A first convolution and its pooling run as one; narrow ones after it take their gradients in ways of their
    own (`narrow_conv.py`).

    The maximum over a 2 x 2 window of a convolution's output is the maximum of four convolutions of
    stride 2 whose kernels are shifted by a pixel. As one convolution with four times the channels they
    fill the processor's vectors, and the pooling becomes a comparison of whole maps. Results equal those
    of the separate layers up to rounding.

    Only for a narrow first layer, from at most 3 to at most 32 channels, and where no gradient of the
    input is wanted: there it pays (`bench/first_layer.py`). Layers that have hooks run
    one by one; inside `torch.func` transformations use `nn.Sequential`.
    """

    def forward(self, input: Tensor) -> Tensor:
        return self.run(input)

    def run(self, values: Tensor, first: int = 0, end: int | None = None) -> Tensor:
        """Return what some of the layers in a row make of what the layers before them give.

        Args:
            values: (batch, …), images for the first layer.
            first: the first of the layers to run.
            end: the layer to stop before; runs to the last if left out.
        """
        layers, index = list(self)[:end], first
        while index < len(layers):
            layer = layers[index]
            following = layers[index + 1] if index + 1 < len(layers) else None
            if runs_as_one(layer, following, values):
                assert isinstance(layer, nn.Conv2d)
                values = run_as_one(layer, values, layer.weight, layer.bias)
                index += 2
            else:
                values = _run(layer, values)
                index += 1
        return values


def _run(layer: nn.Module, values: Tensor) -> Tensor:
    if is_narrow(layer, values):
        assert isinstance(layer, nn.Conv2d)
        return convolve(values, layer.weight, layer.bias, tuple(_padding_of(layer)))
    following: Tensor = layer(values)
    return following


def runs_as_one(layer: nn.Module, following: nn.Module | None, images: Tensor) -> bool:
    """Return whether a convolution and the layer after it are worth running as one on these images."""
    return (
        type(layer) is nn.Conv2d
        and isinstance(following, FastMaxPool2d)
        and layer.in_channels <= _MOST_IN_CHANNELS
        and layer.out_channels <= _MOST_OUT_CHANNELS
        and images.device.type == "cpu"
        and images.dtype == layer.weight.dtype
        and not torch.is_autocast_enabled("cpu")
        and images.ndim == 4
        and not images.requires_grad
        and layer.stride == (1, 1)
        and layer.dilation == (1, 1)
        and layer.groups == 1
        and layer.padding_mode == "zeros"
        and isinstance(layer.padding, tuple)
        and _is_output_even(layer, images)
        and not (has_hooks(layer) or has_hooks(following))
        and not torch.compiler.is_compiling()
    )


def _is_output_even(conv: nn.Conv2d, images: Tensor) -> bool:
    sides = zip(images.shape[2:], _padding_of(conv), conv.kernel_size, strict=True)
    outputs = [side + 2 * padding - kernel + 1 for side, padding, kernel in sides]
    return all(output >= 2 and output % 2 == 0 for output in outputs)


def _padding_of(conv: nn.Conv2d) -> list[int]:
    assert isinstance(conv.padding, tuple)
    return list(conv.padding)


def run_as_one(conv: nn.Conv2d, images: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Return a convolution of images, max-pooled; the layer says how, weight and bias may be another's."""
    arguments = (images, weight, bias, _padding_of(conv))
    if torch.is_grad_enabled() and weight.requires_grad:
        pooled: Tensor = _ConvThenMaxPool.apply(*arguments)  # type: ignore[no-untyped-call]  # torch's own stub
        return pooled
    left, right = _convolve_shifted(*arguments).chunk(2, dim=1)
    return torch.maximum(*torch.maximum(left, right).chunk(2, dim=1))


def _convolve_shifted(images: Tensor, weight: Tensor, bias: Tensor | None, padding: list[int]) -> Tensor:
    """Return the four shifted convolutions of stride 2, (batch, 4 x channels, height / 2, width / 2)."""
    four_biases = None if bias is None else bias.repeat(4)
    return F.conv2d(images, _shift_four_ways(weight), four_biases, stride=2, padding=padding)


def _shift_four_ways(weight: Tensor) -> Tensor:
    """Return the kernels laid at the four corners of kernels one larger: (4 x out, in, k + 1, k + 1).

    In the order upper left, lower left, upper right, lower right.
    """
    channels, in_channels, height, width = weight.shape
    four = weight.new_zeros(4 * channels, in_channels, height + 1, width + 1)
    _see_corners(four).copy_(weight)
    return four


def _see_corners(four: Tensor) -> Tensor:
    """Return where the kernels lie in four times as many larger ones, (2, 2, out, in, k, k): column, row.

    A view, in which one operation reaches all four corners.
    """
    of_channel, of_in_channel, of_row, of_column = four.stride()
    channels, in_channels, height, width = len(four) // 4, four.shape[1], four.shape[2] - 1, four.shape[3] - 1
    of_corner = channels * of_channel
    return four.as_strided(
        (2, 2, channels, in_channels, height, width),
        (2 * of_corner + of_column, of_corner + of_row, of_channel, of_in_channel, of_row, of_column),
    )


class _ConvThenMaxPool(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, images: Tensor, weight: Tensor, bias: Tensor | None, padding: list[int]) -> Tensor:
        # (batch, column, row, channels, height, width): left and right are compared in one operation each
        maps = _convolve_shifted(images, weight, bias, padding).unflatten(1, (2, 2, -1))
        upper, lower = maps.unbind(2)
        left, right = torch.maximum(upper, lower).unbind(1)
        ctx.save_for_backward(images, weight, lower - upper, right - left)
        ctx.padding, ctx.has_bias = padding, bias is not None
        return torch.maximum(left, right)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        images, weight, lower_minus_upper, right_minus_left = ctx.saved_tensors
        batch, channels, height, width = gradient.shape
        columns = gradient.new_empty(batch, 2, channels, height, width)
        share_out(gradient, right_minus_left, *columns.unbind(1))
        maps = gradient.new_empty(batch, 2, 2, channels, height, width)
        share_out(columns, lower_minus_upper, *maps.unbind(2))
        shifted = weight.new_empty(4 * channels, weight.shape[1], weight.shape[2] + 1, weight.shape[3] + 1)
        _, of_four, _ = _convolution_backward(
            maps.flatten(1, 3), images, shifted, None, [2, 2], ctx.padding, [1, 1], False, [0, 0], 1,
            [False, True, False],
        )  # fmt: skip
        upper_left, lower_left, upper_right, lower_right = _see_corners(of_four).flatten(0, 1)
        of_weight = upper_left + lower_left + upper_right + lower_right  # in the order of earlier versions
        of_bias = gradient.sum((0, 2, 3)) if ctx.has_bias else None
        return None, of_weight, of_bias, None
