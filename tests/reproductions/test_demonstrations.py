"""Defects shown beside what is right: each has to go wrong as published, and right as corrected."""

from pathlib import Path

import pytest
import torch

from loupe.data import Dataset, Splits, split_dataset
from loupe.data.augmentations import build_augmentation
from loupe.data.normalization import Normalization
from loupe.reproductions.batch_sums import measure_error, sum_batches
from loupe.reproductions.demonstrations import DEMONSTRATIONS, ON_TRAINED
from loupe.reproductions.files import list_reproductions, read_reproduction
from loupe.reproductions.judged_crops import crop_images
from loupe.reproductions.plain_training import build_plainly, train_plainly
from loupe.reproductions.report import Demonstration, write_reproduction
from loupe.reproductions.shared_weights import place_encoder
from tests.conftest import needs_official_data

UNIT = Normalization((0.0,), (1.0,))
WIDTHS = (32, 8)


@pytest.fixture(scope="module")
def splits(digits: Dataset) -> Splits:
    return split_dataset(digits, validation=256)


def test_every_demonstration_is_asked_for_by_a_source() -> None:
    sources = [read_reproduction(source) for source in list_reproductions()]
    assert {name for source in sources for name in source.demonstrations} == set(DEMONSTRATIONS)
    assert {shown.name for source in sources for shown in source.shown} == set(ON_TRAINED)


def test_sums_of_batches_fall_with_the_batch_size_and_means_do_not(splits: Splits) -> None:
    model = build_plainly("autoencoder", splits, 0, widths=WIDTHS)
    error = measure_error(model, splits.validation, 16)
    for size in (16, 64, 256):
        assert sum_batches(model, splits.validation, size) == pytest.approx(error / size, rel=1e-5)
        assert measure_error(model, splits.validation, size) == pytest.approx(error, rel=1e-5)


def test_layers_that_are_shared_change_the_autoencoder_and_copies_do_not(splits: Splits) -> None:
    for is_shared in (False, True):
        autoencoder = build_plainly("autoencoder", splits, 0, widths=WIDTHS)
        before = autoencoder.get_submodule("encoder.dense1").get_parameter("weight").detach().clone()
        classifier = build_plainly("mlp", splits, 0, widths=WIDTHS)
        place_encoder(classifier, autoencoder, is_shared=is_shared)
        assert torch.equal(classifier.get_submodule("dense1").get_parameter("weight"), before)
        train_plainly(classifier, splits, UNIT, 0, num_epochs=1, learning_rate=0.01)
        after = autoencoder.get_submodule("encoder.dense1").get_parameter("weight")
        assert torch.equal(after, before) != is_shared


def test_judged_crops_change_images_and_keep_labels(splits: Splits) -> None:
    images = splits.validation
    cropped = crop_images(images, [build_augmentation("random-resized-crop", scale=(0.08, 1.0))], 0)
    assert cropped.images.shape == images.images.shape
    assert torch.equal(cropped.labels, images.labels)
    assert (cropped.images != images.images).flatten(1).any(1).float().mean() > 0.9
    again = crop_images(images, [build_augmentation("random-resized-crop", scale=(0.08, 1.0))], 0)
    assert torch.equal(again.images, cropped.images)


def test_a_page_names_what_the_figures_of_a_demonstration_are(tmp_path: Path) -> None:
    shown = Demonstration("D-1", "A defect", "What was done.", (("wrong", "50 %", ""),), figure="accuracy")
    page = write_reproduction(tmp_path, read_reproduction("002"), [], {}, [shown], is_quick=True)
    assert "accuracy</th>" in page.read_text(encoding="utf-8")
    assert "| | accuracy | seeds |" in (tmp_path / "report.md").read_text(encoding="utf-8")


def read_figures(shown: Demonstration) -> dict[str, float]:
    return {setting: float(figure.removesuffix(" %")) for setting, figure, _ in shown.rows}


@pytest.mark.slow
@needs_official_data
def test_demonstrations_go_wrong_as_published_and_right_as_corrected() -> None:
    sums = read_figures(DEMONSTRATIONS["batch-sums"](is_quick=True))
    assert sums["as published, batches of 16"] > 30 * sums["as published, batches of 512"]
    untrained = sums["as published, the same before any training, batches of 512"]
    assert untrained < sums["as published, batches of 16"]
    assert sums["corrected, batches of 16"] == pytest.approx(sums["corrected, batches of 512"], rel=1e-4)
    shared = read_figures(DEMONSTRATIONS["shared-weights"](is_quick=True))
    before = shared["the autoencoder's error before"]
    assert shared["the autoencoder's error after classifiers that copied its layers"] == before
    assert shared["the autoencoder's error after classifiers that shared them"] > 2 * before
    crops = read_figures(DEMONSTRATIONS["judged-crops"](is_quick=True))
    for trained in ("trained on crops, as published", "trained on shifted images"):
        assert crops[f"{trained}; judged on the images"] > crops[f"{trained}; judged on crops, as published"]
    collapsed = read_figures(DEMONSTRATIONS["collapsed-autoencoder"](is_quick=True))
    assert collapsed["as published: pixels in [-1, 1]"] > 10 * collapsed["corrected: pixels in [0, 1]"]
