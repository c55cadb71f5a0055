"""Layers written by hand, right, and a network built of them; hooks for its feature maps."""
import matplotlib.pyplot as plt
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader
from torchvision import datasets, transforms


class MyConv2d(nn.Module):
    def __init__(self, in_channels, out_channels, kernel_size, padding=0):
        super().__init__()
        self.kernel_size, self.padding = kernel_size, padding
        self.weight = nn.Parameter(torch.empty(out_channels, in_channels, kernel_size, kernel_size))
        self.bias = nn.Parameter(torch.zeros(out_channels))
        nn.init.kaiming_normal_(self.weight)

    def forward(self, x):
        height = x.size(2) + 2 * self.padding - self.kernel_size + 1
        columns = F.unfold(x, self.kernel_size, padding=self.padding)
        out = self.weight.flatten(1) @ columns + self.bias.view(1, -1, 1)
        return out.view(x.size(0), -1, height, out.size(-1) // height)


class MyBatchNorm2d(nn.Module):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))

    def forward(self, x):
        if self.training:
            mean, var = x.mean((0, 2, 3)), x.var((0, 2, 3), unbiased=False)
            unbiased = x.var((0, 2, 3))
            with torch.no_grad():
                self.running_mean = (1 - self.momentum) * self.running_mean + self.momentum * mean
                self.running_var = (1 - self.momentum) * self.running_var + self.momentum * unbiased
        else:
            mean, var = self.running_mean, self.running_var
        out = (x - mean[:, None, None]) / torch.sqrt(var[:, None, None] + self.eps)
        return out * self.weight[:, None, None] + self.bias[:, None, None]


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = MyConv2d(1, 8, 3, padding=1)
        self.norm = MyBatchNorm2d(8)
        self.head = nn.Linear(8 * 14 * 14, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.norm(self.conv(x))), 2)
        return self.head(x.flatten(1))


torch.manual_seed(0)
loader = DataLoader(datasets.MNIST("data", train=True, transform=transforms.ToTensor()), 64, shuffle=True)
model = Net()
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
losses = []
for images, labels in loader:
    loss = F.cross_entropy(model(images), labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    losses.append(loss.item())

kept = {}
handle = model.norm.register_forward_hook(lambda module, inputs, output: kept.update(maps=output.detach()))
model.eval()
with torch.no_grad():
    probabilities = F.softmax(model(images[:1]), dim=1)
handle.remove()
maps = F.relu(kept["maps"][0])
rows, columns = 2, 4
figure, axes = plt.subplots(rows, columns)
for i in range(rows):
    for j in range(columns):
        axes[i, j].imshow(maps[i * columns + j])
weights = model.conv.weight.detach()
limit = weights.abs().max().item()
for index in range(8):
    plt.subplot(2, 4, index + 1)
    plt.imshow(weights[index, 0], cmap="gray", vmin=-limit, vmax=limit)
