"""Files written whole or not at all, and what is said of a place that takes none."""

import errno
import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from loupe.errors import LoupeError
from loupe.runs.writing import format_json, prepare_place, replacing, telling_place, write_json, write_text


def fill_disk() -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))  # as a full disk does: no name in it


def test_a_full_disk_is_told_with_the_file_that_was_wanted(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No space left") as caught, replacing(tmp_path / "answers.csv"):
        fill_disk()
    assert caught.value.filename == str(tmp_path / "answers.csv")
    assert not list(tmp_path.iterdir())


def test_the_name_of_another_file_stays(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught, telling_place(tmp_path / "answers.csv"):
        (tmp_path / "images.npz").read_bytes()
    assert caught.value.filename == str(tmp_path / "images.npz")


@pytest.mark.parametrize("write", [lambda file: write_text(file, "x"), prepare_place])
def test_a_place_that_takes_no_file_is_told_without_temporary_names(write: Callable[[Path], None]) -> None:
    place = Path("/proc/answers.csv")  # nobody may write there, not even root
    if not place.parent.is_dir():
        pytest.skip("there is no /proc here")
    with pytest.raises(OSError, match="answers") as caught:
        write(place)
    assert caught.value.filename == str(place)


def test_a_place_is_tried_and_left_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "new" / "answers.csv"
    prepare_place(file)
    assert list(tmp_path.iterdir()) == [file.parent]
    assert not list(file.parent.iterdir())
    file.write_text("kept", encoding="utf-8")
    prepare_place(file)
    assert file.read_text(encoding="utf-8") == "kept"
    with pytest.raises(LoupeError, match="is a folder"):
        prepare_place(tmp_path)


def test_a_row_of_numbers_stands_on_one_line(tmp_path: Path) -> None:
    values = {
        "confusion": [[3, 0, -1], [0.25, 1e-9, float("inf")]],
        "names": ["1,\n  2", "[\n 3\n]"],
        "mixed": [1, None, "4"],
        "none": [],
        "deep": {"one": [7]},
    }
    write_json(tmp_path / "result.json", values)
    text = (tmp_path / "result.json").read_text()
    assert json.loads(text) == values
    assert "    [3, 0, -1],\n    [0.25, 1e-09, Infinity]\n" in text
    assert '"one": [7]' in text


def test_numbers_among_other_things_are_soon_written() -> None:
    mixed = {"list": [*range(-500, 0), None], "deep": [[-1, -2, [-3] * 400, "4"]]}
    started = time.process_time()
    assert json.loads(format_json(mixed)) == mixed
    assert time.process_time() - started < 1
