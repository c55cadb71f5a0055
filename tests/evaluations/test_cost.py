"""What a network costs, of one whose cost is known because it waits."""

import time

import pytest
import torch
from torch import Tensor, nn

from loupe.data import ImageDataset
from loupe.data.normalization import Normalization
from loupe.evaluations import Network
from loupe.evaluations.cost import measure_cost
from loupe.models.layer_table import describe_layers


class Waiting(nn.Module):
    """Takes a while for a batch, and a little for each of its images."""

    is_waiting = False

    def __init__(self) -> None:
        super().__init__()
        self.logits = nn.Linear(9, 2)

    def forward(self, images: Tensor) -> Tensor:
        if self.is_waiting:
            time.sleep(0.01 + 0.0001 * len(images))
        logits: Tensor = self.logits(images.flatten(1))
        return logits


@pytest.fixture
def network() -> Network:
    model = Waiting().eval().requires_grad_(False)
    layers = describe_layers(model, in_channels=1, image_size=(3, 3))
    model.is_waiting = True
    return Network(model, Normalization((0.5,), (0.25,)), layers, torch.device("cpu"))


@pytest.fixture
def images() -> ImageDataset:
    return ImageDataset(
        torch.zeros(140, 1, 3, 3, dtype=torch.uint8), torch.arange(140) % 2, ("a", "b"), "drawn"
    )


def test_time_arithmetic_and_size_are_those_of_the_network(network: Network, images: ImageDataset) -> None:
    found = measure_cost(images, network, 0.95, seconds=0.1)
    values = {value.name: value for value in found.values}
    one = values["time for one image"]
    assert one.value is not None
    assert 10 <= one.value < 20
    assert one.interval is not None
    assert one.interval.low <= one.value <= one.interval.high
    best = values["images a second at best"].value
    assert best is not None
    assert 128 / 0.0456 < best < 128 / 0.0228  # the largest batch that there are images for
    assert values["multiply-adds an image"].value == 18
    assert values["parameters"].value == 20
    (table,) = found.blocks
    assert [row[0] for row in table.rows] == [1, 8, 32, 128]
    assert "128 at once" in found.sentence
