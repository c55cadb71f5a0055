"""Test images stay test images when data moves on and weights are handed on; else it is said, or refused."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import loupe
from loupe.data import load_dataset
from loupe.data.identity import to_keys
from loupe.errors import DataError
from loupe.runs import RunFolder
from loupe.using.compare_runs import compare_runs
from loupe.using.export_run import write_model_card
from tests.quick_runs import forget_images

pytestmark = pytest.mark.thorough

MLP = {"name": "mlp", "widths": [4]}
NAMES = ("cat", "dog")


def draw(count: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, 4, 4), dtype=np.uint8)


def save(root: Path, part: str, images: np.ndarray, prefix: str = "") -> None:
    """Write images into a part, by turns under each class; a row of one class is brighter."""
    for index, pixels in enumerate(images):
        path = root / part / NAMES[index % 2] / f"{prefix}{index}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)


def train(path: Path, folder: Path, *overrides: str, **data: Any) -> RunFolder:
    recipe = {"data": {"name": "folder", "path": str(path), **data}, "model": MLP}
    quick = ("train.epochs=1", "evaluate.look_inside=false", f"run.folder={folder}", "run.threads=1")
    return loupe.train(recipe, *quick, *overrides)


def read_sides(run: RunFolder) -> dict[str, set[bytes]]:
    record = run.read_images()
    assert record is not None
    return {side: set(to_keys(record.table(side).identities)) for side in ("train", "validation", "test")}


def test_clean_retrain_compare(tmp_path: Path) -> None:
    """F1-1: after one of 3,012 files was deleted, 436 of 601 test images had been training images."""
    save(tmp_path / "images", "", draw(500, 0))
    before = train(tmp_path / "images", tmp_path / "runs")
    victim = before.read_images().train.paths[0]
    (tmp_path / "images" / victim).unlink()
    after = train(tmp_path / "images", tmp_path / "runs")
    old, new = read_sides(before), read_sides(after)
    assert new["test"] == old["test"]
    assert new["validation"] == old["validation"]
    assert len(old["train"] - new["train"]) == 1
    assert not new["test"] & (old["train"] | old["validation"])


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> tuple[RunFolder, RunFolder]:
    """F1-2: a folder grows, is moved, and is divided anew; the old network is trained on.

    172 of the 345 validation images had been training images, 443 of the 862 test images training or
    validation images.
    """
    root = tmp_path_factory.mktemp("story")
    old = {"train": draw(1000, 1), "validation": draw(100, 2), "test": draw(200, 3)}
    for part, images in old.items():
        save(root / "old", part, images)
    new_train = np.concatenate([old["train"][700:], draw(500, 4)])
    save(root / "new", "train", new_train)
    save(root / "new", "validation", np.concatenate([old["train"][:172], draw(173, 5)]))
    test = [old["train"][200:563], old["validation"][:80], draw(419, 6)]
    assert sum(map(len, test)) == 862
    save(root / "new", "test", np.concatenate(test))
    first = train(root / "old", root / "runs")
    (root / "old").rename(root / "gone")
    return first, train(root / "new", root / "runs", f"transfer={first.path}", "transfer.head=copied")


def test_what_the_old_network_has_seen_judges_nothing(story: tuple[RunFolder, RunFolder]) -> None:
    first, second = story
    result = second.read_result()
    assert result is not None
    name = first.path.name
    assert f"172 of 345 validation images trained the weights of {name}" in " ".join(result.warnings)
    assert f"443 of 862 test images trained or selected the weights of {name}" in " ".join(result.warnings)
    assert (result.num_images["validation"], result.num_images["test"]) == (173, 419)
    assert result.best.test.num_images == 419
    sides, old = read_sides(second), read_sides(first)
    assert not sides["test"] & (old["train"] | old["validation"])
    assert not sides["validation"] & old["train"]


def test_the_counts_stand_in_report_and_model_card(
    story: tuple[RunFolder, RunFolder], tmp_path: Path
) -> None:
    _, second = story
    card = write_model_card(second.path, tmp_path / "card.md").card.read_text()
    assert "443 of 862 test images" in card
    assert "nor in how the weights it started from came about" in card
    assert str(second.read_recipe().data.settings["path"]) not in card, "a path of this machine went out"
    assert "443 of 862 test images" in second.report_file.read_text()


def test_such_a_run_resumes_and_its_images_are_found_again(story: tuple[RunFolder, RunFolder]) -> None:
    _, second = story
    second.report_file.unlink()
    before = second.best_file.read_bytes()
    loupe.resume(second.path)
    assert second.best_file.read_bytes() == before
    from loupe.using.inspect_run import load_validation_images

    assert len(load_validation_images(second)) == 173


def test_leaks_are_found_through_a_chain(story: tuple[RunFolder, RunFolder], tmp_path: Path) -> None:
    """Images that the first run trained on, and the second never saw, are test images of the third."""
    first, second = story
    images = np.concatenate([draw(1000, 1)[565:600], draw(60, 7)])  # in no part of the second's data
    save(tmp_path / "third", "train", draw(200, 8))
    save(tmp_path / "third", "test", images)
    third = train(
        tmp_path / "third",
        tmp_path / "runs",
        f"transfer={second.path}",
        "transfer.head=copied",
        validation=0.2,
    )
    assert f"35 of 95 test images trained or selected the weights of {second.path.name}" in " ".join(
        third.read_result().warnings
    )
    assert third.read_images().is_before_known
    assert first.read_images().train.keys() <= third.read_images().trained()


def test_too_few_unseen_images_are_refused(story: tuple[RunFolder, RunFolder], tmp_path: Path) -> None:
    first, _ = story
    save(tmp_path / "other", "train", draw(200, 9))
    save(tmp_path / "other", "test", np.concatenate([draw(1000, 1)[:100], draw(6, 10)]))
    with pytest.raises(DataError) as caught:
        train(tmp_path / "other", tmp_path / "runs", f"transfer={first.path}", validation=0.2)
    assert re.search(
        r"100 of 106 test images trained or selected weights .*; 6 are left", str(caught.value.got)
    )
    assert "data.sides_of=" in str(caught.value.next_step)
    assert not list((tmp_path / "runs").iterdir())


def test_taking_the_sides_of_the_first_run_leaves_nothing_out(tmp_path: Path) -> None:
    save(tmp_path / "images", "", draw(300, 11))
    first = train(tmp_path / "images", tmp_path / "runs", "data.split_seed=4")
    save(tmp_path / "images", "", draw(100, 12), "new")
    again = (f"transfer={first.path}", "transfer.head=copied", "run.seed=9")
    own = train(tmp_path / "images", tmp_path / "runs", *again)
    assert "validation images trained the weights" in " ".join(own.read_result().warnings)
    second = train(tmp_path / "images", tmp_path / "runs", *again, f"data.sides_of={first.path}")
    result = second.read_result()
    assert result.warnings == ()
    old, new = read_sides(first), read_sides(second)
    assert all(old[side] < new[side] for side in old)


def test_weights_of_an_earlier_version_are_told_of(tmp_path: Path) -> None:
    save(tmp_path / "images", "", draw(300, 13))
    first = train(tmp_path / "images", tmp_path / "runs")
    forget_images(first)
    known = train(tmp_path / "images", tmp_path / "runs", f"transfer={first.path}", "transfer.head=copied")
    assert known.read_result().warnings == (), "its data is still what it was"
    (tmp_path / "images" / first_file(tmp_path / "images")).unlink()
    unknown = train(tmp_path / "images", tmp_path / "runs", f"transfer={first.path}", "transfer.head=copied")
    (warning,) = unknown.read_result().warnings
    assert warning.startswith(
        f"Which images the weights of {first.path.name} have seen is not known: its data is"
    )
    assert not unknown.read_images().is_before_known
    card = write_model_card(unknown.path, tmp_path / "card.md").card.read_text()
    assert "which images the weights it started from have seen is not known" in card


def first_file(root: Path) -> str:
    dataset = load_dataset("folder", path=str(root))
    return dataset.train.paths[0]


def test_overlaps_within_the_data_are_said_everywhere(tmp_path: Path) -> None:
    """F1-7: five images under two classes, and test images that are training images."""
    images = draw(200, 14)
    save(tmp_path / "images", "train", images)
    save(tmp_path / "images", "test", np.concatenate([images[:10], draw(50, 15)]))
    for index in range(5):
        content = (tmp_path / "images" / "train" / "cat" / f"{2 * index + 20}.png").read_bytes()
        (tmp_path / "images" / "train" / "dog" / f"copy{index}.png").write_bytes(content)
    run = train(tmp_path / "images", tmp_path / "runs", validation=0.2)
    warnings = " ".join(run.read_result().warnings)
    assert "of 60 test images are also " in warnings
    assert "5 images stand under more than one class (cat and dog)" in warnings
    assert "Test images that are training or validation images too" in (
        write_model_card(run.path, tmp_path / "card.md").card.read_text()
    )


def test_runs_before_and_after_the_data_grew_are_compared_on_what_both_hold_out(tmp_path: Path) -> None:
    """F1-8: "All other fields are the same"."""
    save(tmp_path / "images", "", draw(300, 20))
    before = train(tmp_path / "images", tmp_path / "runs", validation=0.2)
    save(tmp_path / "images", "", draw(100, 21), "new")
    after = train(tmp_path / "images", tmp_path / "runs", validation=0.2)
    page = " ".join(compare_runs([before.path, after.path], tmp_path / "page.html").read_text().split())
    old, new = read_sides(before), read_sides(after)
    for side, name in (("train", "training"), ("validation", "validation"), ("test", "test")):
        assert old[side] < new[side]
        counts = f"{len(old[side])} in {before.path.name}, {len(new[side])} in {after.path.name}"
        assert f"The {name} images differ. Distinct ones: {counts}, {len(old[side])} in all of them." in page
    assert f"On the {len(old['test'])} test images that all of these runs hold out." in page
