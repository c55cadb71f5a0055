"""A notebook's layers, written by hand, and the ResNet that was trained instead."""
import torch
import torch.nn as nn
import torch.nn.functional as F


class Conv2d(nn.Module):
    def __init__(self, in_channels, out_channels, kernel_size, stride=1, padding=0, bias=True):
        super().__init__()
        torch.manual_seed(42)  # expect: seed-in-layer
        self.kernel_size, self.stride, self.padding = kernel_size, stride, padding
        self.weight = nn.Parameter(torch.randn(out_channels, in_channels, kernel_size, kernel_size))
        self.bias = nn.Parameter(torch.zeros(out_channels)) if bias else None

    def forward(self, x):
        columns = F.unfold(x, self.kernel_size, padding=self.padding, stride=self.stride)
        weight = self.weight.view(self.weight.size(0), -1)
        out = weight @ columns
        if self.bias != None:  # expect: compare-with-none
            out = out + self.bias  # expect: bias-axis
        side = int(out.size(-1) ** 0.5)
        return out.view(x.size(0), -1, side, side)


class Linear(nn.Module):
    def __init__(self, in_features, out_features):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(out_features, in_features))
        self.bias = nn.Parameter(torch.zeros(out_features))

    def forward(self, x):
        out = x.view(x.size(0), -1)
        out += 1e-6  # expect: in-place-on-view
        return out @ self.weight.t() + self.bias
        return out  # expect: unreachable-code


class BatchNorm2d(nn.Module):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.gamma = nn.Parameter(torch.ones(1, num_features, 1, 1))
        self.beta = nn.Parameter(torch.zeros(1, num_features, 1, 1))
        self.running_mean = torch.zeros(1, num_features, 1, 1)  # expect: plain-running-statistics
        self.running_std = torch.ones(1, num_features, 1, 1)  # expect: plain-running-statistics

    def forward(self, x):
        if torch.is_grad_enabled():  # expect: mode-from-gradients
            mean = x.mean((0, 2, 3), keepdim=True)
            std = x.std((0, 2, 3), keepdim=True)  # expect: unbiased-variance
            self.running_mean = self.momentum * self.running_mean + (1 - self.momentum) * mean  # expect: momentum-convention
            self.running_std = self.momentum * self.running_std + (1 - self.momentum) * std  # expect: momentum-convention
        else:
            mean, std = self.running_mean, self.running_std
        return self.gamma * (x - mean) / (std + self.eps) + self.beta  # expect: eps-outside-root


class MaxPool2d(nn.Module):
    def __init__(self, kernel_size):
        super().__init__()
        self.kernel_size = kernel_size

    def forward(self, x):
        return x.unfold(2, self.kernel_size, self.kernel_size).unfold(3, self.kernel_size, self.kernel_size).amax((-2, -1))


layer = Conv2d(3, 8, 3)
print(layer(torch.zeros(2, 3, 8, 8)).shape)
print(Linear(4, 2)(torch.zeros(1, 4)), MaxPool2d(2), BatchNorm2d(3))

from torch.nn import Conv2d, MaxPool2d  # expect: layer-never-trained


class ResidualBlock(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv1 = Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)

    def forward(self, x):
        out = F.relu(self.bn1(self.conv1(x)))
        out = F.relu(self.bn2(self.conv2(out)))
        out += x  # expect: residual-after-relu
        return out
