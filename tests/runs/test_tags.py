import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from loupe.errors import HeldError, LoupeError, RunError
from loupe.runs import change_tags, read_tags, tags, write_tags
from loupe.runs.locking import holding_lock
from loupe.runs.writing import write_json


def test_tags_are_cleaned_kept_and_taken_away(tmp_path: Path) -> None:
    assert read_tags(tmp_path) == {}
    assert write_tags(tmp_path, "one", ["  week   3 ", "good", "good"]) == ["week 3", "good"]
    write_tags(tmp_path, "other", ["Übung"])
    assert read_tags(tmp_path) == {"one": ["week 3", "good"], "other": ["Übung"]}
    write_tags(tmp_path, "one", [])
    assert read_tags(tmp_path) == {"other": ["Übung"]}


def test_a_change_leaves_the_other_tags(tmp_path: Path) -> None:
    assert change_tags(tmp_path, "one", add=[" first ", "second"]) == ["first", "second"]
    assert change_tags(tmp_path, "one", add=["third", "first"]) == ["first", "second", "third"]
    assert change_tags(tmp_path, "one", add=["last"], remove=["second", "none such"]) == [
        "first",
        "third",
        "last",
    ]
    assert change_tags(tmp_path, "one", remove=["first", "third", "last"]) == []
    assert read_tags(tmp_path) == {}


def test_a_change_is_refused_where_it_adds_what_is_no_tag_or_too_many(tmp_path: Path) -> None:
    kept = write_tags(tmp_path, "one", [f"tag {number}" for number in range(12)])
    with pytest.raises(LoupeError, match="is no tag"):
        change_tags(tmp_path, "one", add=["<b>"], remove=["tag 1"])
    with pytest.raises(LoupeError, match="too many"):
        change_tags(tmp_path, "one", add=["one more"])
    assert read_tags(tmp_path) == {"one": kept}


@pytest.mark.parametrize("tag", ["", "<b>", "-x", "a" * 33, "a/b", "a\nb\0"])
def test_what_is_no_tag_is_refused(tmp_path: Path, tag: str) -> None:
    with pytest.raises(LoupeError, match="is no tag"):
        write_tags(tmp_path, "one", ["fine", tag])
    assert read_tags(tmp_path) == {}


def test_too_many_tags_are_refused(tmp_path: Path) -> None:
    with pytest.raises(LoupeError, match="too many"):
        write_tags(tmp_path, "one", [f"tag {number}" for number in range(13)])


def test_a_damaged_file_is_said(tmp_path: Path) -> None:
    (tmp_path / "tags.json").write_text("[1]")
    with pytest.raises(RunError, match="damaged"):
        read_tags(tmp_path)


def test_a_write_that_takes_its_time_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight at once on a slow disk: each waits for the others, and none is lost."""

    def write_slowly(path: Path, values: object) -> None:
        time.sleep(0.1)
        write_json(path, values)

    monkeypatch.setattr(tags, "write_json", write_slowly)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: change_tags(tmp_path, "one", add=[f"tag {number}"]), range(8)))
    assert len(read_tags(tmp_path)["one"]) == 8
    monkeypatch.setattr(tags, "_PATIENCE", 0.1)
    with holding_lock(tmp_path / ".tags.lock"), pytest.raises(HeldError, match="next: try again"):
        change_tags(tmp_path, "one", add=["late"])


def test_blanks_around_a_tag_do_not_keep_it_from_being_removed(tmp_path: Path) -> None:
    write_tags(tmp_path, "one", ["a b"])
    assert change_tags(tmp_path, "one", remove=[" a  b "]) == []
