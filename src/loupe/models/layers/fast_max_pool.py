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
    """The larger of two rows, then of two columns; the backward pass needs only where each came from."""

    @staticmethod
    def forward(ctx: Any, images: Tensor) -> Tensor:
        rows = _pool_rows(images)
        is_lower = images[..., 1::2, :] > images[..., 0::2, :]
        is_right = rows[..., 1::2] > rows[..., 0::2]
        is_lower = torch.where(is_right, is_lower[..., 1::2], is_lower[..., 0::2])
        width = images.shape[3]
        upper_left = _find_upper_left(rows.shape[2], width)
        ctx.save_for_backward(torch.add(upper_left, is_lower, alpha=width).add_(is_right))
        ctx.shape = images.shape
        return _pool_columns(rows)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        (indices,) = ctx.saved_tensors
        of_images = gradient.new_zeros(ctx.shape)
        of_images.flatten(2).scatter_(2, indices.flatten(2), gradient.flatten(2))
        return of_images


def _find_upper_left(height: int, width: int) -> Tensor:
    """Return where in a map of 2 x height rows each window begins, (height, width / 2) int64."""
    rows = torch.arange(0, 2 * height * width, 2 * width)
    return rows[:, None] + torch.arange(0, width, 2)


def share_out(gradient: Tensor, second_minus_first: Tensor, first: Tensor, second: Tensor) -> None:
    """Write each gradient to the larger of two values and zero to the other; of equals, to the first.

    ReLU's own gradient does the choosing, in one pass and without a mask of truth values.
    """
    torch.ops.aten.threshold_backward.grad_input(gradient, second_minus_first, 0.0, grad_input=second)
    torch.sub(gradient, second, out=first)
