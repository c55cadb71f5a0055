import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from loupe.errors import ShapeError
from loupe.models.layers.handwritten.windows import Pair, as_pair, copy_windows


class Conv2d(nn.Module):
    """Convolution of maps with learned kernels: each output pixel is a dot product of a window and a kernel.

        output[b, f, i, j] = bias[f] + Σ over c, u, v of
            weight[f, c, u, v] · padded[b, c, i · stride + u · dilation, j · stride + v · dilation]

    As a matrix product: every window is written out as a row of kernel height · kernel width · in_channels
    numbers, and all rows are multiplied with the kernels, flattened, at once. That takes as many times the
    memory of the input as the kernel has pixels, at stride 1. With groups, each group of output channels
    sees its own group of input channels only. The output lies in memory with its channels last.

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
        if min(self.padding) < 0:
            raise ShapeError("A padding below 0 would cut pixels off.", got=f"{padding}", allowed="≥ 0")
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
        self._refuse_other_images(input)
        down, across = self.padding
        maps = input.movedim(-3, -1)  # channels last
        if any(self.padding):
            maps = F.pad(maps, (0, 0, across, across, down, down))
        windows = copy_windows(maps, self.kernel_size, self.stride, self.dilation)
        windows = windows.unflatten(-1, (self.groups, -1))
        kernels = self.weight.unflatten(0, (self.groups, -1))
        # g: group, o: kernel of the group, i and j: row and column of the kernel, k: channel of the group.
        # einsum sums in alphabetical order: letters in that of the memory keep it from copying the windows
        output = torch.einsum("...ijgk,gokij->...go", windows, kernels).flatten(-2)
        if self.bias is not None:
            output = output + self.bias.to(output.dtype)  # which is lower where autocast has it so
        return output.movedim(-1, -3)

    def _refuse_other_images(self, input: Tensor) -> None:
        if input.ndim not in (3, 4) or input.shape[-3] != self.in_channels:
            raise ShapeError(
                "The input does not have the channels this convolution was built for.",
                got=f"an input of {tuple(input.shape)}",
                allowed=f"(batch, {self.in_channels}, height, width), or one image without the batch",
            )
        for axis, side in enumerate(input.shape[-2:]):
            span = self.dilation[axis] * (self.kernel_size[axis] - 1) + 1
            padded = side + 2 * self.padding[axis]
            if padded < span:
                raise ShapeError(
                    "The kernel is larger than the maps.",
                    got=f"a side of {padded} pixels with its padding",
                    allowed=f"at least {span} pixels",
                )

    def extra_repr(self) -> str:
        return (
            f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}, "
            f"padding={self.padding}, dilation={self.dilation}, groups={self.groups}, "
            f"bias={self.bias is not None}"
        )
