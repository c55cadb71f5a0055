"""MixUp with its accuracy weighted, and a clean measurement beside it."""
import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, random_split
from torchvision import datasets, transforms

generator = torch.Generator().manual_seed(0)
torch.manual_seed(0)
normalize = transforms.Normalize((0.4914, 0.4822, 0.4465), (0.247, 0.2435, 0.2616))
plain = transforms.Compose([transforms.ToTensor(), normalize])
full = datasets.CIFAR10("data", train=True, transform=plain)
train_set, valid_set = random_split(full, [45000, 5000], generator=generator)
train_loader = DataLoader(train_set, batch_size=128, shuffle=True, generator=generator)
valid_loader = DataLoader(valid_set, batch_size=512)
model = nn.Sequential(
    nn.Conv2d(3, 32, 3, padding=1),
    nn.BatchNorm2d(32),
    nn.ReLU(),
    nn.Conv2d(32, 64, 3, stride=2, padding=1),
    nn.BatchNorm2d(64),
    nn.ReLU(),
    nn.AdaptiveAvgPool2d(1),
    nn.Flatten(),
    nn.Linear(64, 10),
)
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)


def mixup(x, y, alpha=0.2):
    lam = np.random.default_rng().beta(alpha, alpha)
    index = torch.randperm(len(x))
    return lam * x + (1 - lam) * x[index], y, y[index], lam


def measure(loader):
    was_training = model.training
    model.eval()
    correct = total = 0
    with torch.no_grad():
        for x, y in loader:
            correct += (model(x).argmax(1) == y).sum().item()
            total += len(y)
    model.train(was_training)
    return correct / total


best, patience = 0.0, 0
for epoch in range(30):
    model.train()
    correct, total = 0.0, 0
    for x, y in train_loader:
        mixed, y_a, y_b, lam = mixup(x, y)
        out = model(mixed)
        loss = lam * criterion(out, y_a) + (1 - lam) * criterion(out, y_b)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        predicted = out.argmax(1)
        correct += lam * (predicted == y_a).sum().item() + (1 - lam) * (predicted == y_b).sum().item()
        total += len(y)
    train_acc, valid_acc = measure(train_loader), measure(valid_loader)
    print(epoch, f"clean gap {train_acc - valid_acc:.3f}")
    if valid_acc > best:
        best, patience = valid_acc, 0
        torch.save(model.state_dict(), "best.pt")
    else:
        patience += 1
        if patience == 5:
            break
model.load_state_dict(torch.load("best.pt", weights_only=True))
print("validation", measure(valid_loader))
