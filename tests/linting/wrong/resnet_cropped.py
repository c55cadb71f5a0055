"""A ResNet judged on random crops, its maps drawn with a wrong index."""
import matplotlib.pyplot as plt
import torch
from torch import nn, optim
from torch.utils.data import DataLoader, Subset
from torchvision import datasets
from torchvision import transforms as T
from torchvision.models import resnet18

torch.manual_seed(1)
transform = T.Compose(
    [
        T.ToTensor(),
        T.Normalize((0.49, 0.48, 0.45), (0.25, 0.24, 0.26)),
        T.ColorJitter(0.2),  # expect: augment-after-normalize
        T.RandomHorizontalFlip(),
        T.RandomResizedCrop(32, scale=(0.08, 1)),
    ]
)
full = datasets.CIFAR10("data", train=True, transform=transform)
val_data = Subset(full, range(5000))  # expect: augmented-evaluation, first-images-split
train_data = Subset(full, range(5000, 50000))
test_data = datasets.CIFAR10("data", train=False, transform=transform)  # expect: augmented-evaluation
train_loader = DataLoader(train_data, 128, shuffle=True)
val_loader = DataLoader(val_data, 128)
test_loader = DataLoader(test_data, 128)
net = resnet18(num_classes=10)
criterion = nn.CrossEntropyLoss()
optimizer = optim.Adam(net.parameters())


def evaluate(loader):
    net.eval()
    correct = total = 0
    with torch.no_grad():
        for images, labels in loader:
            correct += (net(images).argmax(1) == labels).sum().item()
            total += len(labels)
    return correct / total


for epoch in range(10):
    net.train()
    for images, labels in train_loader:
        optimizer.zero_grad()
        loss = criterion(net(images), labels)
        loss.backward()
        optimizer.step()
    print(epoch, evaluate(val_loader))
torch.save(net.state_dict(), "last.pt")
print("test", evaluate(test_loader))  # expect: last-weights

image, label = test_data[0]
plt.imshow(image.permute(1, 2, 0))  # expect: shown-normalised
maps = net.conv1(image[None])[0].detach()
rows, columns = 4, 16
fig, ax = plt.subplots(rows, columns)
for i in range(rows):
    for j in range(columns):
        ax[i, j].imshow(maps[i * rows + j])  # expect: grid-index
