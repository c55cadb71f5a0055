from pathlib import Path

import pytest

from loupe.errors import LoupeError, RunError
from loupe.runs import read_tags, write_tags


def test_tags_are_cleaned_kept_and_taken_away(tmp_path: Path) -> None:
    assert read_tags(tmp_path) == {}
    assert write_tags(tmp_path, "one", ["  week   3 ", "good", "good"]) == ["week 3", "good"]
    write_tags(tmp_path, "other", ["Übung"])
    assert read_tags(tmp_path) == {"one": ["week 3", "good"], "other": ["Übung"]}
    write_tags(tmp_path, "one", [])
    assert read_tags(tmp_path) == {"other": ["Übung"]}


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
