import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from loupe.errors import ShapeError
from loupe.models.layers.handwritten.windows import Pair, as_pair


class Conv2d(nn.Module):
    """Convolution of maps with learned kernels: each output pixel is a dot product of a window and a kernel.

        output[b, f, i, j] = bias[f] + Σ over c, u, v of
            weight[f, c, u, v] · padded[b, c, i · stride + u · dilation, j · stride + v · dilation]

    As a matrix product: `unfold` writes every window as a column of length in_channels · kernel height ·
    kernel width, and the kernels, flattened, are multiplied with all columns at once. That takes as many
    times the memory of the input as the kernel has pixels, at stride 1. With groups, each group of
    output channels sees its own group of input channels only.

    Input shape: (batch, in_channels, height, width).
    Output shape: (batch, out_channels, out height, out width), where
    out height = ⌊(height + 2 · padding - dilation · (kernel height - 1) - 1) / stride⌋ + 1.

    Weights and biases start uniform in ±1 / √n, n being the inputs of one output pixel: He et al.'s
    Kaiming-uniform with a = √5, as `torch.nn.Conv2d` has it.

    Args:
        in_channels: channels of the input, a multiple of `groups`.
        out_channels: number of kernels, a multiple of `groups`.
        kernel_size: side of the kernel in pixels, or (height, width).
        stride: pixels from one window to the next.
        padding: pixels of zeros around the input.
        dilation: pixels from one kernel element to the next; 1 leaves no gaps.
        groups: number of groups the channels are split into.
        bias: whether a learned number is added to each output channel.

    Raises:
        ShapeError: channels that do not divide into the groups, or maps smaller than the kernel.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | Pair,
        stride: int | Pair = 1,
        padding: int | Pair = 0,
        dilation: int | Pair = 1,
        groups: int = 1,
        bias: bool = True,
    ) -> None:
        super().__init__()
        if in_channels % groups or out_channels % groups:
            raise ShapeError(
                "The channels do not divide into the groups.",
                got=f"in_channels={in_channels}, out_channels={out_channels}, groups={groups}",
                allowed="multiples of groups",
            )
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.kernel_size, self.stride = as_pair(kernel_size), as_pair(stride)
        self.padding, self.dilation = as_pair(padding), as_pair(dilation)
        self.weight = nn.Parameter(torch.empty(out_channels, in_channels // groups, *self.kernel_size))
        self.bias = nn.Parameter(torch.empty(out_channels)) if bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw weights and biases anew from torch's global generator."""
        bound = 1 / math.sqrt(self.weight[0].numel())
        nn.init.uniform_(self.weight, -bound, bound)
        if self.bias is not None:
            nn.init.uniform_(self.bias, -bound, bound)

    def forward(self, input: Tensor) -> Tensor:
        out_size = [self._output_side(side, axis) for axis, side in enumerate(input.shape[-2:])]
        columns = F.unfold(input, self.kernel_size, self.dilation, self.padding, self.stride)
        columns = columns.unflatten(-2, (self.groups, -1))  # (batch, groups, length of a column, positions)
        kernels = self.weight.flatten(1).unflatten(
            0, (self.groups, -1)
        )  # (groups, kernels of a group, length)
        # g: group, k: kernel of the group, l: index in the column, p: position of the window
        output = torch.einsum("gkl,...glp->...gkp", kernels, columns).flatten(-3, -2)
        if self.bias is not None:
            output = output + self.bias[:, None]  # one number a kernel, the same at every position
        maps: Tensor = output.unflatten(-1, out_size)
        return maps

    def _output_side(self, side: int, axis: int) -> int:
        span = self.dilation[axis] * (self.kernel_size[axis] - 1) + 1
        padded = side + 2 * self.padding[axis]
        if padded < span:
            raise ShapeError(
                "The kernel is larger than the maps.",
                got=f"a side of {padded} pixels with its padding",
                allowed=f"at least {span} pixels",
            )
        return (padded - span) // self.stride[axis] + 1

    def extra_repr(self) -> str:
        return (
            f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}, "
            f"padding={self.padding}, dilation={self.dilation}, groups={self.groups}, "
            f"bias={self.bias is not None}"
        )
