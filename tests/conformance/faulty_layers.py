"""Layers with the faults of the coursework (D-002-1, -2, -3, -8), and other usual ones."""

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn


class BiasOnPositions(nn.Module):
    """D-002-1: the bias is added along the output positions."""

    def __init__(self, in_channels, out_channels, kernel_size, stride=1, padding=0, bias=True):
        super().__init__()
        self.stride, self.padding, self.kernel_size = stride, padding, kernel_size
        self.weight = nn.Parameter(torch.empty(out_channels, in_channels, kernel_size, kernel_size))
        nn.init.xavier_uniform_(self.weight)
        self.bias = nn.Parameter(torch.zeros(out_channels)) if bias else None

    def forward(self, x):
        height = (x.shape[2] - self.kernel_size + 2 * self.padding) // self.stride + 1
        width = (x.shape[3] - self.kernel_size + 2 * self.padding) // self.stride + 1
        columns = F.unfold(x, self.kernel_size, padding=self.padding, stride=self.stride)
        out = self.weight.flatten(1) @ columns
        if self.bias is not None:
            out += self.bias
        return F.fold(out, (height, width), 1)


class SeedInConstructor(nn.Conv2d):
    """D-002-2: the global generator is seeded by every layer."""

    def __init__(self, in_channels, out_channels, kernel_size):
        torch.manual_seed(4)
        super().__init__(in_channels, out_channels, kernel_size)


class NumpySeedInForward(nn.ReLU):
    def forward(self, x):
        np.random.seed(0)
        return super().forward(x)


class _Norm(nn.Module):
    """A right batch norm; its children each get one thing wrong."""

    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight, self.bias = (
            nn.Parameter(torch.ones(num_features)),
            nn.Parameter(torch.zeros(num_features)),
        )
        self.make_statistics(num_features)

    def make_statistics(self, num_features):
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))
        self.register_buffer("num_batches_tracked", torch.tensor(0))

    def is_training(self):
        return self.training

    def normaliser(self, x):
        return (x.var((0, 2, 3), unbiased=False, keepdim=True) + self.eps).sqrt()

    def running_normaliser(self):
        return (self.running_var.view(1, -1, 1, 1) + self.eps).sqrt()

    def track(self, x):
        with torch.no_grad():
            self.running_mean.lerp_(x.mean((0, 2, 3)), self.momentum)
            self.running_var.lerp_(x.var((0, 2, 3)), self.momentum)

    def forward(self, x):
        if self.is_training():
            mean, normaliser = x.mean((0, 2, 3), keepdim=True), self.normaliser(x)
            self.track(x)
        else:
            mean, normaliser = self.running_mean.view(1, -1, 1, 1), self.running_normaliser()
        x = (x - mean) / normaliser
        return x * self.weight.view(1, -1, 1, 1) + self.bias.view(1, -1, 1, 1)


class UnbiasedNorm(_Norm):
    """D-002-3, first part: prints -.5240 where torch gives -.5412."""

    def normaliser(self, x):
        return (x.var((0, 2, 3), keepdim=True) + self.eps).sqrt()


class PlainStatisticsNorm(_Norm):
    """D-002-3: running statistics that are neither saved nor moved."""

    def make_statistics(self, num_features):
        self.running_mean, self.running_var = torch.zeros(num_features), torch.ones(num_features)
        self.num_batches_tracked = torch.tensor(0)


class GradModeNorm(_Norm):
    """D-002-3: the mode is taken from whether gradients are on."""

    def is_training(self):
        return torch.is_grad_enabled()


class StoresSdNorm(_Norm):
    """D-002-3: stores the standard deviation where torch stores the variance."""

    def running_normaliser(self):
        return self.running_var.view(1, -1, 1, 1) + self.eps

    def track(self, x):
        with torch.no_grad():
            self.running_mean.lerp_(x.mean((0, 2, 3)), self.momentum)
            self.running_var.lerp_(x.std((0, 2, 3)), self.momentum)


class OppositeMomentumNorm(_Norm):
    """D-002-3: the opposite convention."""

    def track(self, x):
        with torch.no_grad():
            self.running_mean.lerp_(x.mean((0, 2, 3)), 1 - self.momentum)
            self.running_var.lerp_(x.var((0, 2, 3)), 1 - self.momentum)


class CourseworkNorm(nn.Module):
    """D-002-3, all at once, under names of its own."""

    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.gamma, self.beta = (
            nn.Parameter(torch.ones(num_features)),
            nn.Parameter(torch.zeros(num_features)),
        )
        self.running_mean, self.running_std = torch.zeros(num_features), torch.ones(num_features)

    def forward(self, x):
        if torch.is_grad_enabled():
            mean, std = x.mean((0, 2, 3)), x.std((0, 2, 3))
            self.running_mean = self.momentum * self.running_mean + (1 - self.momentum) * mean.detach()
            self.running_std = self.momentum * self.running_std + (1 - self.momentum) * std.detach()
        else:
            mean, std = self.running_mean, self.running_std
        column = (1, -1, 1, 1)
        x = (x - mean.view(column)) / (std.view(column) + self.eps)
        return x * self.gamma.view(column) + self.beta.view(column)


