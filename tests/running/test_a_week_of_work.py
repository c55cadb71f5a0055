"""The engineer's week: crops as they come, made into a network, and the folder grows."""

import csv
from collections.abc import Iterator
from pathlib import Path
from statistics import fmean, stdev

import numpy as np
import pytest
from PIL import Image

import loupe
from loupe.data import Splits
from loupe.data.identity import to_keys
from loupe.errors import LoupeError
from loupe.running import load_recipe
from loupe.running.recipe_data import load_recipe_data, split_recipe_data
from loupe.runs import RunFolder

pytestmark = pytest.mark.slow

NAMES = ("bolt", "clip", "nut", "pin", "ring", "screw")
COUNTS = (1283, 705, 387, 213, 117, 64)
"""1:20, 2,769 pictures; with copies and unreadable files 3,000."""
NUM_COPIES, NUM_BROKEN, WRONG = 222, 9, 0.02
SIZE = 24


def draw_crop(label: int, random: np.random.Generator) -> np.ndarray:
    """Return a picture of 24 to 60 pixels: stripes whose direction is the class's, under noise.

    Directions of neighbouring classes overlap, so that sizes of classes move the best boundary between them:
    where classes lie apart, networks trained to the end do not care about sizes.
    """
    height, width = random.integers(24, 61, 2)
    angle = np.pi * label / len(NAMES) + random.normal(0, 0.26)
    rows, columns = np.mgrid[:height, :width] / 24
    waves = np.sin(9 * (rows * np.sin(angle) + columns * np.cos(angle)) + random.uniform(0, 6.3))
    levels = 128 + 40 * waves + random.normal(0, 55, (height, width))
    return np.clip(levels, 0, 255).astype(np.uint8)


def write_crops(root: Path, counts: tuple[int, ...], seed: int) -> Iterator[Path]:
    """Write crops, a folder a class, 2 % of them under another class, and yield their places."""
    random = np.random.default_rng(seed)
    for label, count in enumerate(counts):
        for index in range(count):
            filed = int(random.integers(len(NAMES))) if random.random() < WRONG else label
            path = root / NAMES[filed] / f"{NAMES[label]}-{seed}-{index}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(draw_crop(label, random)).save(path)
            yield path


