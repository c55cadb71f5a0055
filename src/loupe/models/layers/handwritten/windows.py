from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from loupe.errors import ShapeError

Pair = tuple[int, int]


def as_pair(value: int | Pair) -> Pair:
    """Return (height, width); one number stands for both."""
    return (value, value) if isinstance(value, int) else value


def slide_windows(maps: Tensor, kernel_size: Pair, stride: Pair, padding: Pair, *, fill: float) -> Tensor:
    """Return every window of a pooling layer, as a view of the padded maps: nothing else is copied.

    Args:
        maps: (..., height, width).
        kernel_size: height and width of a window in pixels.
        stride: pixels from one window to the next, down and across.
        padding: pixels added above and below, left and right.
        fill: what stands in the added pixels.

    Returns:
        (..., out height, out width, kernel height, kernel width), where
        out height = ⌊(height + 2 · padding - kernel height) / stride⌋ + 1, and out width likewise.

    Raises:
        ShapeError: the window is larger than the padded maps.
    """
    padded = (
        F.pad(maps, (padding[1], padding[1], padding[0], padding[0]), value=fill) if any(padding) else maps
    )
    if any(side < kernel for side, kernel in zip(padded.shape[-2:], kernel_size, strict=True)):
        raise ShapeError(
            "The pooling window is larger than the maps.",
            got=f"maps of {padded.shape[-2]} x {padded.shape[-1]} pixels with their padding",
            allowed=f"at least {kernel_size[0]} x {kernel_size[1]} pixels",
        )
    return padded.unfold(-2, kernel_size[0], stride[0]).unfold(-2, kernel_size[1], stride[1])


class _CopyWindows(torch.autograd.Function):
    """Every window of channels-last maps, written out; the gradient adds each window back to its place."""

    generate_vmap_rule = True

    @staticmethod
    def forward(maps: Tensor, kernel_size: Pair, stride: Pair, dilation: Pair) -> Tensor:
        spans = [gap * (side - 1) + 1 for gap, side in zip(dilation, kernel_size, strict=True)]
        windows = maps.unfold(-3, spans[0], stride[0]).unfold(-3, spans[1], stride[1])  # a view
        return windows[..., :: dilation[0], :: dilation[1]].movedim(-3, -1).contiguous()

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        maps, *ctx.settings = inputs
        ctx.shape = maps.shape

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Any, ...]:
        (gradient,) = gradients  # (..., out height, out width, kernel height, kernel width, channels)
        (height, width), stride, dilation = ctx.settings
        down, across = (stride[axis] * (gradient.shape[axis - 5] - 1) + 1 for axis in (0, 1))
        total = gradient.new_zeros(ctx.shape)
        for row in range(height):
            for column in range(width):
                top, left = row * dilation[0], column * dilation[1]
                seen = total[..., top : top + down : stride[0], left : left + across : stride[1], :]
                seen += gradient[..., row, column, :]
        return total, None, None, None

    @staticmethod
    def jvp(ctx: Any, *tangents: Any) -> Tensor:
        settings = ctx.settings
        moved: Tensor = _CopyWindows.apply(tangents[0], *settings)  # type: ignore[no-untyped-call]  # torch's stub
        return moved


def copy_windows(maps: Tensor, kernel_size: Pair, stride: Pair, dilation: Pair) -> Tensor:
    """Return every window of a convolution, one after the other in memory, ready for a matrix product.

    What `torch.nn.functional.unfold` does with maps whose channels come first. With the channels last, each
    row of a window is one piece of memory, and is copied whole.

    Args:
        maps: (..., height, width, channels), padded; at least as large as a window.
        kernel_size: height and width of a window in pixels, without the gaps.
        stride: pixels from one window to the next, down and across.
        dilation: pixels from one element of a window to the next; 1 leaves no gaps.

    Returns:
        (..., out height, out width, kernel height, kernel width, channels), contiguous.
    """
    windows: Tensor = _CopyWindows.apply(  # type: ignore[no-untyped-call]  # torch's own stub
        maps, kernel_size, stride, dilation
    )
    return windows


def refuse_wide_padding(kernel_size: Pair, padding: Pair) -> None:
    """Check that every window holds at least one real pixel.

    Raises:
        ShapeError: the padding is more than half of the kernel.
    """
    if any(2 * pad > kernel for pad, kernel in zip(padding, kernel_size, strict=True)):
        raise ShapeError(
            "The padding is too wide for the pooling window.",
            got=f"padding {padding}, kernel_size {kernel_size}",
            allowed="at most half of the kernel, so that no window lies in the padding alone",
        )