class BiasedRunningVarianceNorm(_Norm):
    def track(self, x):
        with torch.no_grad():
            self.running_mean.lerp_(x.mean((0, 2, 3)), self.momentum)
            self.running_var.lerp_(x.var((0, 2, 3), unbiased=False), self.momentum)


class EpsOutsideNorm(_Norm):
    def normaliser(self, x):
        return x.std((0, 2, 3), unbiased=False, keepdim=True) + self.eps


class UntidyLinear(nn.Module):
    """D-002-8: a return nobody reaches, a comparison with None, an addition into a view."""

    def __init__(self, in_features, out_features, bias=True):
        super().__init__()
        self.weight = nn.Parameter(torch.rand(out_features, in_features))
        self.bias = nn.Parameter(torch.rand(out_features)) if bias else None

    def forward(self, x):
        out = (x @ self.weight.T).view(len(x), -1)
        if self.bias != None:  # noqa: E711  # the fault
            out += self.bias
        return out
        return out + self.bias


class TransposedUse(nn.Linear):
    def forward(self, x):
        return x @ self.weight + self.bias if self.in_features == self.out_features else super().forward(x)


class InByOutLinear(nn.Module):
    """C7: the weight is stored as inputs x outputs."""

    def __init__(self, in_features, out_features, bias=True):
        super().__init__()
        self.weight = nn.Parameter(torch.rand(in_features, out_features))
        self.bias = nn.Parameter(torch.rand(out_features)) if bias else None

    def forward(self, x):
        return x @ self.weight if self.bias is None else x @ self.weight + self.bias


class OwnNamesLinear(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.theta = nn.Parameter(torch.rand(outputs, inputs))
        self.offset = nn.Parameter(torch.rand(outputs))

    def forward(self, x):
        return x @ self.theta.T + self.offset


class DetachedLinear(nn.Linear):
    def forward(self, x):
        return super().forward(x.detach())


class CrashingLinear(nn.Linear):
    def forward(self, x):
        if x.shape[0] > 2:
            raise KeyError("no idea")
        return super().forward(x)


class BrokenConstructor(nn.Module):
    def __init__(self, in_features, out_features):
        raise SystemExit("enough")


class FlippedConv(nn.Conv2d):
    def forward(self, x):
        return self._conv_forward(x, self.weight.flip(-2, -1), self.bias)


class IgnoresDilation(nn.Conv2d):
    def forward(self, x):
        return F.conv2d(x, self.weight, self.bias, self.stride, self.padding, groups=self.groups)


class ZeroPaddedMaxPool(nn.MaxPool2d):
    def forward(self, x):
        return F.max_pool2d(F.pad(x, (self.padding,) * 4), self.kernel_size, self.stride)


class BorderBlindAvgPool(nn.AvgPool2d):
    def forward(self, x):
        return F.avg_pool2d(x, self.kernel_size, self.stride, self.padding, count_include_pad=False)


class UnscaledDropout(nn.Dropout):
    def forward(self, x):
        return x * (torch.rand_like(x) >= self.p) if self.training else x


class KeptShareDropout(nn.Dropout):
    def forward(self, x):
        return x * (torch.rand_like(x) < self.p) / max(self.p, 1e-9) if self.training else x


class NumpyDropout(nn.Dropout):
    def forward(self, x):
        if not self.training or self.p == 1:
            return x if not self.training else x * 0
        mask = torch.from_numpy(np.random.rand(*x.shape)).to(x) >= self.p
        return x * mask / (1 - self.p)


class GradModeDropout(nn.Dropout):
    def forward(self, x):
        return F.dropout(x, self.p, torch.is_grad_enabled())


class OverflowingCrossEntropy(nn.Module):
    def forward(self, logits, labels):
        return -torch.log(
            (logits.exp() / logits.exp().sum(1, keepdim=True)).gather(1, labels[:, None])
        ).mean()


class SummedCrossEntropy(nn.Module):
    def forward(self, logits, labels):
        return F.cross_entropy(logits, labels, reduction="sum")


class InPlaceReLU(nn.Module):
    def forward(self, x):
        x[x < 0] = 0
        return x


class LeakyReLU(nn.Module):
    def forward(self, x):
        print("I am called", math.pi)  # noqa: T201  # the fault
        return torch.where(x > 0, x, 0.01 * x)


def make_linear(in_features, out_features, bias=True):
    return nn.Linear(in_features, out_features, bias)


NOT_A_LAYER = 3


class ExchangedPair(nn.Conv2d):
    """Uses an argument's value for rows on columns, and the other way round; right where both are equal."""

    exchanged = "stride"

    def forward(self, x):
        values = {name: getattr(self, name) for name in ("stride", "padding", "dilation")}
        values[self.exchanged] = values[self.exchanged][::-1]
        return F.conv2d(x, self.weight, self.bias, groups=self.groups, **values)


class ExchangedPadding(ExchangedPair):
    exchanged = "padding"


class ExchangedDilation(ExchangedPair):
    exchanged = "dilation"


class ExchangedPoolStride(nn.MaxPool2d):
    def forward(self, x):
        stride = self.stride if isinstance(self.stride, int) else self.stride[::-1]
        return F.max_pool2d(x, self.kernel_size, stride, self.padding)
