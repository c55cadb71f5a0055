"""What people's folders look like: splits by many names, housekeeping, odd files, odd pictures, odd sizes."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from loupe.data import load_dataset
from loupe.data.image_folders import find_role, is_housekeeping, survey_images
from loupe.data.pixel_cache import find_cache_folder, list_entries, prune_entries
from loupe.errors import DataError

from .folders import fill, load, save
from .image_forms import write_png


@pytest.mark.parametrize(
    ("name", "role"),
    [
        *((name, "train") for name in ("train", "Train", "TRAINING", "train_set", "training-data")),
        *((name, "validation") for name in ("val", "valid", "Validation", "val2017", "validation_images")),
        *((name, "test") for name in ("test", "Testing", "test set", "test_images", "the test data")),
        *((name, None) for name in ("cat", "testament", "trainer", "valley", "dev", "data", "0")),
    ],
)
def test_a_folder_is_a_split_by_its_name(name: str, role: str | None) -> None:
    assert find_role(name) == role


@pytest.mark.parametrize(
    "names",
    [
        ("training", "testing"),
        ("Training", "Validation", "Testing"),
        ("train_set", "test_set"),
        ("trn", "tst"),
        ("train", "dev", "eval"),
        ("train2017", "val2017", "test2017"),
    ],
)
def test_splits_by_other_names_are_splits(tmp_path: Path, names: tuple[str, ...]) -> None:
    """training/ beside testing/ once became two classes."""
    dataset = load(fill(tmp_path, names))
    assert dataset.train.class_names == ("cat", "dog")
    assert len(dataset.train) == len(dataset.test) == 6
    assert (dataset.validation is not None) == (len(names) == 3)


@pytest.mark.parametrize(
    "names",
    [
        ("training", "cats"),
        ("train", "Train", "test"),
        ("train", "training"),
        ("testing", "validation"),
        ("train1", "train2"),
    ],
)
def test_folders_that_are_partly_splits_are_refused(tmp_path: Path, names: tuple[str, ...]) -> None:
    with pytest.raises(DataError, match="partly splits and partly not"):
        load(fill(tmp_path, names))


def test_words_that_may_name_a_class_do_so_among_classes(tmp_path: Path) -> None:
    for label, name in enumerate(("dev", "eval", "prod")):
        for index in range(40):
            save(tmp_path / name / f"{index}.png", 80 * label + index)
    assert load(tmp_path).train.class_names == ("dev", "eval", "prod")


def test_splits_within_classes_are_refused(tmp_path: Path) -> None:
    for name in ("cat", "dog"):
        fill(tmp_path / name, ("train", "test"))
    with pytest.raises(DataError, match=r"look like splits\.\n  got: cat/test, cat/train"):
        load(tmp_path)


@pytest.mark.parametrize(
    "name", [".ipynb_checkpoints", "__MACOSX", "@eaDir", "__pycache__", ".git", "$RECYCLE.BIN", "#recycle"]
)
def test_housekeeping_is_passed_over_at_every_depth(tmp_path: Path, name: str) -> None:
    fill(tmp_path)
    before = load(tmp_path)
    save(tmp_path / name / "cat" / "0.png", 9)
    save(tmp_path / "train" / name / "0.png", 9)
    save(tmp_path / "train" / "cat" / name / "0.png", 9)
    save(tmp_path / "train" / "cat" / "more" / name / "deep" / "0.png", 9)
    after = load(tmp_path)
    assert is_housekeeping(name)
    assert (after.train.digest, after.test.digest) == (before.train.digest, before.test.digest)
    assert after.notes == before.notes == ()


def test_what_is_passed_over_is_counted_in_one_line(tmp_path: Path) -> None:
    fill(tmp_path)
    for place in ("train/cat/1.heic", "train/dog/2.HEIC", "test/dog/raw", "train/cat/notes.txt"):
        (tmp_path / place).write_bytes(b"x")
    save(tmp_path / "loose.png", 3)
    save(tmp_path / "train" / "loose.png", 3)
    (tmp_path / "train" / "cat" / ".DS_Store").write_bytes(b"x")
    (tmp_path / "train" / "cat" / "linked").symlink_to(tmp_path / "train" / "dog")
    (note,) = load(tmp_path).notes
    assert note == (
        f"Passed over in {tmp_path.name}: 2 .heic, 1 .txt, 2 images beside the class folders, "
        "1 linked folders, 1 without an extension."
    )


def test_a_folder_that_cannot_be_opened_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    fill(tmp_path)
    closed, scan = tmp_path / "train" / "cat" / "closed", os.scandir
    closed.mkdir()

    def refuse(path: object) -> object:
        if str(path) == str(closed):
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr("os.scandir", refuse)
    survey = survey_images(tmp_path / "train" / "cat")
    assert survey.passed_over["folders that cannot be opened"] == 1
    assert len(survey.images) == 3


def test_frames_plain_images_and_dark_ones_are_said(tmp_path: Path) -> None:
    fill(tmp_path)
    frames = [Image.new("RGB", (4, 6), (9, 99, shade)) for shade in (0, 90)]
    frames[0].putpixel((0, 0), (200, 0, 0))
    frames[0].save(tmp_path / "train" / "cat" / "film.gif", save_all=True, append_images=frames[1:])
    Image.new("L", (4, 6), 77).save(tmp_path / "train" / "dog" / "blank.png")
    notes = "\n".join(load(tmp_path).notes)
    name = f"folder {tmp_path.name}"
    assert (
        f"1 of 14 files of {name} hold several frames or pages; the first was used: train/cat/film.gif."
        in notes
    )
    assert f"1 of 14 images of {name} are one plain shade: train/dog/blank.png." in notes
    assert "nearly black" not in notes


@pytest.mark.parametrize("bits", [8, 12])
def test_a_range_that_is_not_used_is_warned_of_and_can_be_set(tmp_path: Path, bits: int) -> None:
    """16-bit files of 8-bit or 12-bit values once trained on black."""
    for part in ("train", "test"):
        for label, name in enumerate(("cat", "dog")):
            for index in range(3):
                values = np.arange(24).reshape(4, 6) * (2**bits - 1) // 23
                values = np.roll(values, index + 3 * label + 6 * (part == "test"))
                place = tmp_path / part / name / f"{index}.png"
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(write_png(values, 16, 0))
    dark = load(tmp_path)
    assert int(dark.train.images.max()) == (2**bits - 1) >> 8
    assert any(f"data.bit_range={bits} reads them" in note for note in dark.notes)
    seen = load(tmp_path, bit_range=bits)
    assert int(seen.train.images.max()) == 255
    assert seen.notes == ()


def test_dark_images_of_8_bits_are_warned_of(tmp_path: Path) -> None:
    """Masks whose values are 0 and 1."""
    for part in ("train", "test"):
        for label, name in enumerate(("cat", "dog")):
            place = tmp_path / part / name / "0.png"
            place.parent.mkdir(parents=True)
            pixels = np.eye(5, 6, k=label + 2 * (part == "test"), dtype=np.uint8)
            Image.fromarray(pixels).save(place)
    (note,) = load(tmp_path).notes
    assert "No pixel of" in note
    assert "brighter than 1 of 255" in note


def test_sizes_are_told_before_anything_is_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path)
    for index, size in enumerate([(300, 400), (310, 420), (320, 410), (19, 50)] * 12):
        save(tmp_path / "train" / "cat" / f"photo{index}.png", index, size)
    monkeypatch.setattr("loupe.data.image_decoding.decode_picture", lambda *_: pytest.fail("decoded"))
    with pytest.raises(DataError) as caught:
        load(tmp_path)
    assert "data.image_size=128 data.fit=resize" in str(caught.value), "not the smallest side found"


@pytest.mark.parametrize(
    ("name", "next_step"),
    [
        ("x.npz", "data.name=arrays data.path="),
        ("x.npy", "data.name=arrays data.path="),
        ("x.csv", "data.name=csv data.path="),
        ("x.zip", "unpack it and name the folder: data.path="),
        ("x.png", "name its folder"),
    ],
)
def test_a_file_in_place_of_a_folder_is_told_what_it_is(tmp_path: Path, name: str, next_step: str) -> None:
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(DataError) as caught:
        load(tmp_path / name)
    assert "is a file, not a folder" in str(caught.value)
    assert next_step in str(caught.value)


def test_a_tilde_is_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    fill(tmp_path / "crops")
    assert len(load_dataset("folder", path="~/crops").train) == 6


def test_many_files_are_decoded_by_threads_as_few_are(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    for part in ("train", "test"):
        for name in ("cat", "dog"):
            (tmp_path / part / name).mkdir(parents=True)
            for index in range(40):
                pixels = generator.integers(0, 256, (9, 7, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(tmp_path / part / name / f"{index:02}.png")
    train = load(tmp_path).train
    for index, path in enumerate(train.paths or ()):
        expected = np.asarray(Image.open(tmp_path / path)).transpose(2, 0, 1)
        assert np.array_equal(train.images[index].numpy(), expected)


def test_the_cache_is_mapped_versioned_and_pruned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path)
    first = load(tmp_path)
    (entry,) = list_entries()
    assert entry.title == f"folder {tmp_path.name}"
    mapped = np.load(entry.path / "train_images.npy", mmap_mode="r")
    assert np.array_equal(mapped, first.train.images.numpy())
    monkeypatch.setattr("loupe.data.decoding.VERSION", 99)
    load(tmp_path)
    assert len(list_entries()) == 2, "another decoder reads the files anew"
    old = find_cache_folder().parent / "folders" / "old.npz"
    old.parent.mkdir()
    old.write_bytes(b"x")
    assert [one.path for one in prune_entries(older_than_days=1)] == [old]
    newest = list_entries()[0]
    assert len(prune_entries(most_bytes=newest.size_bytes)) == 1
    assert [one.path for one in list_entries()] == [newest.path]
    assert len(prune_entries(older_than_days=0)) == 1
    assert list_entries() == []
    assert load(tmp_path).train.digest == first.train.digest


def test_a_cache_that_cannot_be_written_only_costs_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_bytes(b"x")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    dataset = load(fill(tmp_path / "crops"))
    assert len(dataset.train) == 6
    assert dataset.train.images.sum() > 0


def test_images_written_to_do_not_change_the_cache(tmp_path: Path) -> None:
    first = load(fill(tmp_path)).train
    before = first.images.clone()
    first.images.zero_()
    assert np.array_equal(load(tmp_path).train.images.numpy(), before.numpy())


def test_a_picture_whose_bytes_come_from_memory_needs_no_name() -> None:
    from loupe.data.image_files import read_image_size

    written = io.BytesIO()
    Image.new("L", (5, 3)).save(written, "PNG")
    assert read_image_size(io.BytesIO(written.getvalue())) == (3, 5)
