"""Layers written by hand that are right, and the same with one thing wrong."""

import math

import torch
import torch.nn.functional as F
from torch import nn


class ConvTranspose2d(nn.Module):
    """Lays a kernel down at each input value, a stride apart, and cuts the padding off."""

    def __init__(
        self,
        in_channels,
        out_channels,
        kernel_size,
        stride=1,
        padding=0,
        output_padding=0,
        groups=1,
        bias=True,
        dilation=1,
    ):
        super().__init__()
        pair = lambda value: value if isinstance(value, tuple) else (value, value)  # noqa: E731
        self.kernel_size, self.stride, self.padding = pair(kernel_size), pair(stride), pair(padding)
        self.output_padding, self.dilation, self.groups = pair(output_padding), pair(dilation), groups
        self.weight = nn.Parameter(torch.randn(in_channels, out_channels // groups, *self.kernel_size))
        self.bias = nn.Parameter(torch.randn(out_channels)) if bias else None

    def kernels(self):
        return self.weight

    def strides(self):
        return self.stride

    def forward(self, x):
        rows, columns = x.shape[2:]
        weight, stride = self.kernels(), self.strides()
        sizes = [
            (count - 1) * step + spread * (side - 1) + 1 + more
            for count, step, spread, side, more in zip(
                (rows, columns), stride, self.dilation, self.kernel_size, self.output_padding, strict=True
            )
        ]
        parts = zip(x.chunk(self.groups, 1), weight.chunk(self.groups, 0), strict=True)
        maps = torch.cat([self.lay(part, kernel, sizes, stride) for part, kernel in parts], 1)
        top, left = self.padding
        maps = maps[:, :, top : sizes[0] - top, left : sizes[1] - left]
        return maps if self.bias is None else maps + self.bias[:, None, None]

    def lay(self, x, kernel, sizes, stride):
        maps = x.new_zeros(len(x), kernel.shape[1], *sizes)
        for row in range(self.kernel_size[0]):
            for column in range(self.kernel_size[1]):
                values = torch.einsum("bihw,io->bohw", x, kernel[:, :, row, column])
                top, left = row * self.dilation[0], column * self.dilation[1]
                bottom = top + (x.shape[2] - 1) * stride[0] + 1
                right = left + (x.shape[3] - 1) * stride[1] + 1
                maps[:, :, top : bottom : stride[0], left : right : stride[1]] += values
        return maps


class FlippedTranspose(ConvTranspose2d):
    def kernels(self):
        return self.weight.flip(-2, -1)


class OutByInTranspose(ConvTranspose2d):
    def kernels(self):
        return self.weight.transpose(0, 1) if self.groups == 1 else self.weight


class ExchangedTransposeStride(ConvTranspose2d):
    def strides(self):
        return self.stride[::-1]


class EmptyOutputPadding(nn.ConvTranspose2d):
    def forward(self, x):
        maps = F.conv_transpose2d(
            x, self.weight, None, self.stride, self.padding, 0, self.groups, self.dilation
        )
        maps = F.pad(maps, [0, self.output_padding[1], 0, self.output_padding[0]])
        return maps if self.bias is None else maps + self.bias[:, None, None]


class GroupNorm(nn.Module):
    def __init__(self, num_groups, num_channels, eps=1e-5, affine=True):
        super().__init__()
        self.num_groups, self.eps = num_groups, eps
        self.weight = nn.Parameter(torch.ones(num_channels)) if affine else None
        self.bias = nn.Parameter(torch.zeros(num_channels)) if affine else None

    def group(self, x):
        return x.reshape(len(x), self.num_groups, -1)

    def ungroup(self, grouped, x):
        return grouped.reshape(x.shape)

    def root(self, variance):
        return (variance + self.eps).sqrt()

    axes, unbiased = (2,), False

    def forward(self, x):
        grouped = self.group(x)
        mean = grouped.mean(self.axes, keepdim=True)
        variance = grouped.var(self.axes, unbiased=self.unbiased, keepdim=True)
        normal = self.ungroup((grouped - mean) / self.root(variance), x)
        if self.weight is None:
            return normal
        shape = (1, -1, *(1,) * (x.ndim - 2))
        return normal * self.weight.view(shape) + self.bias.view(shape)


class InterleavedGroups(GroupNorm):
    def group(self, x):
        return x.reshape(len(x), -1, self.num_groups, x[0, 0].numel()).transpose(1, 2).flatten(2)

    def ungroup(self, grouped, x):
        return grouped.unflatten(2, (-1, x[0, 0].numel())).transpose(1, 2).reshape(x.shape)


class BatchWideGroups(GroupNorm):
    axes = (0, 2)


class UnbiasedGroups(GroupNorm):
    unbiased = True


class EpsOutsideGroups(GroupNorm):
    def root(self, variance):
        return variance.sqrt() + self.eps


class LayerNorm(nn.Module):
    unbiased = False

    def __init__(self, normalized_shape, eps=1e-5, elementwise_affine=True, bias=True):
        super().__init__()
        self.shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(self.shape)) if elementwise_affine else None
        self.bias = nn.Parameter(torch.zeros(self.shape)) if elementwise_affine and bias else None

    def axes(self):
        return tuple(range(-len(self.shape), 0))

    def forward(self, x):
        mean = x.mean(self.axes(), keepdim=True)
        variance = x.var(self.axes(), unbiased=self.unbiased, keepdim=True)
        normal = (x - mean) / (variance + self.eps).sqrt()
        if self.weight is not None:
            normal = normal * self.weight
        return normal if self.bias is None else normal + self.bias


class LastAxisLayerNorm(LayerNorm):
    def axes(self):
        return (-1,)


class BatchLayerNorm(LayerNorm):
    def axes(self):
        return (0,)


class UnbiasedLayerNorm(LayerNorm):
    unbiased = True


class Attention(nn.Module):
    """Self-attention in torch's names."""

    def __init__(self, embed_dim, num_heads, bias=True):
        super().__init__()
        self.num_heads, self.head_dim = num_heads, embed_dim // num_heads
        self.in_proj_weight = nn.Parameter(torch.randn(3 * embed_dim, embed_dim) / math.sqrt(embed_dim))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * embed_dim)) if bias else None
        self.out_proj = nn.Linear(embed_dim, embed_dim, bias=bias)
        self.scale = 1 / math.sqrt(self.head_dim)

    def split(self, values):
        return values.unflatten(2, (self.num_heads, self.head_dim)).transpose(1, 2)

    def join(self, values):
        return values.transpose(1, 2).flatten(2)

    def weigh(self, queries, keys):
        return (queries @ keys.transpose(-2, -1) * self.scale).softmax(-1)

    def project(self, x):
        made = F.linear(x, self.in_proj_weight, self.in_proj_bias)
        return (self.split(part) for part in made.chunk(3, dim=-1))

    def forward(self, x):
        queries, keys, values = self.project(x)
        return self.out_proj(self.join(self.weigh(queries, keys) @ values))


class UnscaledAttention(Attention):
    def weigh(self, queries, keys):
        return (queries @ keys.transpose(-2, -1)).softmax(-1)


class WrongRootAttention(Attention):
    def weigh(self, queries, keys):
        size = self.head_dim * self.num_heads
        return (queries @ keys.transpose(-2, -1) / math.sqrt(size)).softmax(-1)


class QuerySoftmaxAttention(Attention):
    def weigh(self, queries, keys):
        return (queries @ keys.transpose(-2, -1) * self.scale).softmax(-2)


class ExchangedAttention(Attention):
    def weigh(self, queries, keys):
        return super().weigh(keys, queries)


class InterleavedAttention(Attention):
    def split(self, values):
        return values.unflatten(2, (self.head_dim, self.num_heads)).permute(0, 3, 1, 2)

    def join(self, values):
        return values.permute(0, 2, 3, 1).flatten(2)


class UnprojectedAttention(Attention):
    def forward(self, x):
        queries, keys, values = self.project(x)
        return self.join(self.weigh(queries, keys) @ values)


class BatchSecondAttention(Attention):
    def forward(self, x):
        return super().forward(x.transpose(0, 1)).transpose(0, 1)