@pytest.fixture(scope="module")
def crops(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("week") / "crops"
    paths = list(write_crops(root, COUNTS, 0))
    random = np.random.default_rng(1)
    for number, index in enumerate(random.choice(len(paths), NUM_COPIES, replace=False)):
        paths[index].with_name(f"copy-{number}.png").write_bytes(paths[index].read_bytes())
    for number in range(NUM_BROKEN):
        (root / NAMES[number % 6] / f"broken-{number}.png").write_bytes(b"\x89PNG\r\n\x1a\n cut off")
    assert sum(1 for _ in root.rglob("*.png")) == sum(COUNTS) + NUM_COPIES + NUM_BROKEN == 3000
    return root


def settle(data: dict[str, object], **more: object) -> dict[str, object]:
    return {"data": {"split_seed": 3, "validation": 0.15, **data}, **more}


def of_folder(crops: Path) -> dict[str, object]:
    pixels = {"image_size": SIZE, "fit": "resize", "on_unreadable": "skip"}
    return {"name": "folder", "path": str(crops), **pixels}


def split(data: dict[str, object]) -> Splits:
    recipe = load_recipe(settle(data))
    return split_recipe_data(recipe, load_recipe_data(recipe))


def describe(splits: Splits) -> dict[str, list[tuple[bytes, int]]]:
    """Return digest and label of every image by side."""
    tables = {"train": splits.train.table, "validation": splits.validation.table, "test": splits.test.table}
    return {
        side: sorted(zip(to_keys(table.digests), table.labels.tolist(), strict=True))
        for side, table in tables.items()
    }


@pytest.fixture(scope="module")
def old_run(crops: Path) -> RunFolder:
    return train(crops, 0)


def train(crops: Path, seed: int, *changes: str) -> RunFolder:
    recipe = settle(of_folder(crops), model={"name": "cnn", "conv_layers": 4, "width": 1}, name="week")
    quick = ("train.epochs=6", "train.batch_size=64", "train.clean_train_images=0", f"run.seed={seed}")
    judged = (
        "evaluate.metrics=macro_recall",
        "evaluate.select_by=macro_recall",
        "evaluate.look_inside=false",
    )
    return loupe.train(recipe, *quick, *judged, f"run.folder={crops.parent / 'runs'}", *changes)


def test_nine_unreadable_files_stop_it_until_they_are_to_be_skipped(crops: Path, old_run: RunFolder) -> None:
    with pytest.raises(LoupeError, match="9 ") as refused:
        split({**of_folder(crops), "on_unreadable": "refuse"})
    assert "on_unreadable" in str(refused.value)
    listed = old_run.unreadable_file.read_text(encoding="utf-8").splitlines()
    assert len(listed) == NUM_BROKEN
    assert all("broken-" in line for line in listed)


def test_folder_table_and_arrays_give_the_same_images_and_sides(crops: Path, old_run: RunFolder) -> None:
    folder = split(of_folder(crops))
    with (crops.parent / "crops.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["path", "label"])
        for path in sorted(crops.rglob("*.png")):
            rows.writerow([path.relative_to(crops).as_posix(), path.parent.name])
    table = {**of_folder(crops), "name": "csv", "path": str(crops.parent / "crops.csv"), "folder": str(crops)}
    assert describe(split(table)) == describe(folder)
    parts = [folder.train, folder.validation, folder.test.open("the test's own look")]
    np.savez(
        crops.parent / "crops.npz",
        images=np.concatenate([part.images[:, 0].numpy() for part in parts]),
        labels=np.concatenate([part.labels.numpy() for part in parts]),
    )
    arrays = {
        "name": "arrays",
        "path": str(crops.parent / "crops.npz"),
        "class_names": list(NAMES),
        "sides_of": str(old_run.path),  # arrays hold the images at one size: the run knows them by both
    }
    assert describe(split(arrays)) == describe(folder)


def test_copies_lie_on_one_side(crops: Path) -> None:
    sides = describe(split(of_folder(crops)))
    keys = {side: {key for key, _ in images} for side, images in sides.items()}
    assert not keys["train"] & keys["test"]
    assert not keys["train"] & keys["validation"]
    assert not keys["validation"] & keys["test"]


def test_balanced_training_lifts_macro_recall_beyond_noise(crops: Path) -> None:
    def recall(run: RunFolder) -> float:
        best = run.read_result().best
        assert best is not None
        assert best.test is not None
        return float(best.test.metrics["macro_recall"].value or 0)

    long = "train.epochs=15"  # until neither learns any more: after six, seeds differ more than ways do
    plain = [recall(train(crops, seed, long)) for seed in (0, 1, 2)]
    balanced = [recall(train(crops, seed, long, "train.sampling=balanced")) for seed in (0, 1, 2)]
    lifts = [after - before for before, after in zip(plain, balanced, strict=True)]
    interval = 4.303 * stdev(lifts) / 3**0.5  # Student's, 95 %, of three pairs
    assert fmean(lifts) - interval > 0, f"{plain} to {balanced}"


def test_old_weights_go_on_with_the_grown_folder_without_a_leak(crops: Path, old_run: RunFolder) -> None:
    grown = crops.parent / "grown"
    for path in sorted(crops.rglob("*.png")):
        target = grown / path.relative_to(crops)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
    new = list(write_crops(grown, (60, 60, 60, 60, 60, 60), 7))
    run = train(grown, 0, f"transfer.run={old_run.path}", "transfer.head=copied", "train.epochs=1")
    before, after = old_run.read_images(), run.read_images()
    assert before is not None
    assert after is not None
    assert not after.test.keys() & (before.trained() | before.selected())
    assert not after.validation.keys() & before.trained()
    assert len(after.train) + len(after.validation) + len(after.test) == (
        len(before.train) + len(before.validation) + len(before.test) + len(new)
    )
    assert before.test.keys() <= after.test.keys(), "what was a test image is one still"
    assert not [one for one in run.read_result().warnings if "this run starts from" in one]
