"""Two arms that differ in two things, a whole network from a pickle."""
import torch
import torch.nn as nn
from torch.utils.data import DataLoader
from torchvision import datasets, transforms

torch.manual_seed(0)
train_loader = DataLoader(datasets.ImageFolder("images/train", transforms.ToTensor()), 32, shuffle=True)
test_loader = DataLoader(datasets.ImageFolder("images/test", transforms.ToTensor()), 32)
teacher = torch.load("teacher.pt", weights_only=False)  # expect: pickled-network


def run_arm(transfer):
    model = nn.Sequential(nn.Flatten(), nn.Linear(784, 64), nn.ReLU(), nn.Dropout(0.2), nn.Linear(64, 5))
    if transfer:
        model.load_state_dict(torch.load("source.pt"), strict=False)
        for parameter in model[1].parameters():  # expect: two-things-change
            parameter.requires_grad = False
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer)
    loss_function = nn.CrossEntropyLoss()
    for epoch in range(10):
        total = 0.0
        for x, y in train_loader:  # expect: no-train-mode
            loss = loss_function(model(x), y)
            loss.backward()  # expect: no-zero-grad
            optimizer.step()
            total += loss  # expect: loss-keeps-graph
        model.eval()
        test_loss = 0.0
        count = 0
        for x, y in test_loader:  # expect: no-gradient-off
            test_loss += loss_function(model(x), y).item() * y.size(0)
            count += y.size(0)
        test_loss /= count
        scheduler.step(test_loss)  # expect: picked-on-test
    return model


def count_right(model, loader):
    correct = 0
    with torch.no_grad():
        for x, y in loader:  # expect: no-eval-mode
            correct += (model(x).argmax(1) == y).sum().item()
    return correct


if __name__ == "__main__":
    for arm in (False, True):
        model = run_arm(arm)
        print(arm, count_right(model, test_loader))
