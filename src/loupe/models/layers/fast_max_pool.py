from typing import Any

import torch
from torch import Tensor, nn


class FastMaxPool2d(nn.MaxPool2d):
    """2 x 2 max-pooling, faster than torch's on a CPU (`bench/first_layer.py`).

    torch's CPU kernel looks at one window after the other; here whole rows and columns are compared at
    once. Output and gradient equal torch's, except where two values of a window tie exactly: then the
    upper and then the left one gets the gradient, where torch takes the first in reading order.
    Everywhere else (other devices, channels-last maps, odd sizes, export, compilation) torch's own
    kernel is used.

    Input shape: (batch, channels, height, width). Output shape: (batch, channels, height // 2, width // 2).
    """

    def __init__(self) -> None:
        super().__init__(kernel_size=2)

    def forward(self, input: Tensor) -> Tensor:
        if not _is_fast_for(input):
            torchs_own: Tensor = super().forward(input)
            return torchs_own
        if torch.is_grad_enabled() and input.requires_grad:
            pooled: Tensor = _MaxOfFour.apply(input)  # type: ignore[no-untyped-call]  # torch's own stub
            return pooled
        return _pool_columns(_pool_rows(input))


def _is_fast_for(images: Tensor) -> bool:
    return (
        images.device.type == "cpu"
        and images.ndim == 4
        and images.shape[2] % 2 == 0
        and images.shape[3] % 2 == 0
        and images.is_contiguous()
        and not torch.compiler.is_compiling()
    )


def _pool_rows(images: Tensor) -> Tensor:
    return torch.maximum(images[..., 0::2, :], images[..., 1::2, :])


def _pool_columns(rows: Tensor) -> Tensor:
    return torch.maximum(rows[..., 0::2], rows[..., 1::2])


class _MaxOfFour(torch.autograd.Function):
    """The larger of two rows, then of two columns; the backward pass needs only which was larger."""

    @staticmethod
    def forward(ctx: Any, images: Tensor) -> Tensor:
        upper, lower = images[..., 0::2, :], images[..., 1::2, :]
        rows = torch.maximum(upper, lower)
        left, right = rows[..., 0::2], rows[..., 1::2]
        ctx.save_for_backward(lower - upper, right - left)
        return torch.maximum(left, right)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        lower_minus_upper, right_minus_left = ctx.saved_tensors
        of_rows = torch.empty_like(lower_minus_upper)
        share_out(gradient, right_minus_left, of_rows[..., 0::2], of_rows[..., 1::2])
        batch, channels, height, width = of_rows.shape
        of_images = gradient.new_empty(batch, channels, 2 * height, width)
        share_out(of_rows, lower_minus_upper, of_images[..., 0::2, :], of_images[..., 1::2, :])
        return of_images


def share_out(gradient: Tensor, second_minus_first: Tensor, first: Tensor, second: Tensor) -> None:
    """Write each gradient to the larger of two values and zero to the other; of equals, to the first.

    ReLU's own gradient does the choosing, in one pass and without a mask of truth values.
    """
    torch.ops.aten.threshold_backward.grad_input(gradient, second_minus_first, 0.0, grad_input=second)
    torch.sub(gradient, second, out=first)
