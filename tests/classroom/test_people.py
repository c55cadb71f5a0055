"""Names however they are typed, and deadlines."""

import shutil
import unicodedata
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import pytest

from loupe.classroom.grading import grade
from loupe.classroom.making import make_exercise
from loupe.classroom.people import describe_lateness, identify, read_deadline, write_moment
from loupe.classroom.submitting import submit
from loupe.cli import main
from loupe.errors import ExerciseError, LoupeError
from loupe.runs import RunFolder

from .conftest import EXERCISE, Lesson


def test_one_person_however_the_name_is_typed() -> None:
    names = ("Jörg  Öztürk", unicodedata.normalize("NFD", "jörg öztürk"), " JÖRG ÖZTÜRK ")
    assert len({identify(one) for one in names}) == 1
    assert identify("Jörg") != identify("Jorg")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2030-01-02 18:00+01:00", datetime(2030, 1, 2, 17, tzinfo=UTC)),
        ("2030-01-02T9:05Z", datetime(2030, 1, 2, 9, 5, tzinfo=UTC)),
        (datetime(2030, 1, 2, 18, tzinfo=UTC), datetime(2030, 1, 2, 18, tzinfo=UTC)),
        (date(2030, 1, 2), datetime(2030, 1, 2, 23, 59, 59).astimezone()),
        ("2030-01-02", datetime(2030, 1, 2, 23, 59, 59).astimezone()),
        ("Friday, 18:00", None),
        ("", None),
    ],
)
def test_dates_are_kept_to_and_text_is_not(value: str | date, expected: datetime | None) -> None:
    assert read_deadline(value) == expected


def test_moments_and_lateness_in_words() -> None:
    due = datetime(2030, 1, 2, 18, tzinfo=timezone(timedelta(hours=1)))
    assert write_moment(due) == "2030-01-02 18:00 (UTC+01:00)"
    assert describe_lateness(due, due) is None
    assert describe_lateness(due, due + timedelta(seconds=5)) == "handed in 1 minute after the deadline"
    assert describe_lateness(due, due + timedelta(hours=3)) == "handed in 3 hours after the deadline"
    assert describe_lateness(due, due + timedelta(days=9)) == "handed in 9 days after the deadline"


def test_a_date_that_there_is_not_is_a_mistake() -> None:
    with pytest.raises(ExerciseError, match="deadline: "):
        make_exercise({**EXERCISE, "deadline": "2030-02-30 18:00"})


@pytest.fixture
def overdue(lesson: Lesson, tmp_path: Path) -> Path:
    """The same exercise, with a deadline long ago."""
    made = make_exercise({**EXERCISE, "deadline": "2020-01-01 18:00", "late": "aside"}, tmp_path / "made")
    shutil.copyfile(lesson.pack / "data.npz", tmp_path / "data.npz")
    return made.folder


def test_late_is_told_when_handing_in_and_when_grading(
    overdue: Path, trained: RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    out = overdue / "submissions" / "anna.zip"
    told = submit(trained.path, name="Anna", exercise=overdue / "students", out=out).remarks
    assert "after the deadline" in told[0]
    (entry,) = grade(overdue / "submissions").aside
    assert entry.broken[0].kind == "late"
    main(["class", "grade", str(overdue)])  # its folder of submissions is meant
    assert "set aside: Anna, " in capsys.readouterr().out
    assert (overdue / "teacher" / "grades.html").is_file()


def test_the_same_run_twice_and_one_name_twice(lesson: Lesson, trained: RunFolder, tmp_path: Path) -> None:
    submit(trained.path, name="Jörg", out=tmp_path / "in" / "1.zip")
    shutil.copyfile(tmp_path / "in" / "1.zip", tmp_path / "in" / "1 (1).zip")
    submit(trained.path, name=unicodedata.normalize("NFD", "jörg"), out=tmp_path / "in" / "2.zip")
    grades = grade(tmp_path / "in", exercise=lesson.folder)
    assert [(one.name, str(one.place)) for one in grades.ranked] == [("Jörg", "1")]
    assert (grades.superseded, grades.aside) == ((), ())
    assert sorted(one.handed.place.partition("/")[0] for one in grades.repeated) == ["1 (1).zip", "2.zip"]


def test_what_was_handed_in_before_is_remembered(lesson: Lesson, trained: RunFolder, tmp_path: Path) -> None:
    for file in lesson.pack.iterdir():
        if file.name != "handed-in.jsonl":
            (tmp_path / file.name).write_bytes(file.read_bytes())
    out = tmp_path / "anna.zip"
    assert submit(trained.path, name="Anna", exercise=tmp_path, out=out).remarks == ()
    assert submit(trained.path, name="Anna", exercise=tmp_path, out=out).remarks == ()
    other = lesson.train("anna-again", "run.seed=8")
    told = "; ".join(submit(other.path, name="anna", exercise=tmp_path, out=out).remarks)
    assert "held the run" in told
    assert "2 runs that looked at the test images 2 times together; allowed: 1" in told
    (tmp_path / "thesis.zip").write_bytes(b"my thesis")
    with pytest.raises(LoupeError, match="There is another file"):
        submit(trained.path, exercise=tmp_path, out=tmp_path / "thesis.zip")
    assert (tmp_path / "thesis.zip").read_bytes() == b"my thesis"
