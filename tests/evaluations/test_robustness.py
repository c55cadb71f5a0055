"""Corruptions beside their published definitions, and a network that one of them breaks."""

import colorsys
import io

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.ndimage import gaussian_filter

from loupe.data import ImageDataset
from loupe.data.corruptions import CORRUPTIONS, corrupt


@pytest.fixture
def images() -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    coarse = torch.randint(256, (40, 3, 8, 8), generator=generator).float()
    return torch.nn.functional.interpolate(coarse, 32, mode="bilinear").to(torch.uint8)


@pytest.mark.parametrize("name", CORRUPTIONS)
@pytest.mark.parametrize("channels", [1, 3])
def test_each_repeats_keeps_the_form_and_grows_worse(name: str, channels: int, images: torch.Tensor) -> None:
    some = images[:, :channels]
    before = some.clone()
    harm = []
    for severity in range(1, 6):
        spoilt = corrupt(some, name, severity, seed=1)
        assert spoilt.shape == some.shape
        assert spoilt.dtype == torch.uint8
        assert torch.equal(spoilt, corrupt(some, name, severity, seed=1))
        harm.append(float((spoilt.float() - some.float()).abs().mean()))
    assert torch.equal(some, before)
    assert harm[0] > 0
    assert harm[4] > harm[0]
    if name != "pixelate":  # its constants share factors with the size of the image or do not
        assert harm == sorted(harm)


def test_noise_has_the_published_size() -> None:
    grey = torch.full((50, 1, 32, 32), 128, dtype=torch.uint8)
    pixel = 128 / 255
    for severity, std in enumerate((0.04, 0.06, 0.08, 0.09, 0.10), 1):
        assert float((corrupt(grey, "Gaussian noise", severity, 0) / 255).std()) == pytest.approx(
            std, rel=0.03
        )
    for severity, photons in enumerate((500, 250, 100, 75, 50), 1):
        spread = float((corrupt(grey, "shot noise", severity, 0) / 255).std())
        assert spread == pytest.approx((pixel / photons) ** 0.5, rel=0.04)
    for severity, share in enumerate((0.01, 0.02, 0.03, 0.05, 0.07), 1):
        hit = corrupt(grey, "impulse noise", severity, 0)
        assert float((hit != 128).double().mean()) == pytest.approx(share, rel=0.08)
        assert set(hit.unique().tolist()) == {0, 128, 255}


def test_blur_contrast_and_brightness_are_as_published(images: torch.Tensor) -> None:
    one = images[0].permute(1, 2, 0).numpy() / 255
    for severity, sigma in enumerate((0.4, 0.6, 0.7, 0.8, 1.0), 1):
        expected = gaussian_filter(one, (sigma, sigma, 0), mode="nearest", truncate=4) * 255
        found = corrupt(images[:1], "blur", severity, 0)[0].permute(1, 2, 0).numpy()
        assert np.abs(found - expected).max() <= 1
    for severity, factor in enumerate((0.75, 0.5, 0.4, 0.3, 0.15), 1):
        means = one.mean((0, 1), keepdims=True)
        expected = np.clip((one - means) * factor + means, 0, 1) * 255
        found = corrupt(images[:1], "contrast", severity, 0)[0].permute(1, 2, 0).numpy()
        assert np.abs(found - expected).max() <= 1
    for severity, step in enumerate((0.05, 0.1, 0.15, 0.2, 0.3), 1):
        found = corrupt(images[:1], "brightness", severity, 0)[0]
        for row, column in ((0, 0), (5, 9), (31, 31)):
            hue, saturation, value = colorsys.rgb_to_hsv(*one[row, column])
            expected = np.array(colorsys.hsv_to_rgb(hue, saturation, min(1, value + step))) * 255
            assert np.abs(found[:, row, column].numpy() - expected).max() <= 1


def test_jpeg_and_pixels_are_pillows(images: torch.Tensor) -> None:
    picture = Image.fromarray(images[3].permute(1, 2, 0).numpy())
    for severity, quality in enumerate((80, 65, 58, 50, 40), 1):
        file = io.BytesIO()
        picture.save(file, "JPEG", quality=quality)
        found = corrupt(images, "JPEG", severity, 0)[3].permute(1, 2, 0).numpy()
        assert np.array_equal(found, np.array(Image.open(file)))
    for severity, share in enumerate((0.95, 0.9, 0.85, 0.75, 0.65), 1):
        side = int(32 * share)
        small = picture.resize((side, side), Image.Resampling.BOX).resize((32, 32), Image.Resampling.BOX)
        found = corrupt(images, "pixelate", severity, 0)[3].permute(1, 2, 0).numpy()
        assert np.array_equal(found, np.array(small))


def test_a_network_that_reads_a_fine_pattern_loses_it_under_blur(few_digits: ImageDataset) -> None:
    """A class whose only mark is a checkerboard, for a network that looks for just that."""
    from loupe.data.normalization import Normalization
    from loupe.evaluations import LookedAt, Network, Subject, Table, carry_out, choose_evaluation
    from loupe.models.layer_table import describe_layers

    board = ((torch.arange(28)[:, None] + torch.arange(28)) % 2).float()
    levels = torch.randint(100, 156, (200, 1, 1, 1)).expand(200, 1, 28, 28).float()
    labels = torch.arange(200) % 2
    pixels = levels + 60 * (board - 0.5) * (labels == 1).float().view(-1, 1, 1, 1)
    images = ImageDataset(pixels.to(torch.uint8), labels, ("plain", "checked"), "made")
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 2))
    with torch.no_grad():
        weight = (board - 0.5).flatten() / 784
        model[1].weight.copy_(torch.stack([-weight, weight]))
        model[1].bias.copy_(torch.tensor([0.022, -0.022]))
    layers = describe_layers(model, in_channels=1, image_size=(28, 28))
    network = Network(model.eval(), Normalization((0.0,), (1.0,)), layers, torch.device("cpu"))
    answers = network.predict(images)
    assert bool(answers.is_right.all())
    subject = Subject(
        "classification", images.class_names, (LookedAt("validation", answers, images),), network=network
    )
    (look,) = carry_out([choose_evaluation("robustness")], subject).looks
    assert not look.failure
    assert "Class checked is shown to lose more than the other classes, " in look.sentence
    by_class = [one for one in look.blocks if isinstance(one, Table)][-1]
    column = [one.heading for one in by_class.columns].index("blur")
    lost = {row[0]: row[column] for row in by_class.rows}
    assert lost == {"plain": 0, "checked": pytest.approx(0.8, abs=0.21)}
