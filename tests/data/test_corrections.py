"""A list of corrections: what it does to which image, wherever that lies now, and what it may not say."""

from pathlib import Path

import pytest
import torch
from PIL import Image

from loupe.data import Dataset, LockedTest
from loupe.data.correcting import correct_splits, find_corrected
from loupe.data.corrections import COLUMNS, Correction, Corrections, read_corrections, write_corrections
from loupe.data.identity import to_keys
from loupe.errors import DataError, LoupeError
from loupe.running import load_recipe
from loupe.running.recipe_data import load_recipe_data, split_recipe_data
from loupe.running.recipe_digest import digest_recipe


def write_images(folder: Path, count: int = 60) -> None:
    """Write a folder of two classes, no two images alike."""
    for index in range(count):
        place = folder / ("even" if index % 2 == 0 else "odd")
        place.mkdir(parents=True, exist_ok=True)
        picture = (3 * index * torch.ones(6, 6) + torch.arange(6)).to(torch.uint8).numpy()
        Image.fromarray(picture).save(place / f"{index:02}.png")


def write_list(file: Path, *lines: str) -> Path:
    file.write_text("\n".join([",".join(COLUMNS), *lines, ""]))
    return file


def test_of_a_folder_that_was_moved_and_has_grown(tmp_path: Path) -> None:
    write_images(tmp_path / "before")
    recipe = load_recipe({"data": {"name": "folder", "path": str(tmp_path / "before")}})
    splits = split_recipe_data(recipe, load_recipe_data(recipe))
    table = splits.train.table
    assert table.paths is not None
    keys = [key.hex() for key in to_keys(table.identities)]
    other = "odd" if table.paths[0].startswith("even") else "even"
    corrections = write_list(
        tmp_path / "list.csv",
        f"{keys[0]},{table.paths[0]},,relabel,{other}",
        f"{keys[1]},{table.paths[1]},,drop,",
        f"{keys[2]},{table.paths[2]},,keep,",
    )
    write_images(tmp_path / "now" / "deeper", 80)
    now = load_recipe(
        {
            "data": {
                "name": "folder",
                "path": str(tmp_path / "now" / "deeper"),
                "corrections": str(corrections),
            }
        }
    )
    corrected = split_recipe_data(now, load_recipe_data(now))
    labels = {
        key.hex(): corrected.train.class_names[label]
        for key, label in zip(
            to_keys(corrected.train.table.identities), corrected.train.labels.tolist(), strict=True
        )
    }
    assert labels[keys[0]] == other
    assert keys[1] not in labels
    assert keys[2] in labels
    assert corrected.changes == (
        "By data.corrections (list.csv): training 1 relabelled, 1 left out; validation 0 relabelled, 0 left "
        "out.",
    )


def test_images_keep_their_sides_and_test_images_stay(tmp_path: Path, digits: Dataset) -> None:
    whole = load_recipe("digits")
    splits = split_recipe_data(whole, digits)
    keys = [key.hex() for key in to_keys(digits.test.table.identities)[:2]]
    file = write_list(tmp_path / "list.csv", ",,3,drop,", ",,4,relabel,9", f"{keys[0]},,,drop,")
    corrected = split_recipe_data(load_recipe("digits", [f"data.corrections={file}"]), digits)
    for side in ("train", "validation"):
        before, after = (set(to_keys(getattr(one, side).table.identities)) for one in (splits, corrected))
        assert after <= before
    assert len(splits.train) + len(splits.validation) == len(corrected.train) + len(corrected.validation) + 1
    assert corrected.test.digest == splits.test.digest
    assert corrected.changes[0].endswith("1 of its images are test images here, which stay as they are.")


def test_of_equal_images_as_many_are_dropped_as_the_list_says(digits: Dataset) -> None:
    images = digits.train.select(torch.tensor([0, 0, 0, *range(1, 60)]))
    dataset = Dataset(images, LockedTest(digits.train.select(torch.arange(60, 90))))
    key = to_keys(images.table.identities)[0]
    lines = tuple(Correction(line, "drop", "", key, "", index) for line, index in ((2, 1), (3, 400)))
    found = find_corrected(_make_list(*lines), dataset)
    assert len(found.by_index) == 2
    both = find_corrected(_make_list(Correction(2, "drop", "", key, "", None)), dataset)
    assert len(both.by_index) == 3


