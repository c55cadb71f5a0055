"""A convolution with few channels, whose gradients are computed the ways that are quick on a CPU."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from loupe.models.layers.hooks import has_hooks

_MOST_IN_CHANNELS, _MOST_OUT_CHANNELS = 12, 32  # beyond, torch's own gradients are as quick
_convolution_backward = torch.ops.aten.convolution_backward


def is_narrow(layer: nn.Module, images: Tensor) -> bool:
    """Return whether `convolve` gives what the layer would give on these images, and sooner."""
    return (
        type(layer) is nn.Conv2d
        and layer.in_channels <= _MOST_IN_CHANNELS
        and layer.out_channels <= _MOST_OUT_CHANNELS
        and images.device.type == "cpu"
        and images.dtype == layer.weight.dtype == torch.float32
        and not torch.is_autocast_enabled("cpu")
        and images.ndim == 4
        and images.is_contiguous()
        and layer.weight.is_contiguous()
        and layer.stride == layer.dilation == (1, 1)
        and layer.groups == 1
        and layer.padding_mode == "zeros"
        and isinstance(layer.padding, tuple)
        and all(padding < side for padding, side in zip(layer.padding, layer.kernel_size, strict=True))
        and torch.is_grad_enabled()
        and layer.weight.requires_grad
        and not has_hooks(layer)
        and not torch.compiler.is_compiling()
    )


def convolve(images: Tensor, weight: Tensor, bias: Tensor | None, padding: tuple[int, ...]) -> Tensor:
    """Return the convolution of stride 1, as `F.conv2d`; its gradients equal torch's up to rounding."""
    maps: Tensor = _NarrowConv.apply(images, weight, bias, padding)  # type: ignore[no-untyped-call]  # torch's stub
    return maps


class _NarrowConv(torch.autograd.Function):
    """From 6 to 12 channels on 12 x 12 maps, torch's own backward pass takes five times the forward pass.

    The gradient of the images is itself a convolution, with mirrored kernels; that of the weights is quicker
    with channels last.
    """

    @staticmethod
    def forward(
        ctx: Any, images: Tensor, weight: Tensor, bias: Tensor | None, padding: tuple[int, ...]
    ) -> Tensor:
        ctx.save_for_backward(images, weight)
        ctx.padding = padding
        return F.conv2d(images, weight, bias, padding=padding)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        images, weight = ctx.saved_tensors
        wants_images, wants_weight, wants_bias, _ = ctx.needs_input_grad
        of_images = of_weight = None
        if wants_images:
            left_over = [
                side - 1 - padding for side, padding in zip(weight.shape[2:], ctx.padding, strict=True)
            ]
            of_images = F.conv2d(gradient, weight.flip(2, 3).transpose(0, 1), padding=left_over)
        if wants_weight:
            last = [one.contiguous(memory_format=torch.channels_last) for one in (gradient, images)]
            _, of_weight, _ = _convolution_backward(
                *last, weight, None, [1, 1], ctx.padding, [1, 1], False, [0, 0], 1, [False, True, False]
            )
            of_weight = of_weight.contiguous()
        return of_images, of_weight, gradient.sum((0, 2, 3)) if wants_bias else None, None
