"""Runs whose images stay on disk: the same results, and never all images in memory at once."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import loupe
from loupe.data import StoredImages, stored_images
from loupe.reports.data_card import write_data_card
from loupe.running.recipe_data import load_recipe_data, load_run_splits, split_recipe_data
from loupe.runs import RunFolder
from loupe.using.verify_run import verify
from tests.quick_runs import StopAfter, is_same_weights

SIDE, COUNT = 6, 40_000
MOST = 10_500  # images at once; evaluations take samples of up to 10,000
QUICK = ('model={name="mlp", widths=[8]}', "train.batch_size=500", "data.validation=0.4", "run.threads=1")


def write_images(folder: Path, count: int) -> Path:
    """Write colour images of which each class is brightest in a place of its own, channels last."""
    generator = np.random.default_rng(0)
    labels = np.arange(count) % 4
    pixels = generator.integers(0, 200, (count, SIDE, SIDE, 3), dtype=np.uint8)
    pixels[np.arange(count), labels, labels] += 55
    folder.mkdir()
    np.save(folder / "images.npy", pixels)
    np.save(folder / "labels.npy", labels)
    return folder


def train(folder: Path, data: Path, *overrides: str, observers: list[StopAfter] | None = None) -> RunFolder:
    """Train for two epochs on arrays of one's own."""
    return loupe.train(
        "digits",
        *QUICK,
        'data.name="arrays"',
        f"data.path={data}",
        "train.epochs=2",
        f"run.folder={folder}",
        *overrides,
        observers=observers or [],
    )


@pytest.fixture
def few_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have it refused that more than a part of the images comes into memory, in whatever way."""
    monkeypatch.setattr(stored_images, "MOST_BYTES_AT_ONCE", MOST * SIDE * SIDE * 3)
    load = StoredImages.load

    def load_few(images: StoredImages) -> object:
        stored_images.refuse_too_many(len(images), images.bytes_of_one)
        return load(images)

    monkeypatch.setattr(StoredImages, "load", load_few)


@pytest.mark.thorough
def test_nothing_brings_all_images_into_memory(tmp_path: Path, few_at_once: None) -> None:
    data = write_images(tmp_path / "data", COUNT)
    run = train(
        tmp_path / "runs", data, "data.in_memory=false", observers=[StopAfter(1, KeyboardInterrupt())]
    )
    stopped = run.read_result()
    assert stopped is not None
    assert stopped.status == "interrupted"
    loupe.resume(run.path)
    result = run.read_result()
    assert result is not None
    assert result.status == "finished"
    looks = run.read_evaluations()
    assert looks is not None
    assert [look.failure for look in looks.looks if look.failure] == []
    assert run.read_environment()["images"] == "read from disk"
    assert "read from disk as they are needed" in run.log_file.read_text()
    (verified,) = verify(run.path, on_test=True)
    assert verified.describe() == "nothing altered", verified
    splits = load_run_splits(run)
    assert isinstance(splits.train.images, StoredImages)
    assert min(len(splits.train), len(splits.validation)) > MOST
    Image.fromarray(splits.validation.images[0].permute(1, 2, 0).numpy()).save(tmp_path / "one.png")
    assert len(loupe.predict(run.path, tmp_path / "one.png").answers) == 1
    evaluated = loupe.evaluate_run(run.path)
    assert [look.failure for look in evaluated.looks.looks if look.failure] == []
    write_data_card(tmp_path / "card", title="", splits=splits, augmentations=[], seed=0)
    loupe.export_run(run.path, out=tmp_path / "network.onnx")


@pytest.mark.thorough
def test_results_are_the_same_to_the_bit(tmp_path: Path) -> None:
    data = write_images(tmp_path / "data", 1200)
    both = [train(tmp_path / f"runs-{way}", data, f"data.in_memory={way}") for way in ("true", "false")]
    held, on_disk = both
    assert is_same_weights(held.best_file, on_disk.best_file)
    assert is_same_weights(held.checkpoint_file, on_disk.checkpoint_file)
    environments = [run.read_environment() for run in both]
    assert [one["images"] for one in environments] == ["in memory", "read from disk"]
    for name in ("recipe_digest", "data_digests", "test_content"):
        assert environments[0][name] == environments[1][name]
    ours, theirs = (run.read_evaluations() for run in both)
    assert ours is not None
    assert theirs is not None
    for one, other in zip(ours.looks, theirs.looks, strict=True):
        assert replace(one, seconds=0.0) == replace(other, seconds=0.0)
    assert np.load(held.predictions_file).files == np.load(on_disk.predictions_file).files
    for name in np.load(held.predictions_file).files:
        assert np.array_equal(np.load(held.predictions_file)[name], np.load(on_disk.predictions_file)[name])


def test_a_folder_of_files_is_read_from_the_cache(tmp_path: Path) -> None:
    generator = np.random.default_rng(1)
    for label in ("dark", "light"):
        (tmp_path / "crops" / label).mkdir(parents=True)
        for index in range(60):
            pixels = generator.integers(0, 120, (8, 8, 3), dtype=np.uint8) + (100 if label == "light" else 0)
            Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / "crops" / label / f"{index}.png")
    common = (
        "digits",
        *QUICK,
        'data.name="folder"',
        f"data.path={tmp_path / 'crops'}",
        "train.batch_size=20",
    )
    datasets = {}
    for way in ("true", "false", "auto"):
        recipe = loupe.load_recipe(common[0], [*common[1:], f"data.in_memory={way}"])
        datasets[way] = split_recipe_data(recipe, load_recipe_data(recipe))
    assert isinstance(datasets["false"].train.images, StoredImages)
    assert not isinstance(datasets["auto"].train.images, StoredImages), "120 small images fit"
    assert datasets["true"].train.digest == datasets["false"].train.digest == datasets["auto"].train.digest
    assert datasets["true"].train.paths == datasets["false"].train.paths
    assert datasets["true"].test.digest == datasets["false"].test.digest
