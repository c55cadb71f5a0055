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
