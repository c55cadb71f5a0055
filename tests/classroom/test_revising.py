"""An exercise changed after students began: other rules, the same images, and what was handed in before."""

import json
import shutil
from pathlib import Path

import pytest
import tomli_w

from loupe.classroom.grading import grade, open_classroom
from loupe.classroom.making import make_exercise
from loupe.classroom.revising import revise_exercise
from loupe.classroom.submitting import submit
from loupe.cli import main
from loupe.errors import ExerciseError, LoupeError
from loupe.runs import RunFolder

from .conftest import EXERCISE, Lesson


@pytest.fixture
def folder(lesson: Lesson, tmp_path: Path) -> Path:
    """A copy of the exercise, to be changed."""
    shutil.copytree(lesson.folder, tmp_path / "digits-class", ignore=shutil.ignore_patterns("runs"))
    return tmp_path / "digits-class"


def test_rules_change_and_images_stay(folder: Path, trained: RunFolder, tmp_path: Path) -> None:
    before = open_classroom(folder)
    submit(trained.path, name="Anna", out=folder / "submissions" / "anna.zip")
    revised = revise_exercise({**EXERCISE, "deadline": "2030-01-02 18:00", "looks": 2}, folder)
    assert revised.changed == ("deadline", "looks")
    after = open_classroom(folder)
    assert after.hidden.digest == before.hidden.digest
    assert after.seal.images == before.seal.images
    assert "2030-01-02 18:00" in (folder / "students" / "README.md").read_text()
    (entry,) = grade(folder / "submissions").ranked
    assert "before it was revised" in "; ".join(entry.notes)
    back = revise_exercise(EXERCISE, folder)
    assert back.seal.digest == before.seal.digest, "and once more, back to what it was"
    assert not grade(folder / "submissions").ranked[0].notes


def test_stricter_rules_are_those_of_now(folder: Path, trained: RunFolder) -> None:
    submit(trained.path, name="Anna", out=folder / "submissions" / "anna.zip")
    revise_exercise({**EXERCISE, "set": {**EXERCISE["set"], "train.epochs": 3}}, folder)  # type: ignore[dict-item]
    (entry,) = grade(folder / "submissions").aside
    assert "train.epochs is 2; the exercise fixes it at 3" in entry.broken[0].text


def test_other_images_are_refused(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    seal = (folder / "students" / "seal.json").read_bytes()
    with pytest.raises(ExerciseError) as caught:
        revise_exercise({**EXERCISE, "data": "mnist", "hidden": {"part": 60, "of": "all"}}, folder)
    assert {one.where for one in caught.value.mistakes} == {"data", "hidden.part", "hidden.of"}
    assert (folder / "students" / "seal.json").read_bytes() == seal
    (tmp_path / "e.toml").write_text(tomli_w.dumps({**EXERCISE, "name": "elsewhere"}))
    assert main(["class", "revise", str(tmp_path / "e.toml"), "--out", str(tmp_path / "none")]) == 1
    assert "no exercise that was made" in capsys.readouterr().err
    with pytest.raises(LoupeError, match="loupe class revise"):
        make_exercise(EXERCISE, folder)


def test_a_seal_changed_by_hand_is_told_as_that(folder: Path) -> None:
    file = folder / "students" / "seal.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"deadline": "Monday"}))
    with pytest.raises(LoupeError, match=r"its seal.json was changed(.|\n)*loupe class revise"):
        open_classroom(folder)


def test_a_leaderboard_goes_on_and_one_from_elsewhere_is_put_aside(
    folder: Path, trained: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from loupe.classroom.board import Board

    submit(trained.path, name="Anna", out=folder / "submissions" / "anna.zip")
    board = Board(open_classroom(folder), folder / "submissions")
    board.update(settled_seconds=0)
    revise_exercise({**EXERCISE, "looks": 2}, folder)
    again = Board(open_classroom(folder), folder / "submissions")
    assert again.view().rows == board.view().rows
    other = make_exercise(
        {**EXERCISE, "name": "other", "hidden": {"part": 60, "seed": 3}}, tmp_path / "other"
    )
    shutil.copyfile(board.file, other.folder / "teacher" / "leaderboard.json")
    assert Board(open_classroom(other.folder), folder / "submissions").view().rows == ()
    assert (other.folder / "teacher" / "leaderboard-aside-1.json").is_file()
    assert "of another exercise" in capsys.readouterr().err
