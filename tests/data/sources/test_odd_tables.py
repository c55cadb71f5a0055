"""Tables, folders and arrays as other systems write them: the same images, or a refusal that helps."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from loupe.data import Dataset, load_dataset
from loupe.errors import DataError

NAMES = ("cat", "dog")
COUNT = 20


@pytest.fixture
def crops(tmp_path: Path) -> Path:
    generator = np.random.default_rng(4)
    for name in NAMES:
        (tmp_path / "crops" / name).mkdir(parents=True)
        for index in range(COUNT):
            pixels = generator.integers(0, 256, (8, 8), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "crops" / name / f"{index}.png")
    return tmp_path / "crops"


def list_rows() -> list[tuple[str, str]]:
    return [(f"{name}/{index}.png", name) for name in NAMES for index in range(COUNT)]


def load_table(crops: Path, rows: list[tuple[str, str]], encoding: str = "utf-8") -> Dataset:
    text = "path,label\n" + "".join(f"{path},{label}\n" for path, label in rows)
    table = crops.parent / "crops.csv"
    table.write_bytes(text.encode(encoding))
    return load_dataset("csv", path=str(table), folder=str(crops))


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_encodings_that_say_what_they_are(crops: Path, encoding: str) -> None:
    assert (
        load_table(crops, list_rows(), encoding).train.digest == load_table(crops, list_rows()).train.digest
    )


def test_an_encoding_that_says_nothing_is_refused(crops: Path) -> None:
    rows = [(path, label.replace("dog", "Hühnerhof")) for path, label in list_rows()]
    with pytest.raises(DataError, match=r"CSV in UTF-8, with commas, semicolons or tabs"):
        load_table(crops, rows, "latin-1")


def test_paths_as_windows_writes_them(crops: Path) -> None:
    rows = [(path.replace("/", "\\"), label) for path, label in list_rows()]
    assert load_table(crops, rows).train.digest == load_table(crops, list_rows()).train.digest


def test_a_name_that_really_has_a_backslash(crops: Path) -> None:
    (crops / "cat" / "0.png").rename(crops / "cat\\0.png")
    rows = [("cat\\0.png", "cat"), *list_rows()[1:]]
    dataset = load_table(crops, rows)
    assert "cat\\0.png" in {*(dataset.train.paths or ()), *(dataset.test.table.paths or ())}


@pytest.mark.parametrize("change", ["C:\\Users\\me\\{0}", "images/{0}", "{0}.jpeg"])
def test_files_none_of_which_is_there_are_a_wrong_folder(crops: Path, change: str) -> None:
    rows = [(change.format(path), label) for path, label in list_rows()]
    with pytest.raises(DataError, match=r"The files that .*crops\.csv names are not there\.") as refused:
        load_table(crops, rows)
    assert "next: set data.folder to the folder that the paths start from" in str(refused.value)


def test_labels_that_became_floats_are_the_whole_numbers_they_were(crops: Path) -> None:
    floats = [(path, f"{NAMES.index(label) + 9}.0") for path, label in list_rows()]
    assert load_table(crops, floats).train.class_names == ("9", "10")
    mixed = [(path, label if label == "10.0" else "9.5") for path, label in floats]
    assert load_table(crops, mixed).train.class_names == ("10.0", "9.5")


@pytest.mark.parametrize("other", ["Cat", "cat ", "c\u0041t", "ca\uff54"])
def test_classes_whose_names_look_alike_are_warned_of(crops: Path, other: str) -> None:
    (crops / other).mkdir()
    generator = np.random.default_rng(5)
    for index in range(COUNT):
        Image.fromarray(generator.integers(0, 256, (8, 8), dtype=np.uint8)).save(
            crops / other / f"{index}.png"
        )
    (said,) = load_dataset("folder", path=str(crops)).notes
    assert said.startswith("The classes ")
    assert repr(other) in said
    assert "differ only in case, spaces, dashes or how a letter is encoded" in said


def test_names_that_differ_are_not_warned_of(crops: Path) -> None:
    assert load_dataset("folder", path=str(crops)).notes == ()


def test_links_that_lead_nowhere_are_counted(crops: Path) -> None:
    (crops / "dog" / "gone.png").symlink_to(crops / "nothing.png")
    (crops / "dog" / "round.png").symlink_to(crops / "dog" / "round.png")
    assert load_dataset("folder", path=str(crops)).notes == (
        "Passed over in crops: 2 links that lead nowhere.",
    )


def test_arrays_of_other_lengths_are_counted(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", images=np.zeros((9, 4, 4), np.uint8), labels=np.arange(8) % 2)
    with pytest.raises(DataError, match=r"Of the train part of arrays a\.npz(.|\n)*9 images, 8 labels"):
        load_dataset("arrays", path=str(tmp_path / "a.npz"))
