"""A group's CNNs on Fashion-MNIST: best by reference, an uneven early stop, wrong divisions."""
import numpy as np
import pandas as pd
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, random_split
from torchvision import datasets, transforms

data = datasets.FashionMNIST("data", train=True, transform=transforms.ToTensor())
train_set, val_set, test_set = random_split(data, [25000, 5000, 30000])  # expect: unseeded-split
train_loader = DataLoader(train_set, batch_size=100, shuffle=True)  # expect: no-seed
val_loader = DataLoader(val_set, batch_size=100)
test_loader = DataLoader(test_set, batch_size=100)


class ThreeDense(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 5)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(256, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(20, 10)  # expect: widths-do-not-chain

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = x.flatten(1)
        x = F.relu(self.fc1(x))
        x = F.relu(self.fc2(x))
        return self.fc3(x)


def make_optimizer(name, model, lr, weight_decay):
    if name == "SGD":  # expect: unhandled-choice
        optimizer = torch.optim.SGD(model.parameters(), lr=lr, weight_decay=weight_decay)
    elif name == "RMSprop":
        optimizer = torch.optim.RMSprop(model.parameters(), lr=lr)  # expect: decay-not-passed
    return optimizer


def validate(model):
    model.eval()
    total, correct = 0.0, 0
    with torch.no_grad():
        for x, y in val_loader:
            out = model(x)
            total += F.cross_entropy(out, y, reduction="sum").item()
            correct += (out.argmax(1) == y).sum().item()
    return total / len(val_set), correct / len(val_set)


def train(name, lr, weight_decay, max_epochs=100):
    model = ThreeDense()
    optimizer = make_optimizer(name, model, lr, weight_decay)
    losses, best_loss = [], float("inf")
    for epoch in range(max_epochs + 1):  # expect: one-epoch-more
        model.train()
        correct = 0
        for x, y in train_loader:
            out = model(x)
            loss = F.cross_entropy(out, y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            correct += (out.argmax(1) == y).sum().item()
        train_acc = correct / (len(train_loader) * 100)  # expect: divides-by-full-batches
        val_loss, val_acc = validate(model)
        losses.append(val_loss)
        # keep the model with the highest validation accuracy
        if val_loss < best_loss:  # expect: comment-contradicts
            best_loss = val_loss
            best_model = model  # expect: best-by-reference
        if epoch >= 20 and np.mean(losses[-20:]) > np.mean(losses[-40:-20]):  # expect: uneven-windows
            break
    return best_model, train_acc


results = pd.DataFrame()
for name in ["SGD", "Adam", "RMSprop"]:
    for decay in [0, 1e-4]:
        model, accuracy = train(name, 0.001, decay)
        results = results.append({"name": name, "acc": accuracy}, ignore_index=True)  # expect: dataframe-append
results.sort_values(by="val_loss", ascending=False).to_csv("results.csv")  # expect: worst-first
