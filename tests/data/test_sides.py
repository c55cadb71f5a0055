"""Sides that stay: whatever becomes of other files, an image is where it was."""

import csv
import io
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from loupe.data import Dataset, KnownSides, Splits, load_dataset, split_dataset
from loupe.data.identity import ImageTable, to_keys
from loupe.data.manifest import read_manifest, write_manifest
from loupe.data.overlaps import find_overlaps, refuse_meaningless
from loupe.data.sides import describe_draw, draw_numbers, hold_out_by_image
from loupe.errors import DataError

NAMES = ("a", "b", "c")


def make_table(images: list[tuple[int, int]]) -> ImageTable:
    """Return a table of images given by content and label."""
    rows = np.array([content for content, _ in images], dtype=np.uint64)
    digests = np.zeros((len(images), 16), np.uint8)
    digests[:, :8] = rows[:, None].view(np.uint8).reshape(-1, 8)
    labels = torch.tensor([label for _, label in images], dtype=torch.int64)
    return ImageTable(torch.from_numpy(digests), labels)


contents = st.integers(0, 2**60)
histories = st.lists(
    st.tuples(st.sampled_from(["add", "delete", "duplicate", "relabel", "shuffle"]), contents), max_size=40
)


@given(histories, st.sampled_from([0.1, 0.2, 0.5]), st.integers(0, 5))
@settings(max_examples=100)
def test_no_history_of_a_folder_moves_an_image(
    history: list[tuple[str, int]], part: float, seed: int
) -> None:
    images = [(content * 7919 + label, label) for content in range(60) for label in range(3)]
    side_of: dict[int, bool] = {}
    for action, number in [("shuffle", 0), *history]:
        place = number % len(images)
        content, label = images[place]
        if action == "add":
            images.append((number, number % 3))
        elif action == "delete":
            del images[place]
        elif action == "duplicate":
            images.append((content, label))
        elif action == "relabel":
            images[place] = (content, (label + 1) % 3)
        else:
            images = images[place:] + images[:place]
        table = make_table(images)
        kept, held_out = hold_out_by_image(
            table, part, f"test {seed}", class_names=NAMES, setting="data.test_part"
        )
        assert sorted([*kept.tolist(), *held_out.tolist()]) == list(range(len(images)))
        for indices, is_held_out in ((kept, False), (held_out, True)):
            for index in indices.tolist():
                assert side_of.setdefault(images[index][0], is_held_out) == is_held_out, "an image moved"


def test_counts_lie_within_the_spread_that_is_stated() -> None:
    """Over 400 seeds, as the normal distribution has it: 95 % within two standard deviations."""
    table = make_table([(content, 0) for content in range(1000)] + [(7, 0)] * 30)
    copies = [31] + [1] * 999
    spread = math.sqrt(0.2 * 0.8 * sum(count**2 for count in copies))
    counts = [int((draw_numbers(table.identities, f"{seed}") < 0.2).sum()) for seed in range(400)]
    assert abs(np.mean(counts) - 206) < 3 * spread / math.sqrt(400)
    assert np.mean([abs(count - 206) <= 2 * spread for count in counts]) > 0.92
    assert f"206 ± {2 * spread:.0f} of 1,030 expected" in describe_draw(table, 0.2, 200, "test")


@given(st.floats(0.05, 0.9), st.floats(0.05, 0.9), st.integers(0, 3))
def test_smaller_parts_lie_inside_larger_ones(one: float, other: float, seed: int) -> None:
    table = make_table([(content, 0) for content in range(200)])
    small, large = sorted((one, other))
    numbers = draw_numbers(table.identities, f"fraction {seed}")
    assert set((numbers < small).nonzero().flatten().tolist()) <= set(
        (numbers < large).nonzero().flatten().tolist()
    )


def test_purposes_are_drawn_independently() -> None:
    table = make_table([(content, 0) for content in range(4000)])
    drawn = [draw_numbers(table.identities, purpose) for purpose in ("test", "validation 0", "validation 1")]
    correlations = np.corrcoef(torch.stack(drawn).numpy())
    assert np.abs(correlations - np.eye(3)).max() < 0.06
    assert all(abs(float(one.mean()) - 0.5) < 0.02 for one in drawn)


@given(st.integers(1, 50))
def test_a_count_is_held_to(count: int) -> None:
    table = make_table([(content, content % 3) for content in range(300)])
    try:
        _, held_out = hold_out_by_image(table, count, "x", class_names=NAMES, setting="data.validation")
    except DataError as error:
        assert "would hold no image of" in error.message  # noqa: PT017  # few images, three classes
    else:
        assert len(held_out) == count


def test_a_class_without_images_on_a_side_is_named() -> None:
    table = make_table([(content, 0) for content in range(100)] + [(1000, 1)])
    with pytest.raises(DataError) as caught:
        hold_out_by_image(table, 0.2, "x", class_names=("cat", "dog"), setting="data.test_part")
    assert caught.value.message in (
        "The held-out part would hold no image of dog.",
        "The kept part would hold no image of dog.",
    )
    assert "none of: dog (1 in all)" in str(caught.value.got)


