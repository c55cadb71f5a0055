"""D-002-5: the network that was trained used torch's layers; this one is built from and trained with ours."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from loupe.data import Dataset, ImageDataset
from loupe.models import build_model
from loupe.models.layers import handwritten
from loupe.runtime import Streams

TORCHS = (
    nn.Conv2d, nn.modules.batchnorm._BatchNorm, nn.ReLU, nn.Linear, nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d
)  # fmt: skip


def build_both(depth: int, size: int = 16, **settings: object) -> tuple[nn.Module, nn.Module]:
    """Return the same network, with the same seed, from our layers and from torch's."""
    models = []
    for layers in ("handwritten", "torch"):
        with Streams(3).as_global("model"):
            models.append(
                build_model(
                    "resnet",
                    in_channels=3,
                    image_size=(size, size),
                    num_classes=10,
                    depth=depth,
                    layers=layers,
                    **settings,
                )
            )
    return models[0], models[1]


def draw_images(count: int, size: int) -> Tensor:
    return torch.randn(count, 3, size, size, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("depth", [18, 20, 50])
def test_the_same_seed_gives_the_same_state(depth: int) -> None:
    ours, theirs = build_both(depth)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    for name, value in theirs.state_dict().items():
        assert torch.equal(ours.state_dict()[name], value), name
    assert not [module for module in ours.modules() if isinstance(module, TORCHS)]


@pytest.mark.parametrize(
    ("depth", "size", "settings"),
    [
        (18, 8, {}),
        (20, 8, {"pool": "max"}),
        pytest.param(18, 32, {}, marks=pytest.mark.slow),
        pytest.param(50, 16, {}, marks=pytest.mark.slow),
        pytest.param(20, 32, {}, marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize("is_training", [True, False], ids=["training", "evaluation"])
def test_output_gradients_and_statistics_equal_those_of_torchs_layers(
    depth: int, size: int, settings: dict[str, object], is_training: bool
) -> None:
    # float64: the two add up in another order, which a deep network in training amplifies in float32
    ours, theirs = (model.double().train(is_training) for model in build_both(depth, size, **settings))
    images, labels = draw_images(6, size).double(), torch.arange(6)
    outputs = [model(images) for model in (ours, theirs)]
    assert torch.allclose(outputs[0], outputs[1], atol=1e-8)
    handwritten.CrossEntropy()(outputs[0], labels).backward()
    F.cross_entropy(outputs[1], labels).backward()
    for (name, mine), parameter in zip(ours.named_parameters(), theirs.parameters(), strict=True):
        assert torch.allclose(mine.grad, parameter.grad, atol=1e-8, rtol=1e-6), name
    for (name, mine), buffer in zip(ours.named_buffers(), theirs.named_buffers(), strict=True):
        assert torch.allclose(mine, buffer[1]), name


@pytest.mark.parametrize("depth", [18, 20])
def test_single_precision_agrees_too(depth: int) -> None:
    ours, theirs = build_both(depth)
    images = draw_images(6, 8)
    for is_training in (True, False):
        assert torch.allclose(ours.train(is_training)(images), theirs.train(is_training)(images), atol=1e-4)


def test_it_trains(digits: Dataset) -> None:
    """D-002-5, on real digits: the loss falls far below that of guessing, ln 10 = 2.3."""
    few: ImageDataset = digits.train.select(torch.arange(256))
    images, labels = few.images.float() / 255, few.labels.long()
    with Streams(0).as_global("model"):
        model = build_model(
            "resnet",
            in_channels=images.shape[1],
            image_size=tuple(images.shape[2:]),
            num_classes=10,
            depth=20,
            layers="handwritten",
        )
    loss_of, losses = handwritten.CrossEntropy(), []
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    for step in range(20):
        batch = slice(step % 4 * 64, (step % 4 + 1) * 64)
        loss = loss_of(model(images[batch]), labels[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[0] > 2
    assert sum(losses[-4:]) / 4 < 0.7
    model.eval()
    with torch.no_grad():
        assert (model(images).argmax(1) == labels).float().mean() > 0.6, "the running statistics are of use"
