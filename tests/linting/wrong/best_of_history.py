"""The best of a list of test accuracies, whose loader comes out of a function's tuple."""

import torch
from torch import nn
from torch.utils.data import DataLoader
from torchvision import datasets, transforms


def get_loaders(batch_size=64):
    tensor = transforms.ToTensor()
    images = datasets.FashionMNIST("data", train=True, transform=tensor)
    others = datasets.FashionMNIST("data", train=False, transform=tensor)
    return DataLoader(images, batch_size, shuffle=True), DataLoader(others, batch_size)


def evaluate(model, loader):
    model.eval()
    right = seen = 0
    with torch.no_grad():
        for x, y in loader:
            right += (model(x).argmax(1) == y).sum().item()
            seen += len(y)
    return right / seen


torch.manual_seed(0)
fit_loader, loader = get_loaders()
model = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
optimizer = torch.optim.Adam(model.parameters())
criterion = nn.CrossEntropyLoss()
history = []
for epoch in range(10):
    model.train()
    for x, y in fit_loader:
        optimizer.zero_grad()
        criterion(model(x), y).backward()
        optimizer.step()
    history.append(evaluate(model, loader))
print(f"accuracy {max(history):.2%}")  # expect: picked-on-test