@given(st.integers(2, 60), st.integers(1, 12), st.floats(0.05, 0.6))
def test_of_many_classes_a_side_that_judges_may_be_without_some(
    num_classes: int, count: int, part: float
) -> None:
    table = make_table([(label * 1000 + n, label) for label in range(num_classes) for n in range(count)])
    is_held_out = draw_numbers(table.identities, "x") < part
    kept, held_out = (len(table.labels[one].unique()) for one in (~is_held_out, is_held_out))
    is_well = kept == num_classes and (
        held_out == num_classes or (num_classes >= 20 and 2 * held_out >= num_classes)
    )
    names = tuple(map(str, range(num_classes)))
    if is_well:
        hold_out_by_image(table, part, "x", class_names=names, setting="data.validation")
    else:
        with pytest.raises(DataError, match="would hold no image of"):
            hold_out_by_image(table, part, "x", class_names=names, setting="data.validation")


# ---- a folder on disk


def write_images(root: Path, count: int = 40, seed: int = 0) -> None:
    generator = np.random.default_rng(seed)
    for name in ("cat", "dog"):
        (root / name).mkdir(parents=True, exist_ok=True)
        for index in range(count):
            pixels = generator.integers(0, 256, (4, 4), dtype=np.uint8)
            Image.fromarray(pixels).save(root / name / f"{seed}-{index}.png")


def load(root: Path, **settings: Any) -> Dataset:
    return load_dataset("folder", path=str(root), **settings)


def list_sides(root: Path, seed: int = 0, **settings: Any) -> dict[bytes, str]:
    splits = split_dataset(load(root, **settings), validation=0.2, seed=seed)
    tables = {"train": splits.train, "validation": splits.validation, "test": splits.test}
    return {key: side for side, part in tables.items() for key in to_keys(part.table.identities)}


def test_deleting_one_mislabelled_file_moves_no_other(tmp_path: Path) -> None:
    """F1-1: 120 of 601 test images stayed test images, and 436 new ones had been training images."""
    write_images(tmp_path)
    before = list_sides(tmp_path)
    (tmp_path / "cat" / "0-7.png").unlink()
    after = list_sides(tmp_path)
    assert len(after) == len(before) - 1
    assert all(before[key] == side for key, side in after.items())
    (tmp_path / "cat" / "0-8.png").rename(tmp_path / "dog" / "renamed.png")
    write_images(tmp_path, seed=1)
    grown = list_sides(tmp_path)
    assert len(grown) == len(after) + 80
    assert all(grown[key] == side for key, side in after.items())


def test_the_test_images_are_the_same_for_every_seed_and_size(tmp_path: Path) -> None:
    write_images(tmp_path)
    tests = [
        {key for key, side in list_sides(tmp_path, **settings).items() if side == "test"}
        for settings in ({}, {"seed": 5}, {"image_size": 3, "fit": "resize"}, {"colour": "colour"})
    ]
    assert all(one == tests[0] for one in tests)


def test_fractions_nest_and_leave_validation_alone(tmp_path: Path) -> None:
    write_images(tmp_path, 60)
    dataset = load(tmp_path)
    parts = [split_dataset(dataset, validation=0.2, fraction=part) for part in (0.3, 0.6, 1.0)]
    keys = [set(to_keys(one.train.table.identities)) for one in parts]
    assert keys[0] < keys[1] < keys[2]
    assert len({one.validation.digest for one in parts}) == 1
    assert "training image with probability 30 %" in " ".join(parts[0].draws)
    assert "test image with probability 20 %" in parts[0].draws[0]


def test_official_sets_are_divided_as_before(digits: Dataset) -> None:
    """Digests of commit 88aca72: published results rest on them."""
    splits = split_dataset(digits, validation=200, fraction=0.3, seed=0)
    assert splits.draws == ()
    assert splits.train.digest.startswith("5fd65e45827127ea")
    assert splits.validation.digest.startswith("63d086f8a219333c")
    assert digits.test.digest.startswith("eb95ef4cd47244e4")


# ---- lists, and sides of another run


def test_a_list_that_was_written_is_read_and_gives_the_same_sides(tmp_path: Path) -> None:
    write_images(tmp_path / "images")
    splits = split_dataset(load(tmp_path / "images"), validation=0.2, seed=3)
    file = tmp_path / "sides.csv"
    file.write_text(write_manifest(splits))
    again = split_dataset(load(tmp_path / "images", sides=read_manifest(file)), validation=0.5, seed=9)
    for part in ("train", "validation", "test"):
        one, other = getattr(splits, part).table, getattr(again, part).table
        assert sorted(to_keys(one.identities)) == sorted(to_keys(other.identities))