def test_the_digest_is_of_what_is_said_not_of_the_file(tmp_path: Path) -> None:
    first = write_list(tmp_path / "a.csv", ",,3,drop,", ",,4,relabel,9", ",,5,keep,")
    second = write_list(tmp_path / "b.csv", ",,4,RELABEL,9", ",,3,drop,ignored")
    third = write_list(tmp_path / "c.csv", ",,4,relabel,8", ",,3,drop,")
    digests = [read_corrections(file).digest for file in (first, second, third)]
    assert digests[0] == digests[1] != digests[2]
    recipes = [load_recipe("digits", [f"data.corrections={file}"]) for file in (first, third)]
    assert digest_recipe(recipes[0]) == digest_recipe(recipes[1]) == digest_recipe(load_recipe("digits"))


def test_what_is_written_is_read(tmp_path: Path) -> None:
    lines = [
        Correction(2, "relabel", 'a "b", c', b"\1" * 16, "with, comma.png", 3),
        Correction(3, "drop", "", None, "=x.png", None),
    ]
    (tmp_path / "list.csv").write_text(write_corrections(lines))
    assert list(read_corrections(tmp_path / "list.csv").lines) == lines


@pytest.mark.parametrize(
    ("separator", "encoding"), [(";", "utf-8-sig"), ("\t", "utf-16"), (",", "utf-8"), ("|", "utf-8")]
)
def test_a_list_that_a_spreadsheet_saved_is_read(tmp_path: Path, separator: str, encoding: str) -> None:
    rows = [("file", "action", "label"), ("cat/1.png", "relabel", "großer, Hund"), ("cat/2.png", "drop", "")]
    lines = [separator.join(f'"{cell}"' for cell in row) for row in rows]
    (tmp_path / "list.csv").write_text("\r\n".join([*lines, "", ""]), encoding=encoding)
    read = read_corrections(tmp_path / "list.csv").lines
    assert [(one.file, one.action, one.label) for one in read] == list(rows[1:])


@pytest.mark.parametrize(
    ("lines", "message", "got"),
    [
        ([",,3,dorp,"], "list.csv asks for something that cannot be done, in line 2.", "action dorp"),
        ([",,3,relabel,"], "Line 2 of list.csv cannot be used.", "relabel without a label"),
        ([",,,drop,"], "Line 2 of list.csv cannot be used.", "no image"),
        (["xyz,,,drop,"], "Line 2 of list.csv cannot be used.", "image 'xyz'"),
        ([",,-3,drop,"], "Line 2 of list.csv cannot be used.", "index '-3'"),
        ([",,3,relabel,eleven"], "list.csv names a class that is not there, in line 2.", "eleven"),
        ([",,5000,drop,"], "list.csv names an image that is not in the data, in line 2.", "image 5000"),
        ([",a.png,,drop,"], "list.csv names an image that is not in the data, in line 2.", "a.png"),
        (["00" * 16 + ",,,drop,"], "None of the images of list.csv is in the data.", "image 000000000000…"),
        (
            [",,3,drop,", ",,3,relabel,4"],
            "list.csv says two things of image 3.",
            "drop in line 2, relabel 4 in line 3",
        ),
    ],
)
def test_what_it_may_not_say(
    tmp_path: Path, digits: Dataset, lines: list[str], message: str, got: str
) -> None:
    file = write_list(tmp_path / "list.csv", *lines)
    with pytest.raises(DataError) as caught:
        split_recipe_data(load_recipe("digits", [f"data.corrections={file}"]), digits)
    assert (caught.value.message, str(caught.value.got)) == (message, got)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "image,label\n00,1\n"])
def test_a_file_that_is_no_list(tmp_path: Path, text: str) -> None:
    (tmp_path / "list.csv").write_text(text)
    with pytest.raises(LoupeError, match="cannot be used"):
        read_corrections(tmp_path / "list.csv")
    with pytest.raises(LoupeError, match=r"gone\.csv cannot be used"):
        read_corrections(tmp_path / "gone.csv")


def test_a_class_may_not_lose_all_its_images(digits: Dataset) -> None:
    whole = load_recipe("digits")
    ones = (digits.train.labels == 1).nonzero().flatten().tolist()
    corrections = _make_list(*(Correction(i, "drop", "", None, "", index) for i, index in enumerate(ones)))
    found = find_corrected(corrections, digits)
    with pytest.raises(DataError, match='would hold no image of "1"'):
        correct_splits(split_recipe_data(whole, digits), digits, found, "list.csv")


def _make_list(*lines: Correction) -> Corrections:
    return Corrections("list.csv", lines)
