"""What people's folders look like: splits by many names, housekeeping, odd files, odd pictures, odd sizes."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from loupe.data import Dataset, load_dataset
from loupe.data.image_folders import find_role, is_housekeeping, survey_images
from loupe.data.pixel_cache import find_cache_folder, list_entries, prune_entries
from loupe.errors import DataError, DataFileError

from .image_forms import write_png


def save(path: Path, shade: int, size: tuple[int, int] = (6, 4)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.full((*size, 3), shade, np.uint8)
    pixels[0, 0] = (shade, 255 - shade, 7)
    Image.fromarray(pixels).save(path)


def fill(
    root: Path,
    parts: tuple[str, ...] = ("train", "test"),
    count: int = 3,
    classes: tuple[str, ...] = ("cat", "dog"),
) -> Path:
    for number, part in enumerate(parts):
        for label, name in enumerate(classes):
            for index in range(count):
                save(root / part / name / f"{index}.png", 60 * number + 20 * label + index)
    return root


def load(root: Path, **settings: object) -> Dataset:
    return load_dataset("folder", path=str(root), **settings)


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


def break_files(root: Path, count: int) -> None:
    for index in range(count):
        (root / "train" / "cat" / f"broken{index:02}.png").write_bytes(b"not a picture")


def test_unreadable_files_are_left_out_if_that_is_wished(tmp_path: Path) -> None:
    fill(tmp_path)
    before = load(tmp_path)
    break_files(tmp_path, 12)
    with pytest.raises(DataFileError) as caught:
        load(tmp_path)
    assert "12 of 24 images in" in str(caught.value)
    assert "and 2 more" in str(caught.value)
    assert "leave them out: data.on_unreadable=skip" in str(caught.value)
    listed = find_cache_folder().parent / "unreadable.txt"
    assert str(listed) in str(caught.value)
    assert len(listed.read_text().splitlines()) == 12
    for _ in range(2):  # decoded, then from the cache
        dataset = load(tmp_path, on_unreadable="skip")
        assert dataset.train.digest == before.train.digest
        assert len(dataset.unreadable) == 12
        assert dataset.unreadable[0] == "train/cat/broken00.png (not an image)"
        (note,) = dataset.notes
        assert note.startswith(f"12 of 24 files of folder {tmp_path.name} cannot be read and were left out:")
        assert "and 2 more" in note
    assert dataset.train.paths == before.train.paths


def test_a_class_of_unreadable_files_is_no_class(tmp_path: Path) -> None:
    """To take it out by data.classes was advised, and did not help: all classes are read first."""
    fill(tmp_path, classes=("cat", "dog", "fox"))
    for file in (tmp_path / "train" / "dog").iterdir():
        file.write_bytes(b"")
    for _ in range(2):  # decoded, then from the cache
        dataset = load(tmp_path, on_unreadable="skip")
        assert dataset.train.class_names == dataset.test.open("a test").class_names == ("cat", "fox")
        assert sorted(set(dataset.train.labels.tolist())) == [0, 1]
        assert dataset.notes[-1] == (
            f"Left out of the classes of folder {tmp_path.name}: dog. It has no training image that can be "
            "read; 3 images of other parts went with it."
        )
    for file in (tmp_path / "train" / "cat").iterdir():
        file.write_bytes(b"")
    with pytest.raises(DataError, match=r"have no training image that can be read\.\n") as caught:
        load(tmp_path, on_unreadable="skip")
    assert "classes without an image: cat, dog\n" in str(caught.value)
    assert "  allowed: at least one image a class, and two classes\n  next: mend the files" in str(
        caught.value
    )


def test_an_empty_class_folder_is_said_or_left_out_as_unreadable_files_are(tmp_path: Path) -> None:
    fill(tmp_path)
    (tmp_path / "train" / "cat" / "broken.png").write_bytes(b"no picture")
    (tmp_path / "train" / "owl").mkdir()
    (tmp_path / "train" / "owl" / "one.raw").write_bytes(b"")
    with pytest.raises(DataError) as caught:
        load(tmp_path)
    assert str(caught.value) == (
        f"1 of 13 images in {tmp_path} cannot be read; some class folders hold none.\n"
        "  got: cannot be read: train/cat/broken.png (not an image); no images: owl (1 .raw)\n"
        "  allowed: at least one image a class, in a format Pillow reads (png, jpg, webp, bmp, gif, tif …)\n"
        "  next: mend or remove those files, and fill or remove those folders; or leave both out: "
        "data.on_unreadable=skip"
    )
    dataset = load(tmp_path, on_unreadable="skip")
    assert dataset.train.class_names == ("cat", "dog")
    assert dataset.unreadable == ("train/cat/broken.png (not an image)",)
    assert dataset.notes[-1].startswith(f"Left out of the classes of folder {tmp_path.name}: owl. It has no ")
    (tmp_path / "train" / "cat" / "broken.png").unlink()
    with pytest.raises(DataError) as caught:
        load(tmp_path)
    said = str(caught.value)
    assert said.startswith(f"Some class folders of {tmp_path} hold no images.\n  got: owl (1 .raw)\n")
    assert said.endswith("fill or remove those folders; or leave such classes out: data.on_unreadable=skip")


def test_a_run_keeps_the_list_of_what_it_left_out(tmp_path: Path) -> None:
    import loupe

    fill(tmp_path / "crops", ("train", "val", "test"), count=6)
    break_files(tmp_path / "crops", 2)
    recipe = {
        "data": {"name": "folder", "path": str(tmp_path / "crops"), "on_unreadable": "skip"},
        "model": {"name": "mlp", "widths": [4]},
        "train": {"epochs": 1, "batch_size": 4},
        "run": {"folder": str(tmp_path / "runs")},
    }
    run = loupe.train(recipe)
    assert run.unreadable_file.read_text().splitlines() == [
        f"train/cat/broken0{index}.png (not an image)" for index in range(2)
    ]
    assert any("2 of 38 files" in warning for warning in run.read_result().warnings)


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
