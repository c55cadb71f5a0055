"""Splits of few images, one dataset for two transforms, and a layer of one's own that nobody trains."""
import torch
import torch.nn as nn
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader, Subset, random_split
from torchvision import datasets, transforms

torch.manual_seed(0)
augment = transforms.Compose([transforms.RandomRotation(15), transforms.ToTensor()])
full = datasets.ImageFolder("images/train", transform=augment)
train_set, valid_set = random_split(full, [400, 100], torch.Generator().manual_seed(0))  # expect: augmented-evaluation, unstratified-split
valid_set.dataset.transform = transforms.ToTensor()  # expect: shared-dataset-transform
first, second = train_test_split(range(500))  # expect: unstratified-split
more = Subset(full, first)
train_loader = DataLoader(train_set, 16, shuffle=True)


class MyLinear(nn.Module):  # expect: layer-never-trained
    def __init__(self, in_features, out_features):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(out_features, in_features))

    def forward(self, x):
        return x @ self.weight.t()


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(784, 2)
        self.dropout = nn.Dropout(0.5)  # expect: unused-dropout

    def forward(self, x):
        return torch.softmax(self.fc(x.flatten(1)), dim=1)  # expect: squashed-logits


print(MyLinear(3, 2)(torch.zeros(1, 3)))
model = Net()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
criterion = nn.CrossEntropyLoss()
for epoch in range(3):
    for x, y in train_loader:
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