def test_a_list_of_ones_own(tmp_path: Path) -> None:
    write_images(tmp_path / "images", 6)
    file = tmp_path / "mine.csv"
    rows = [
        (f"{name}/0-{index}.png", name, ["train", "Val", "TEST"][index % 3])
        for name in ("cat", "dog")
        for index in range(6)
    ]
    text = io.StringIO()
    csv.writer(text).writerows([("path", "label", "split"), *rows])
    file.write_text(text.getvalue())
    splits = split_dataset(load(tmp_path / "images", sides=read_manifest(file)), validation=0.1)
    for part, wanted in ((splits.train, (0, 3)), (splits.validation, (1, 4)), (splits.test, (2, 5))):
        paths = {f"{name}/0-{index}.png" for name in ("cat", "dog") for index in wanted}
        assert set(part.table.paths) == paths


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text.replace("split", "side"), "The list .* cannot be used"),
        (lambda text: text.replace(",validation,", ",valdation,", 1), "names a side that is none, in line"),
        (lambda text: "\n".join(text.split("\n")[:20]), "images of the data are not in it"),
        (lambda text: text + "cat/no.png,cat,train,\n", "images in it are not in the data"),
        (lambda text: text.replace(",cat,", ",dog,", 1), "images have another class"),
        (lambda text: text + text.split("\n")[1].replace("train", "test") + "\n", "stands on two sides"),
        (lambda text: text + ",,train,\n", "names no image"),
        (lambda text: text + "x" * 200_000, "cannot be used|not in the data"),
    ],
)
def test_a_list_that_does_not_fit_is_refused(tmp_path: Path, change: Any, message: str) -> None:
    write_images(tmp_path / "images")
    file = tmp_path / "sides.csv"
    file.write_text(change(write_manifest(split_dataset(load(tmp_path / "images"), validation=0.2))))
    with pytest.raises(DataError, match=message):
        load(tmp_path / "images", sides=read_manifest(file))


def test_sides_of_another_run_hold_and_new_images_are_drawn(tmp_path: Path) -> None:
    write_images(tmp_path)
    before = list_sides(tmp_path, seed=0)
    write_images(tmp_path, seed=1)
    known = KnownSides("a run", before)
    splits = split_dataset(load(tmp_path, sides=known), validation=0.2, seed=77)
    tables = {"train": splits.train, "validation": splits.validation, "test": splits.test}
    now = {key: side for side, part in tables.items() for key in to_keys(part.table.identities)}
    assert len(now) == 160
    assert all(now[key] == side for key, side in before.items())
    new = [side for key, side in now.items() if key not in before]
    assert {"train", "validation", "test"} == set(new)


def test_sides_of_official_images(digits: Dataset) -> None:
    splits = split_dataset(digits, validation=200, seed=5)
    known = KnownSides("a run", dict.fromkeys(splits.validation.table.keys(), "validation"))
    again = split_dataset(load_dataset("digits", sides=known), validation=0.1, seed=0)
    assert set(again.validation.table.keys()) == set(splits.validation.table.keys())
    assert len(again.train) == 1237


# ---- images where they should not be


def overlapping(root: Path, copies: int, part: str = "test") -> Splits:
    write_images(root / "train", 20)
    write_images(root / part, 20, seed=1)
    for index in range(copies):
        for name in ("cat", "dog"):
            content = (root / "train" / name / f"0-{index}.png").read_bytes()
            (root / part / name / f"1-{index}.png").write_bytes(content)
    return split_dataset(load(root), validation=0.2)


@pytest.mark.parametrize("part", ["test", "validation"])
def test_images_on_two_sides_are_told_of_and_refused_beyond_half(tmp_path: Path, part: str) -> None:
    few = find_overlaps(overlapping(tmp_path / "few", 5, part))
    refuse_meaningless(few)
    assert any(f"of 40 {part} images are also" in sentence for sentence in few.describe())
    assert sum(one.count for one in few.across) == 10
    with pytest.raises(DataError, match=f"The {part} images are the training images"):
        refuse_meaningless(find_overlaps(overlapping(tmp_path / "many", 20, part)))


def test_identical_parts_are_refused(tmp_path: Path) -> None:
    write_images(tmp_path / "train")
    for part in ("validation", "test"):
        write_images(tmp_path / part, 10, seed=1)
    with pytest.raises(DataError, match="The test images are the validation images"):
        refuse_meaningless(find_overlaps(split_dataset(load(tmp_path), validation=0.2)))


def test_an_image_under_two_classes_is_told_of(tmp_path: Path) -> None:
    write_images(tmp_path)
    for index in range(5):
        content = (tmp_path / "cat" / f"0-{index}.png").read_bytes()
        (tmp_path / "dog" / f"copy-{index}.png").write_bytes(content)
    overlaps = find_overlaps(split_dataset(load(tmp_path), validation=0.2))
    assert overlaps.across == (), "equal images are on one side"
    assert list(overlaps.describe()) == [
        "5 images stand under more than one class (cat and dog): at most one label can be right."
    ]
