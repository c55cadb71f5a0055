"""What a teacher is told of a graded class: sentences and pictures that hold for one, two and many."""

import html
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import torch

from loupe.classroom.answering import Reply
from loupe.classroom.board import Board
from loupe.classroom.entries import Classroom, Entry, Grades
from loupe.classroom.gathering import Gathered, Handed
from loupe.classroom.grading import grade
from loupe.classroom.ranking import Place, score
from loupe.classroom.results import write_results, write_table
from loupe.classroom.shared_mistakes import count_least_wrong, describe_answers
from loupe.classroom.standing import rank
from loupe.classroom.submitting import submit
from loupe.classroom.summary import explain_places, summarise
from loupe.cli import main
from loupe.metrics import Predictions
from loupe.runs import RunFolder

from .conftest import Lesson

NAMES = ("Anna", "Bo", "Cleo", "Dora", "Emil")
DIGITS = tuple("0123456789")


def make_entry(classroom: Classroom, name: str, wrong: dict[int, int]) -> Entry:
    """Return a network that is right of all hidden images but those of `wrong`, which it takes for others."""
    answers = classroom.hidden.labels.clone()
    for image, offset in wrong.items():
        answers[image] = (answers[image] + offset) % 10
    logits = torch.nn.functional.one_hot(answers, 10).float()
    value = score(Predictions(classroom.hidden.labels, logits), "accuracy", 0.95)
    handed = Handed(name, f"{name}.zip", Path(name), None, datetime.now(UTC))
    return Entry(handed, Reply((), 1, "cnn", 100), logits, value, ())


def make_grades(classroom: Classroom, *wrong: dict[int, int]) -> Grades:
    entries = [make_entry(classroom, name, one) for name, one in zip(NAMES, wrong, strict=False)]
    return rank(classroom, entries, Gathered(), Path())


def write_page(grades: Grades, folder: Path) -> str:
    return html.unescape(write_results(grades, folder)[1].read_text(encoding="utf-8"))


def some(count: int) -> dict[int, int]:
    return dict.fromkeys(range(count), 1)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ([], "Nobody is ranked."),
        ([8], "Anna alone is ranked: accuracy 93.33 %"),
        (
            [8, 9],
            "Anna has the best accuracy, 93.33 % (87.39 to 96.58 %); Bo is not clearly worse and shares",
        ),
        ([8, 8], "Anna and Bo have the same accuracy, 93.33 %, and share the place."),
        ([8, 60], "(87.39 to 96.58 %), and is clearly better than Bo."),
        ([8, 8, 60], "Anna and Bo have the best accuracy, 93.33 %, and are clearly better than Cleo."),
        ([8, 60, 70], "(87.39 to 96.58 %), and is clearly better than everyone else."),
        ([8, 9, 60], "(87.39 to 96.58 %); Bo is not clearly worse and shares the place."),
        ([8, 9, 10], "(87.39 to 96.58 %); none of the 2 others is clearly worse, and all share the place."),
        ([8, 9, 10, 60], "(87.39 to 96.58 %); Bo and Cleo are not clearly worse and share the place."),
    ],
)
def test_the_sentence_holds_for_any_number(lesson: Lesson, wrong: list[int], told: str) -> None:
    assert told in summarise(make_grades(lesson.classroom, *map(some, wrong)))


def test_a_place_is_explained_by_the_first_that_is_shared(lesson: Lesson) -> None:
    explained = explain_places(make_grades(lesson.classroom, *map(some, (8, 9, 10, 60))))
    assert explained == "“1–3” reads: nobody is clearly better, and one is clearly worse."
    explained = explain_places(make_grades(lesson.classroom, *map(some, (8, 60, 61))))
    assert explained == "“2–3” reads: one is clearly better, and nobody is clearly worse."
    explained = explain_places(make_grades(lesson.classroom, *map(some, (8, 9))))
    assert explained == "“1–2” reads: nobody is clearly better, and nobody clearly worse."
    clear = make_grades(lesson.classroom, *map(some, (8, 60)))
    assert [one.place for one in clear.ranked] == [Place(1, 1), Place(2, 2)]
    assert explain_places(clear) == ""


def test_answers_are_told_as_they_are() -> None:
    assert describe_answers([7, 7, 1, 6], DIGITS) == "most often 7"
    assert describe_answers([7, 7, 7, 7], DIGITS) == "always 7"
    assert describe_answers([6, 1], DIGITS) == "as 1 or 6"
    assert describe_answers([6, 1, 9], DIGITS) == "as 1, 6 or 9"
    assert describe_answers([6, 1, 9, 6, 1], DIGITS) == "most often 1 or 6"
    assert describe_answers([3], DIGITS) == "taken for 3"
    assert [count_least_wrong(count) for count in (1, 2, 3, 4, 9)] == [1, 2, 2, 2, 5]


