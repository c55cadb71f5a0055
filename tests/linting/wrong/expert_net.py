"""A notebook's training of an expert net: evaluation on augmented test images, MixUp, the best kept nowhere."""
import sys

import matplotlib.pyplot as plt
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
import torchvision
import torchvision.transforms as transforms

sys.path.append("/content/drive/MyDrive/course")  # expect: own-drive
import helpers  # noqa

torch.manual_seed(0)
device = "cuda" if torch.cuda.is_available() else "cpu"

transform = transforms.Compose(
    [
        transforms.RandomHorizontalFlip(),
        transforms.RandomCrop(32, padding=4),
        transforms.ToTensor(),
        transforms.Normalize((0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)),  # expect: wrong-std
    ]
)
train_set = torchvision.datasets.CIFAR10("data", train=True, transform=transform)
val_set = torchvision.datasets.CIFAR10("data", train=False, transform=transform)  # expect: augmented-evaluation, test-called-validation
train_loader = torch.utils.data.DataLoader(train_set, batch_size=128, shuffle=True)
val_loader = torch.utils.data.DataLoader(val_set, batch_size=128)  # expect: test-called-validation


class Block(nn.Module):
    def __init__(self, channels, experts, dropout=0.1):  # expect: unused-dropout
        super().__init__()
        self.convs = nn.ModuleList(nn.Conv2d(channels, channels, 3, padding=1) for _ in range(experts))
        self.gate = nn.Linear(channels, experts)

    def forward(self, x):
        weights = torch.softmax(self.gate(x.mean((2, 3))), 1)
        out = sum(weights[:, k, None, None, None] * conv(x) for k, conv in enumerate(self.convs))
        return F.relu(out)


class ExpertNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 32, 3, padding=1)
        self.block = Block(32, 4)
        self.norm = nn.BatchNorm2d(32)
        self.head = nn.Linear(32, 10)

    def forward(self, x):
        x = self.norm(self.block(self.stem(x)))
        return self.head(x.mean((2, 3)))


def mixup_data(x, y, alpha=1.0):
    lam = np.random.beta(alpha, alpha)
    index = torch.randperm(x.size(0), device=x.device)
    return lam * x + (1 - lam) * x[index], y, y[index], lam


model = ExpertNet().to(device)
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
best_acc = 0
train_accs, test_accs = [], []
for epoch in range(35):
    model.train()
    correct = total = 0
    for inputs, targets in train_loader:
        inputs, targets = inputs.to(device), targets.to(device)
        mixed, targets_a, targets_b, lam = mixup_data(inputs, targets)
        outputs = model(mixed)
        loss = lam * criterion(outputs, targets_a) + (1 - lam) * criterion(outputs, targets_b)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        predicted = outputs.argmax(1)
        correct += (predicted == targets).sum().item()  # expect: mixup-accuracy
        total += targets.size(0)
    train_accs.append(correct / total)
    model.eval()
    right = count = 0
    with torch.no_grad():
        for inputs, targets in val_loader:
            outputs = model(inputs.to(device))
            right += (outputs.argmax(1).cpu() == targets).sum().item()
            count += targets.size(0)
    val_acc = right / count
    test_accs.append(val_acc)
    if val_acc > best_acc:  # expect: picked-on-test, best-not-kept
        best_acc = val_acc
print("final test accuracy", max(test_accs))  # expect: picked-on-test

gap = [train_acc - test_acc for train_acc, test_acc in zip(train_accs, test_accs)]  # expect: running-train-accuracy
plt.plot(gap)
smooth = np.convolve(test_accs, np.ones(5) / 5, mode="valid")
plt.plot(smooth, label="smoothed")  # expect: misaligned-smoothing
num_epochs = 35
plt.plot(range(num_epochs - 20, num_epochs), test_accs[-20:])  # expect: hard-wired-epochs
