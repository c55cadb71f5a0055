"""Links in folders and tables of images: read, counted, said, or refused by name; no circle is followed."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from loupe.data import Dataset, load_dataset, split_dataset
from loupe.data.image_files import list_images
from loupe.data.overlaps import find_overlaps
from loupe.errors import DataError

COUNT = 30  # images a class


@pytest.fixture
def root(tmp_path: Path) -> Path:
    fill(tmp_path / "crops")
    return tmp_path / "crops"


def fill(root: Path) -> None:
    noise = np.random.default_rng(len(root.name))
    for name in ("cat", "dog"):
        (root / name).mkdir(parents=True)
        for index in range(COUNT):
            pixels = noise.integers(0, 256, (6, 5, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(root / name / f"{index}.png")


def load(root: Path, **settings: object) -> Dataset:
    return load_dataset("folder", path=str(root), **settings)


def take_notes(root: Path) -> str:
    return " ".join(load(root).notes)


def test_a_folder_of_links_is_the_folder_they_lead_to(root: Path, tmp_path: Path) -> None:
    """DVC, git-annex and tools that save disk keep images so."""
    linked, hard = tmp_path / "linked", tmp_path / "hard"
    for path in root.rglob("*.png"):
        for other in (linked, hard):
            (other / path.parent.name).mkdir(parents=True, exist_ok=True)
        (linked / path.relative_to(root)).symlink_to(path)
        (hard / path.relative_to(root)).hardlink_to(path)
    plain = load(root)
    assert not plain.notes
    for other in (linked, hard):
        assert (load(other).train.digest, load(other).test.digest) == (plain.train.digest, plain.test.digest)
    assert load(linked).notes == ("In linked, 60 images are links, 60 of them to files outside it.",)
    assert not load(hard).notes, "another name outside is no matter of this folder's"


@pytest.mark.parametrize("kind", ["symlink", "hardlink", "copy"])
def test_a_file_in_two_places_counts_as_a_copy_would(root: Path, kind: str) -> None:
    again = root / "cat" / "again.png"
    if kind == "copy":
        shutil.copy(root / "cat" / "3.png", again)
    else:
        getattr(again, f"{kind}_to")(root / "cat" / "3.png")
    dataset = load(root)
    assert len(dataset.train) + len(dataset.test) == 2 * COUNT + 1
    copied = root.parent / "copied"
    shutil.copytree(root, copied)  # links become files
    assert load(copied).train.digest == dataset.train.digest
    link = "1 image is a link; " if kind == "symlink" else ""
    twice = "1 image is a file listed before (cat/again.png is cat/3.png), each counted as a copy would be"
    assert dataset.notes == ((f"In crops, {link}{twice}.",) if kind != "copy" else ())


@pytest.mark.parametrize("kind", ["symlink", "hardlink"])
def test_equal_files_are_on_one_side_and_under_two_classes_said(root: Path, kind: str) -> None:
    for index in range(COUNT):
        getattr(root / "cat" / f"again-{index}.png", f"{kind}_to")(root / "cat" / f"{index}.png")
    getattr(root / "dog" / "stray.png", f"{kind}_to")(root / "cat" / "0.png")
    overlaps = find_overlaps(split_dataset(load(root), validation=0.3))
    assert not overlaps.across, "no link has its file on another side"
    assert overlaps.num_under_two_classes == 1
    assert overlaps.examples == ("cat and dog",)


def test_links_between_parts_are_found(root: Path, tmp_path: Path) -> None:
    parts = tmp_path / "parts"
    shutil.copytree(root, parts / "train")
    fill(parts / "test")
    (parts / "test" / "cat" / "stray.png").symlink_to(parts / "train" / "cat" / "0.png")
    dataset = load(parts)
    assert "1 image is a file listed before (test/cat/stray.png is train/cat/0.png)" in dataset.notes[0]
    (found,) = find_overlaps(split_dataset(dataset, validation=0.3)).across
    assert (found.part, found.count) == ("test", 1)


def test_a_linked_class_folder_is_read(root: Path, tmp_path: Path) -> None:
    moved = tmp_path / "elsewhere"
    shutil.move(root / "dog", moved)
    (root / "dog").symlink_to(moved)
    dataset = load(root)
    assert dataset.train.class_names == ("cat", "dog")
    assert len(dataset.train) + len(dataset.test) == 2 * COUNT


@pytest.mark.parametrize(
    ("link", "target", "said"),
    [
        ("puma", "cat", "puma is cat"),
        ("loop", ".", "cat lies within loop"),
        ("above", "..", "cat lies within above"),
        ("kitten", "cat/kitten", "kitten lies within cat"),
    ],
)
def test_folders_that_are_one_folder_are_refused(root: Path, link: str, target: str, said: str) -> None:
    (root / "cat" / "kitten").mkdir()
    shutil.copy(root / "cat" / "0.png", root / "cat" / "kitten" / "0.png")
    (root / link).symlink_to(target)
    with pytest.raises(DataError, match="hold the same images, by a link") as refused:
        load(root)
    assert refused.value.got == said
    assert f"remove the link {link}" in str(refused.value.next_step)


def test_a_test_part_that_is_the_training_part_is_refused(root: Path, tmp_path: Path) -> None:
    parts = tmp_path / "parts"
    shutil.copytree(root, parts / "train")
    (parts / "test").symlink_to("train")
    with pytest.raises(DataError, match="by a link") as refused:
        load(parts)
    assert refused.value.got == "test/cat is train/cat"
    assert refused.value.next_step == "remove the link test"


def test_circles_and_links_below_the_classes_are_counted_and_not_followed(root: Path) -> None:
    (root / "cat" / "up").symlink_to("..")
    (root / "cat" / "self").symlink_to("self")
    (root / "dog" / "turn.png").symlink_to("turn.png")
    (root / "dog" / "gone.png").symlink_to("nowhere.png")
    (root / "dog" / "zero.png").symlink_to("/dev/zero")
    os.mkfifo(root / "dog" / "pipe.png")
    (root / "lost.png").symlink_to("nowhere.png")
    dataset = load(root)
    assert len(dataset.train) + len(dataset.test) == 2 * COUNT
    assert dataset.notes == (
        "Passed over in crops: 1 linked folders, 5 links that lead nowhere, 1 pipes, sockets or devices.",
    )
    assert len(list_images(root)) == 2 * COUNT, "what is predicted for goes in no circle either"


def test_a_class_whose_link_leads_nowhere_is_not_lost_in_silence(root: Path) -> None:
    for name in ("bird", "round"):
        (root / name).symlink_to("/not/mounted" if name == "bird" else name)
    with pytest.raises(DataError, match="lead nowhere") as refused:
        load(root)
    assert refused.value.got == "bird -> /not/mounted, round -> round"


def test_a_table_that_names_a_file_in_two_ways_says_so(root: Path) -> None:
    (root / "dog" / "link.png").symlink_to(root / "dog" / "1.png")
    rows = [f"{name}/{index}.png,{name}" for name in ("cat", "dog") for index in range(COUNT)]
    rows += ["cat/../cat/0.png,cat", f"{root}/cat/1.png,cat", "dog/link.png,dog"]
    table = root / "labels.csv"
    table.write_text("path,label\n" + "\n".join(rows) + "\n", encoding="utf-8")
    dataset = load_dataset("csv", path=str(table))
    assert len(dataset.train) + len(dataset.test) == 2 * COUNT + 3
    assert "1 image is a link; 3 images are files listed before" in dataset.notes[0]
