"""Learning curves over nested fractions, two arms that differ in one thing, means over seeds."""
import copy

import numpy as np
import pandas as pd
import torch
import torch.nn as nn
from sklearn.model_selection import StratifiedShuffleSplit
from torch.utils.data import DataLoader, Subset
from torchvision import datasets, transforms

OPTIMIZERS = {"SGD": torch.optim.SGD, "Adam": torch.optim.Adam}
data = datasets.FashionMNIST("data", train=True, transform=transforms.ToTensor())
test_data = datasets.FashionMNIST("data", train=False, transform=transforms.ToTensor())
splitter = StratifiedShuffleSplit(1, test_size=5000, random_state=0)
train_index, val_index = next(splitter.split(np.zeros(len(data)), data.targets))
val_loader = DataLoader(Subset(data, val_index), 500)
test_loader = DataLoader(test_data, 500)


def build(seed):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 128), nn.ReLU(), nn.Dropout(0.2), nn.Linear(128, 10))


def accuracy(model, loader):
    model.eval()
    hits = images = 0
    with torch.no_grad():
        for x, y in loader:
            hits += (model(x).argmax(1) == y).sum().item()
            images += y.size(0)
    return hits / images


def fit(model, loader, name, epochs, weight_decay=0.0):
    optimizer = OPTIMIZERS[name](model.parameters(), lr=0.01, weight_decay=weight_decay)
    best_accuracy, best_state = 0.0, copy.deepcopy(model.state_dict())
    for epoch in range(1, epochs + 1):
        model.train()
        for x, y in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
        val_accuracy = accuracy(model, val_loader)
        if val_accuracy > best_accuracy:
            best_accuracy, best_state = val_accuracy, {k: v.clone() for k, v in model.state_dict().items()}
    model.load_state_dict(best_state)
    return best_accuracy


rows = []
for seed in range(5):
    order = np.random.default_rng(seed).permutation(train_index)
    for fraction in (0.05, 0.1, 0.5):
        subset = Subset(data, order[: int(fraction * len(order))])
        for name in ("SGD", "Adam"):
            model = build(seed)
            val_accuracy = fit(model, DataLoader(subset, 64, shuffle=True), name, epochs=10)
            rows.append({"seed": seed, "fraction": fraction, "optimizer": name, "validation": val_accuracy})
table = pd.DataFrame(rows)
print(table.groupby(["fraction", "optimizer"]).validation.agg(["mean", "std"]))
winner = table.groupby("optimizer").validation.mean().idxmax()
model = build(0)
fit(model, DataLoader(Subset(data, train_index), 64, shuffle=True), winner, epochs=10)
print("test", accuracy(model, test_loader))