def test_mistakes_in_common_are_counted_and_not_all_of_one_kind(lesson: Lesson, tmp_path: Path) -> None:
    label = int(lesson.classroom.hidden.labels[3])
    grades = make_grades(lesson.classroom, {3: 1}, {3: 1}, {3: 2}, {3: 1, 4: 1})
    page = write_page(grades, tmp_path)
    assert f"{label}: wrong in 4 of 4, most often {(label + 1) % 10}" in page
    assert '<span class="told">wrong in 4 of 4,</span>' in page
    assert page.count('class="told">wrong in') == 1
    assert "Mistakes in common" in page
    assert "everyone" not in page.partition("<main>")[2]


def test_the_page_of_one_network_explains_what_it_shows(lesson: Lesson, tmp_path: Path) -> None:
    page = write_page(make_grades(lesson.classroom, some(50)), tmp_path)
    main_part = page.partition("<main>")[2]
    of_several = ("Every two", "Holm", "reads:", "nobody does better", "in common")
    assert [one for one in of_several if one in main_part] == []
    assert 'class="n best"' not in main_part
    assert "drawn from 0.00 % to 100.00 %" in main_part, "not from its own interval's ends"
    assert main_part.count('class="told">taken for') == 40
    assert "There are 50; shown are the first 40." in main_part
    none = write_page(make_grades(lesson.classroom, {}), tmp_path)
    assert "The one ranked network gets no hidden image wrong." in none
    two = write_page(make_grades(lesson.classroom, some(8), some(9)), tmp_path)
    assert "Both are compared on the same images, by McNemar's exact test at 95 %. “1–2” reads" in " ".join(
        two.split()
    )


def test_a_run_that_is_handed_in_again_is_no_second_try(
    lesson: Lesson, trained: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Page, table, terminal and leaderboard agree."""
    handed = tmp_path / "in"
    submit(trained.path, name="Anna", out=handed / "anna.zip")
    shutil.copyfile(handed / "anna.zip", handed / "anna (1).zip")
    status = main(["class", "grade", str(handed), "--exercise", str(lesson.folder), "--out", str(tmp_path)])
    assert status == 0
    place = f"anna.zip/{trained.path.name}"
    told = capsys.readouterr().out
    assert f"handed in again: Anna: anna (1).zip/{trained.path.name}, the same run as {place}" in told
    assert "not counted" not in told
    page = (tmp_path / "grades.html").read_text(encoding="utf-8")
    assert "<b>0</b><span>earlier submissions, not counted</span>" in page
    assert "Earlier submissions" not in page
    assert f"the same run as {place}" in page
    rows = (tmp_path / "grades.csv").read_text(encoding="utf-8").splitlines()
    assert [row.split(",")[3] for row in rows[1:]] == ["ranked", "handed in again"]
    board = Board(lesson.classroom, handed)
    board.update(settled_seconds=0)
    (row,) = board.view().rows
    board.file.unlink()
    assert (row.num_attempts, board.view().others) == (1, ())


def test_who_goes_back_to_an_earlier_run_has_it_count(
    lesson: Lesson, trained: RunFolder, tmp_path: Path
) -> None:
    submit(trained.path, name="Anna", out=tmp_path / "in" / "1.zip")
    (first,) = grade(tmp_path / "in", exercise=lesson.folder).ranked
    other = replace(make_entry(lesson.classroom, "Anna", {}), reply=replace(first.reply, fingerprint=None))
    other = replace(other, reply=replace(other.reply, num_looks=0))

    def at(entry: Entry, hour: int, file: str) -> Entry:
        moment = datetime(2026, 1, 1, hour, tzinfo=UTC)
        return replace(entry, handed=replace(entry.handed, submitted=moment, place=file), place=None)

    entries = [at(first, 1, "a"), at(other, 2, "b"), at(first, 3, "c"), at(first, 4, "d")]
    grades = rank(lesson.classroom, entries, Gathered(), Path())
    assert [one.handed.place for one in grades.ranked] == ["c"]
    assert [one.handed.place for one in grades.superseded] == ["b"]
    assert {one.handed.place: one.stands.place for one in grades.repeated} == {"a": "c", "d": "c"}
    assert "handed in again" in write_table(grades)
    page = write_page(grades, tmp_path)
    assert "<b>1</b><span>earlier submission, not counted</span>" in page


def test_bars_begin_at_nothing(lesson: Lesson) -> None:
    board = Board(lesson.classroom, lesson.folder / "nowhere")
    board._ladder.climb("Anna", 0.95)
    board._ladder.climb("Bo", 0.5)
    view = board.view()
    assert view.bar_end == "100 %"
    assert [f"{100 * one.share:.2f} %" for one in view.rows] == [one.shown for one in view.rows]
