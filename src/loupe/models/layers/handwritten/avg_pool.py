from torch import Tensor, nn

from loupe.models.layers.handwritten.windows import Pair, as_pair, refuse_wide_padding, slide_windows


class AvgPool2d(nn.Module):
    """The mean of each window.

        output[b, c, i, j] = 1 / n · Σ over u, v of padded[b, c, i · stride + u, j · stride + v]

    The padding is 0 and counts: n is the size of the whole window, kernel height · kernel width, at the
    border too.

    Input shape: (batch, channels, height, width).
    Output shape: (batch, channels, out height, out width), where
    out height = ⌊(height + 2 · padding - kernel height) / stride⌋ + 1.

    Args:
        kernel_size: side of a window in pixels, or (height, width).
        stride: pixels from one window to the next; None takes the kernel's size: windows side by side.
        padding: pixels added around the input, at most half of the kernel.

    Raises:
        ShapeError: the padding is too wide, or the maps are smaller than a window.
    """

    def __init__(
        self, kernel_size: int | Pair, stride: int | Pair | None = None, padding: int | Pair = 0
    ) -> None:
        super().__init__()
        self.kernel_size, self.padding = as_pair(kernel_size), as_pair(padding)
        self.stride = self.kernel_size if stride is None else as_pair(stride)
        refuse_wide_padding(self.kernel_size, self.padding)

    def forward(self, input: Tensor) -> Tensor:
        windows = slide_windows(input, self.kernel_size, self.stride, self.padding, fill=0.0)
        return windows.mean(dim=(-2, -1))

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"
