"""Images moved by whole pixels, and networks whose answers are known to follow them or not."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from loupe.data import ImageDataset
from loupe.data.normalization import Normalization
from loupe.data.operations.geometry import shift_images
from loupe.evaluations import Network
from loupe.evaluations.consistency import measure_mirror_consistency, measure_shift_consistency
from loupe.models.layer_table import describe_layers


@given(st.integers(-2, 2), st.integers(-2, 2), st.integers(3, 6), st.integers(3, 6))
def test_a_shift_repeats_the_border(rows: int, columns: int, height: int, width: int) -> None:
    pixels = torch.arange(height * width, dtype=torch.uint8).view(1, 1, height, width)
    wanted = np.empty((height, width), np.uint8)
    for row in range(height):
        for column in range(width):
            source = min(max(row - rows, 0), height - 1), min(max(column - columns, 0), width - 1)
            wanted[row, column] = pixels[0, 0][source]
    assert np.array_equal(shift_images(pixels, rows, columns)[0, 0].numpy(), wanted)


class ReadPixel(nn.Module):
    """Names class 1 where one pixel is light."""

    def __init__(self, row: int, column: int) -> None:
        super().__init__()
        self.place = row, column
        self.scale = nn.Parameter(torch.ones(1))

    def forward(self, images: Tensor) -> Tensor:
        pixel = images[:, 0, self.place[0], self.place[1]] * self.scale
        return torch.stack([-pixel, pixel], 1)


def make_network(row: int, column: int) -> Network:
    model = ReadPixel(row, column).eval().requires_grad_(False)
    layers = describe_layers(model, in_channels=1, image_size=(5, 5))
    return Network(model, Normalization((0.5,), (0.25,)), layers, torch.device("cpu"))


@pytest.fixture
def images() -> ImageDataset:
    """Half of the images dark, half with a light pixel in the middle."""
    pixels = torch.zeros(40, 1, 5, 5, dtype=torch.uint8)
    pixels[::2, 0, 2, 2] = 255
    return ImageDataset(pixels, torch.arange(40) % 2, ("light", "dark"), "drawn")


def test_a_network_that_reads_one_pixel_loses_what_moves_away(images: ImageDataset) -> None:
    found = measure_shift_consistency(images, make_network(2, 2), 0.95, seed=0)
    values = {value.name: value.value for value in found.values}
    assert values["same class, moved by one pixel"] == 0.5  # the dark ones stay dark
    assert values["same class in all eight directions, one pixel"] == 0.5
    beside = measure_shift_consistency(images, make_network(2, 3), 0.95, seed=0)
    values = {value.name: value.value for value in beside.values}
    assert values["same class, moved by one pixel"] == pytest.approx(1 - 0.5 / 8)  # one way of eight


def test_mirroring(images: ImageDataset) -> None:
    (same, _, _) = measure_mirror_consistency(images, make_network(2, 2), 0.95, seed=0).values
    assert same.value == 1.0
    moved = ImageDataset(images.images.roll(1, 3), images.labels, images.class_names, "drawn")
    (same, _, _) = measure_mirror_consistency(moved, make_network(2, 3), 0.95, seed=0).values
    assert same.value == 0.5
