"""Small networks and images with a known answer, for the tests of explanations."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from loupe.models import build_model
from loupe.runtime import Streams

SETTINGS = {
    "cnn": {},
    "resnet": {"depth": 20},
    "six-block": {"width": 0.1},
    "mobile-net": {"width": 0.1},
    "vision-transformer": {"width": 24, "depth": 2},
    "expert-net": {"blocks": 2, "width": 8},
    "fast-net": {"widths": (8, 12)},
    "mlp": {},
}
"""Classifiers that ship with Loupe, in sizes that a test can afford."""

SIDE, CORNER = 28, 8


def make_network(name: str, in_channels: int = 1, num_classes: int = 4) -> nn.Module:
    with Streams(1).as_global("weights"):
        return build_model(
            name,
            in_channels=in_channels,
            image_size=(SIDE, SIDE),
            num_classes=num_classes,
            **SETTINGS[name],
        )


def make_images(num_images: int = 3, in_channels: int = 1) -> Tensor:
    return torch.randn(num_images, in_channels, SIDE, SIDE, generator=torch.Generator().manual_seed(2))


class Plain(nn.Module):
    """A user's own network: in-place activations, pooling, no Sequential at the top."""

    def __init__(self, in_channels: int = 1, num_classes: int = 4) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, 6, 3, padding=1)
        self.relu1 = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(6, 8, 3, stride=2, padding=1)
        self.norm = nn.BatchNorm2d(8)
        self.relu2 = nn.ReLU(inplace=True)
        self.dropout = nn.Dropout(0.5)
        self.head = nn.Linear(8, num_classes)

    def forward(self, images: Tensor) -> Tensor:
        maps = self.relu2(self.norm(self.conv2(self.relu1(self.conv1(images)))))
        return self.head(self.dropout(F.adaptive_avg_pool2d(maps, 1).flatten(1)))


def draw_marked_images(num_images: int, seed: int) -> tuple[Tensor, Tensor]:
    """Return noise: as it is (class 0), with a cross (1) or a ring (2) within the upper left 8 x 8 pixels.

    Nothing else tells the classes apart. Images (images, 1, 28, 28) float, labels (images,) int64.
    """
    generator = torch.Generator().manual_seed(seed)
    images = 0.7 * torch.randn(num_images, 1, SIDE, SIDE, generator=generator)
    labels = torch.randint(3, (num_images,), generator=generator)
    nothing, cross, ring = torch.zeros(3, 6, 6)
    cross[2:4], cross[:, 2:4] = 1, 1
    ring[[0, 5]], ring[:, [0, 5]] = 1, 1
    images[:, 0, 1:7, 1:7] += 3 * torch.stack([nothing, cross, ring])[labels]
    return images, labels


def train_on_marks(name: str, num_steps: int, learning_rate: float = 0.01) -> nn.Module:
    """Return a network that tells the marks apart."""
    model = make_network(name, num_classes=3)
    optimizer = torch.optim.Adam(model.parameters(), lr=learning_rate)
    images, labels = draw_marked_images(64 * num_steps, seed=3)
    with Streams(1).as_global("dropout"):
        for step, (some_images, some_labels) in enumerate(
            zip(images.split(64), labels.split(64), strict=True)
        ):
            optimizer.param_groups[0]["lr"] = learning_rate * (1 - step / num_steps)
            loss = F.cross_entropy(model(some_images), some_labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return model.eval()
