import pytest
import torch

from loupe.data import load_dataset
from loupe.data.normalization import (
    PRESETS,
    Normalization,
    find_known_problem,
    find_preset,
    measure_normalization,
)
from loupe.errors import DataError

from ..conftest import needs_official_data


def test_measured_constants_equal_the_pixels_own() -> None:
    images = torch.randint(0, 256, (50, 3, 7, 5), dtype=torch.uint8)
    measured = measure_normalization(images)
    pixels = images.double() / 255
    assert measured.mean == pytest.approx(pixels.mean((0, 2, 3)).tolist(), abs=1e-12)
    assert measured.std == pytest.approx(pixels.std((0, 2, 3), correction=0).tolist(), abs=1e-12)
    inputs = measured.apply(images)
    assert inputs.mean((0, 2, 3)).tolist() == pytest.approx([0, 0, 0], abs=1e-5)
    assert inputs.std((0, 2, 3), correction=0).tolist() == pytest.approx([1, 1, 1], abs=1e-5)


def test_a_channel_that_never_changes_is_not_divided_by_zero() -> None:
    images = torch.full((4, 1, 2, 2), 7, dtype=torch.uint8)
    assert measure_normalization(images).apply(images).abs().max() < 1e-6


def test_invert_gives_back_the_pixels() -> None:
    """D-002-9: images were shown normalised, with clipped colours."""
    images = torch.randint(0, 256, (5, 3, 4, 4), dtype=torch.uint8)
    normalization = Normalization((0.4, 0.5, 0.6), (0.2, 0.25, 0.3))
    shown = normalization.invert(normalization.apply(images))
    assert torch.equal((shown * 255).round().to(torch.uint8), images)


def test_an_unknown_preset_is_refused() -> None:
    with pytest.raises(DataError, match="did you mean: cifar10"):
        find_preset("cifar-10")


@needs_official_data
@pytest.mark.parametrize("name", ["cifar10", "fashion-mnist"])
def test_presets_agree_with_the_official_pixels(name: str) -> None:
    measured = measure_normalization(load_dataset(name).train.images)
    preset = PRESETS[name].normalization
    assert measured.mean == pytest.approx(preset.mean, abs=6e-4)
    assert measured.std == pytest.approx(preset.std, abs=6e-4)


@needs_official_data
def test_the_widely_copied_cifar_sd_is_the_mean_of_per_image_sds_and_warned_of() -> None:
    """D-X-1: .2023/.1994/.2010 is not the deviation of the pixels."""
    images = load_dataset("cifar10").train.images
    wrong = PRESETS["cifar10-per-image-sd"].normalization
    sums = torch.zeros(3, dtype=torch.float64)
    for some in images.split(5000):
        sums += (some.double() / 255).flatten(2).std(2, correction=0).sum(0)
    per_image = (sums / len(images)).tolist()
    assert per_image == pytest.approx(wrong.std, abs=0.001)
    measured = measure_normalization(images)
    ratios = [right / copied for right, copied in zip(measured.std, wrong.std, strict=True)]
    assert min(ratios) > 1.2  # inputs come out 22 to 31 % too large
    assert max(ratios) < 1.32
    assert find_known_problem(wrong) is not None
    assert find_known_problem(Normalization(wrong.mean, (0.2024, 0.1995, 0.2011))) is not None
    assert find_known_problem(measured) is None
