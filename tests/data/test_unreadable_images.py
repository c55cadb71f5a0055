"""Files of a folder that cannot be read, and classes of which nothing is left: refused, or left out."""

from pathlib import Path

import pytest

from loupe.data.pixel_cache import find_cache_folder
from loupe.errors import DataError, DataFileError

from .folders import fill, load


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
