"""A convolutional autoencoder on MNIST, its encoder copied into a classifier."""
import copy

import matplotlib.pyplot as plt
import torch
from torch import nn
from torch.utils.data import DataLoader
from torchvision import datasets, transforms

torch.manual_seed(3)
to_tensor = transforms.ToTensor()
train_data = datasets.MNIST("data", train=True, download=True, transform=to_tensor)
test_data = datasets.MNIST("data", train=False, transform=to_tensor)
train_loader = DataLoader(train_data, batch_size=128, shuffle=True)
test_loader = DataLoader(test_data, batch_size=256)


class Autoencoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(1, 16, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(16, 32, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(32 * 7 * 7, 16),
        )
        self.decoder = nn.Sequential(
            nn.Linear(16, 32 * 7 * 7),
            nn.Unflatten(1, (32, 7, 7)),
            nn.ConvTranspose2d(32, 16, 3, stride=2, padding=1, output_padding=1),
            nn.ReLU(),
            nn.ConvTranspose2d(16, 1, 3, stride=2, padding=1, output_padding=1),
            nn.Sigmoid(),
        )

    def forward(self, x):
        return self.decoder(self.encoder(x))


class Classifier(nn.Module):
    def __init__(self, encoder, num_classes=10):
        super().__init__()
        self.encoder = encoder
        self.head = nn.Linear(16, num_classes)

    def forward(self, x):
        return self.head(torch.relu(self.encoder(x)))


model = Autoencoder()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
criterion = nn.MSELoss()
for epoch in range(5):
    model.train()
    running = 0.0
    for images, _ in train_loader:
        reconstructed = model(images)
        loss = criterion(reconstructed, images)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        running += loss.item() * images.size(0)
    print(epoch, running / len(train_data))

classifier = Classifier(copy.deepcopy(model.encoder))
cross_entropy = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(classifier.parameters(), lr=1e-3)
for epoch in range(3):
    for images, labels in train_loader:
        optimizer.zero_grad()
        cross_entropy(classifier(images), labels).backward()
        optimizer.step()

classifier.eval()
correct = 0
with torch.inference_mode():
    for images, labels in test_loader:
        correct += (classifier(images).argmax(1) == labels).sum().item()
print("test accuracy", correct / len(test_data))

images, _ = next(iter(test_loader))
with torch.no_grad():
    restored = model(images[:8])
figure, axes = plt.subplots(2, 8)
for column in range(8):
    axes[0, column].imshow(images[column, 0], cmap="gray", vmin=0, vmax=1)
    axes[1, column].imshow(restored[column, 0], cmap="gray", vmin=0, vmax=1)
plt.show()
