"""A six-block network: the epoch chosen on test, tables of the last weights, three passes of Python loops."""
import matplotlib.pyplot as plt
import numpy as np
import torch
import torch.nn as nn
from torch.optim.lr_scheduler import OneCycleLR
from torch.utils.data import DataLoader
from torchvision import datasets, transforms

torch.manual_seed(0)
normalize = transforms.Normalize([0.4914, 0.4822, 0.4465], [0.2023, 0.1994, 0.201])  # expect: wrong-std, range-contradicts
train_ds = datasets.CIFAR10(".", train=True, transform=transforms.Compose([transforms.AutoAugment(), transforms.ToTensor(), normalize]))
test_ds = datasets.CIFAR10(".", train=False, transform=transforms.Compose([transforms.ToTensor(), normalize]))
trainloader = DataLoader(train_ds, batch_size=128, shuffle=True)
testloader = DataLoader(test_ds, batch_size=128)
model = nn.Sequential(nn.Conv2d(3, 64, 3), nn.BatchNorm2d(64), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.3), nn.Linear(64, 10))
criterion = nn.CrossEntropyLoss(label_smoothing=0.04)
epochs = 150
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)  # expect: rate-not-used
scheduler = OneCycleLR(optimizer, max_lr=0.1, epochs=epochs, steps_per_epoch=len(trainloader), pct_start=0.3)  # expect: warmup-contradicts
print(f"One cycle over {epochs} epochs, 26 % of them warm-up")
print("Pixels are normalised to roughly [-1, 1]")
print(f"hard target 1.0, soft target {1 - 0.04}")  # expect: soft-target


def test(model, loader):
    model.eval()
    total_loss, correct, total = 0.0, 0, 0
    with torch.no_grad():
        for x, y in loader:
            out = model(x)
            total_loss += criterion(out, y).item()  # expect: smoothed-evaluation-loss
            correct += (out.argmax(1) == y).sum().item()
            total += y.size(0)
    return total_loss / len(loader), correct / total  # expect: mean-of-batch-means


best = 0.0
for epoch in range(epochs):
    model.train()
    for x, y in trainloader:
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
        scheduler.step()
    test_loss, test_acc = test(model, testloader)
    if test_acc > best:  # expect: picked-on-test
        best = test_acc
        torch.save(model.state_dict(), "best_model.pth")  # expect: best-never-loaded

classes = train_ds.classes
class_correct, class_total = [0] * 10, [0] * 10
model.eval()
with torch.no_grad():
    for x, y in testloader:
        hits = (model(x).argmax(1) == y).squeeze()
        for i in range(y.size(0)):  # expect: per-sample-loop
            class_correct[y[i]] += hits[i].item()
            class_total[y[i]] += 1
matrix = torch.zeros(10, 10)
with torch.no_grad():
    for x, y in testloader:  # expect: many-test-passes
        predictions = model(x).argmax(1)
        for i in range(len(y)):  # expect: per-sample-loop
            matrix[y[i], predictions[i]] += 1
confusion = matrix.numpy()
accuracies = [100 * c / t for c, t in zip(class_correct, class_total)]
colors = ["red" if a == min(accuracies) else "green" for a in accuracies]
plt.bar(classes, accuracies, color=colors)  # expect: colour-by-rank
for i in range(10):
    for j in range(10):
        if i != j and confusion[i, j] > 50:  # expect: fixed-count
            print(classes[i], "taken for", classes[j], np.round(confusion[i, j]))
