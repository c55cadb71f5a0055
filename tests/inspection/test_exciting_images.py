"""Which images excite a channel most, against a search through all outputs; and what each place sees."""

import pytest
import torch
from torch import nn

from loupe.data import EvaluationBatches, ImageDataset
from loupe.data.normalization import Normalization
from loupe.errors import LoupeError
from loupe.inspection import capture_layers, find_receptive_field
from loupe.inspection.exciting_images import find_exciting_images
from loupe.inspection.receptive_fields import find_receptive_fields
from loupe.models import build_model


def make_batches(count: int = 23, batch_size: int = 5) -> tuple[EvaluationBatches, torch.Tensor]:
    pixels = torch.randint(0, 256, (count, 3, 12, 12), generator=torch.Generator().manual_seed(1)).byte()
    normalization = Normalization((0.5, 0.4, 0.3), (0.2, 0.3, 0.25))
    images = ImageDataset(pixels, torch.zeros(count, dtype=torch.int64), ("one",), "random")
    return EvaluationBatches(images, normalization, batch_size), normalization.apply(pixels)


@pytest.fixture(scope="module")
def model() -> nn.Module:
    torch.manual_seed(0)
    return build_model("cnn", in_channels=3, image_size=(12, 12), num_classes=4, conv_layers=4, width=1)


@pytest.mark.parametrize("layer", ["conv1", "relu3", "dense1", "logits"])
def test_they_are_those_of_a_search_through_all_outputs(model: nn.Module, layer: str) -> None:
    batches, inputs = make_batches()
    found = find_exciting_images(model, batches, layer, most=6)
    outputs = capture_layers(model, inputs, [layer])[layer]
    largest = outputs.flatten(2).amax(2) if outputs.ndim == 4 else outputs
    expected = largest.T.argsort(dim=1, descending=True, stable=True)[:, :6]
    assert torch.allclose(found.values, largest.T.gather(1, expected), atol=1e-5)
    assert torch.allclose(largest.T.gather(1, found.indices), found.values, atol=1e-5)
    assert found.num_images == 23
    if outputs.ndim == 4:
        for channel in range(len(found.indices)):
            for index, value, (row, column) in zip(
                found.indices[channel], found.values[channel], found.places[channel].tolist(), strict=True
            ):
                assert float(outputs[index, channel, row, column]) == pytest.approx(float(value), abs=1e-5)


def test_equal_images_come_in_their_order_and_fewer_images_are_all_there_are(model: nn.Module) -> None:
    images = ImageDataset(
        torch.full((3, 3, 12, 12), 90, dtype=torch.uint8), torch.zeros(3, dtype=torch.int64), ("one",), "same"
    )
    batches = EvaluationBatches(images, Normalization((0.5,) * 3, (0.5,) * 3), 2)
    found = find_exciting_images(model, batches, "conv1", most=8)
    assert found.indices.tolist() == [[0, 1, 2]] * len(found.indices)


def test_a_channel_that_is_never_above_zero_is_silent(model: nn.Module) -> None:
    batches, _ = make_batches(6)
    with torch.no_grad():
        before = model.conv1.bias.clone()  # type: ignore[union-attr,operator]
        model.conv1.bias[1] = -1e6  # type: ignore[union-attr,index]
        found = find_exciting_images(model, batches, "relu1")
        model.conv1.bias.copy_(before)  # type: ignore[union-attr,operator]
    assert [channel for channel in range(len(found.indices)) if found.is_silent(channel)] == [1]


def test_what_is_not_called_or_gives_no_channels_is_said(model: nn.Module) -> None:
    batches, _ = make_batches(2)
    with pytest.raises(LoupeError, match="There is no layer 'conv77'"):
        find_exciting_images(model, batches, "conv77")
    with pytest.raises(LoupeError, match="no channels that images excite"):
        find_exciting_images(model, batches, "relu1#2")


@pytest.mark.thorough
@pytest.mark.parametrize("name", ["cnn", "resnet", "mobile-net"])
def test_the_fields_of_all_places_are_those_found_one_by_one(name: str) -> None:
    settings = {"cnn": {"width": 1}, "resnet": {"depth": 20}, "mobile-net": {"width": 0.1}}[name]
    torch.manual_seed(0)
    network = build_model(name, in_channels=3, image_size=(16, 16), num_classes=3, **settings)
    with torch.no_grad():
        network.eval()(torch.zeros(1, 3, 16, 16))
    names = [layer for layer, module in network.named_modules() if isinstance(module, nn.Conv2d)]
    for layer in (names[0], names[len(names) // 3]):
        fields = find_receptive_fields(network, (3, 16, 16), layer)
        rows, columns = len(fields.rows), len(fields.columns)
        for row, column in ((0, 0), (rows // 2, columns - 1), (rows - 1, columns // 2)):
            assert fields.find(row, column) == find_receptive_field(network, (3, 16, 16), layer, row, column)
