"""A leaderboard grades what comes into its folder, and shows rungs, never scores."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from starlette.testclient import TestClient

from loupe.classroom.board import Board
from loupe.classroom.submitting import submit
from loupe.runs import RunFolder
from loupe.web.leaderboard import create_board_app

from .conftest import Lesson
from .forging import edit_metrics


@pytest.fixture
def handed(tmp_path: Path, lesson: Lesson) -> Iterator[Path]:
    (tmp_path / "handed").mkdir()
    yield tmp_path / "handed"
    (lesson.folder / "teacher" / "leaderboard.json").unlink(missing_ok=True)


@pytest.mark.thorough
def test_what_comes_in_is_graded_once_and_shown_in_steps(
    lesson: Lesson, trained: RunFolder, run: RunFolder, handed: Path
) -> None:
    board = Board(lesson.classroom, handed)
    assert board.update(settled_seconds=0) == 0
    submit(trained.path, name="Anna", out=handed / "anna.zip")
    edit_metrics(run)
    shutil.copytree(run.path, handed / "Edith" / "run")
    (handed / "broken.zip").write_bytes(b"PK\x03\x04")
    (handed / "notes.txt").write_text("hello")
    assert board.update(settled_seconds=600) == 0, "still being copied"
    assert board.update(settled_seconds=0) == 4
    assert board.update(settled_seconds=0) == 0
    view = board.view()
    (row,) = view.rows
    assert (row.name, row.place, row.num_attempts) == ("Anna", 1, 1)
    steps = float(row.shown.removesuffix(" %")) / (100 * board.step)
    assert steps == pytest.approx(round(steps))
    outcomes = {one.name: one.outcome for one in view.others}
    assert outcomes == {"Edith": "refused", "broken": "not read"}


@pytest.mark.thorough
def test_it_goes_on_where_it_was_and_keeps_no_score(lesson: Lesson, trained: RunFolder, handed: Path) -> None:
    submit(trained.path, name="Anna", out=handed / "anna.zip")
    board = Board(lesson.classroom, handed)
    board.update(settled_seconds=0)
    again = Board(lesson.classroom, handed)
    assert again.view() == board.view()
    assert again.update(settled_seconds=0) == 0
    kept = json.loads(board.file.read_text())
    assert set(kept) == {"form", "exercise", "step", "rungs", "attempts"}
    assert all(isinstance(rung, int) for rung in kept["rungs"].values())
    assert not {"score", "value", "accuracy"} & set(kept["attempts"][0])


@pytest.mark.thorough
def test_looks_add_up_over_what_is_handed_in(lesson: Lesson, trained: RunFolder, handed: Path) -> None:
    board = Board(lesson.classroom, handed)
    submit(trained.path, name="Anna", out=handed / "1.zip")
    board.update(settled_seconds=0)
    submit(lesson.train("again", "run.seed=5").path, name="Anna", out=handed / "2.zip")
    board.update(settled_seconds=0)
    (other,) = board.view().others
    assert (other.outcome, "2 looks" in other.why) == ("set aside", True)


def test_the_page_is_guarded_and_shows_no_exact_score(
    lesson: Lesson, trained: RunFolder, handed: Path
) -> None:
    submit(trained.path, name="<b>Anna</b>", out=handed / "anna.zip")
    board = Board(lesson.classroom, handed)
    board.update(settled_seconds=0)
    with TestClient(create_board_app(board, token="secret"), base_url="http://localhost") as client:
        assert client.get("/").status_code == 401
        assert client.get("/", headers={"host": "evil.example"}).status_code == 403
        trusted = {"authorization": "Bearer secret"}
        page = client.get("/", headers=trusted)
        answer: httpx.Response = client.get("/api/board", headers=trusted)
        assert client.get("/board.css", headers=trusted).headers["content-type"].startswith("text/css")
        assert client.get("/teacher/key.json", headers=trusted).status_code == 404
        assert client.post("/", headers=trusted).status_code == 405
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert "&lt;b&gt;Anna" in page.text
    assert "style=" not in page.text
    shown = answer.json()["rows"][0]["shown"]
    assert {one.replace("\N{NO-BREAK SPACE}", " ") for one in re.findall(r"\d+\.\d\d\s%", page.text)} == {
        shown
    }
