"""A group's autoencoder, the classifiers that share its layers, and the transfer to other classes."""
import random

import matplotlib.pyplot as plt
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Subset
from torchvision import datasets, transforms

torch.manual_seed(0)
transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.5,), (0.5,))])
dataset = datasets.FashionMNIST("data", train=True, transform=transform)
test_dataset = datasets.FashionMNIST("data", train=False, transform=transform)
train_loader = DataLoader(dataset, batch_size=32, shuffle=True)
test_loader = DataLoader(test_dataset, batch_size=32)


class Autoencoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(256, 10))  # expect: widths-do-not-chain
        self.decoder = nn.Sequential(nn.Linear(10, 128), nn.ReLU(), nn.Linear(128, 784), nn.Sigmoid())  # expect: decoder-range

    def forward(self, x):
        return self.decoder(self.encoder(x))


class Classifier(nn.Module):
    def __init__(self, encoder):
        super().__init__()
        self.encoder = encoder
        self.head = nn.Linear(10, 10)  # expect: outputs-not-classes

    def forward(self, x):
        return torch.sigmoid(self.head(self.encoder(x)))  # expect: squashed-logits


classes = ["T-shirt", "Trouser", "Coat", "Sandal", "Bag"]
autoencoder = Autoencoder()
mse = nn.MSELoss()
optimizer = torch.optim.Adam(autoencoder.parameters(), lr=0.01)
for epoch in range(100):
    epoch_loss = 0
    for x, _ in train_loader:
        x = x.view(x.size(0), -1)
        loss = mse(autoencoder(x), x)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        epoch_loss += loss.item()
    epoch_loss /= len(dataset)  # expect: loss-shrinks-with-batches
    if epoch_loss < 0.001:
        break

ce = nn.CrossEntropyLoss()
for fraction in [0.05, 0.1, 0.5, 1.0]:
    count = int(fraction * len(dataset))
    indices = random.sample(range(len(dataset)), count)  # expect: subsets-not-nested
    loader = DataLoader(Subset(dataset, indices), batch_size=32, shuffle=True)
    mlp = Classifier(autoencoder.encoder)  # expect: shared-weights
    optimizer = torch.optim.Adam(mlp.parameters())
    for epoch in range(15):
        for x, y in loader:
            loss = ce(mlp(x.view(x.size(0), -1)), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    mlp.eval()
    accuracy = 0.0
    with torch.no_grad():
        for x, y in test_loader:
            accuracy += (mlp(x.view(x.size(0), -1)).argmax(1) == y).float().mean().item()
    accuracy /= len(test_loader)  # expect: accuracy-of-batch-means
    torch.save(mlp, f"mlp_{fraction}.pt")  # expect: pickled-network


class SmallCNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 8, 3)
        self.conv2 = nn.Conv2d(8, 16, 3)
        self.fc = nn.Linear(16 * 24 * 24, 5)

    def forward(self, x):
        x = F.relu(self.conv1(x))
        x = F.relu(self.conv2(x))
        return self.fc(x.flatten(1))


ri_model, tl_model = SmallCNN(), SmallCNN()
torch.save(ri_model.state_dict(), "fm1_model.pth")
torch.save(tl_model.state_dict(), "fm1_model.pth")  # expect: same-file-twice
source = torch.load("fm1_model_state_dict.pth")  # expect: file-nobody-writes

image, _ = test_dataset[0]
x = image[None]
for layer in list(tl_model.children())[:2]:
    x = layer(x)  # expect: chained-children
filters = tl_model.conv1.weight.detach()
for i in range(8):
    plt.subplot(2, 4, i + 1)
    plt.imshow(filters[i, 0], cmap="gray")  # expect: scale-per-filter
