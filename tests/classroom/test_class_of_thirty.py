"""A class of thirty, six of them bad: all six are named, the honest ones are ranked and share places."""

import csv
import shutil
import zipfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from loupe.classroom.entries import Grades
from loupe.classroom.grading import grade
from loupe.classroom.results import write_results
from loupe.classroom.submitting import Submission, _add, submit
from loupe.plugins import trust_plugin
from loupe.runs import RunFolder
from loupe.runs.packing import pack
from tests.quick_runs import forget_plugins

from .conftest import Lesson
from .forging import edit_metrics, swap_weights, write_spy

pytestmark = pytest.mark.thorough

BAD = {
    "Edith": "not as the run left it: figures: validation accuracy is 0.999 in the result",
    "Swen": "the stored predictions are not those of the weights",
    "Plutarch": "names a plugin, which the exercise does not allow: spy.py; nothing of it was run",
    "Carl": "the same run as Student 03's",
    "Wanda": "trained on other data: 1,4",
    "Luca": "looked at the test images 3 times; allowed: 1",
}


@dataclass
class Class:
    """What thirty students handed in, and what it was worth."""

    grades: Grades
    trace: Path
    table: Path
    page: Path


@pytest.fixture(scope="module")
def graded(lesson: Lesson, tmp_path_factory: pytest.TempPathFactory) -> Class:
    root = tmp_path_factory.mktemp("thirty")
    handed = root / "submissions"
    handed.mkdir()
    monkeypatch = pytest.MonkeyPatch()
    monkeypatch.setenv("XDG_STATE_HOME", str(root / "state"))
    try:
        honest = hand_in_honestly(lesson, handed)
        hand_in_badly(lesson, root, handed, honest)
        monkeypatch.setenv("XDG_STATE_HOME", str(root / "state of the teacher"))
        (root / "trace.txt").unlink()
        forget_plugins()
        monkeypatch.setattr("loupe.plugins._trusted_here", set())
        grades = grade(handed, exercise=lesson.folder)
    finally:
        monkeypatch.undo()
    table, page = write_results(grades, root / "out")
    return Class(grades, root / "trace.txt", table, page)


def hand_in_honestly(lesson: Lesson, handed: Path) -> list[RunFolder]:
    """Hand in twenty-four honest runs, wrapped in different ways; four of them are clearly worse."""
    runs = []
    for number in range(24):
        weak = ("train.optimizer.learning_rate=0.0003",) if number >= 20 else ()
        run = lesson.train(f"student-{number:02d}", f"run.seed={number}", "model.widths=[24]", *weak)
        runs.append(run)
        out = handed / f"Student {number:02d} – abgabe" / "sub mission.zip"
        if number % 3 == 0:
            out = handed / f"{number:02d}.zip"
        if number < 6 or number % 3:
            out.parent.mkdir(exist_ok=True)
        if number < 6 or number % 3:
            hand_over(lesson, run, f"Student {number:02d}", out, is_checked=number < 6)
        else:
            shutil.copytree(run.path, handed / f"Student {number:02d}" / "runs" / run.path.name)
        if number % 3 == 1:  # as systems for teaching hand it on: zipped once more
            with zipfile.ZipFile(handed / f"outer {number}=(1).zip", "w") as outer:
                outer.write(out, f"abgabe/{out.name}")
            shutil.rmtree(out.parent)
    return runs


def hand_over(lesson: Lesson, run: RunFolder, name: str, out: Path, *, is_checked: bool) -> None:
    """Write a file to hand in; as `submit` does, whose checks take a while, or without these."""
    if is_checked:
        submit(run.path, name=name, out=out)
        return
    pack(run, out)
    moment = datetime.now(UTC)
    _add(out, run.path.name, Submission(exercise=lesson.classroom.seal.digest, name=name, submitted=moment))


def hand_in_badly(lesson: Lesson, root: Path, handed: Path, honest: list[RunFolder]) -> None:
    """Hand in six that are not what they say."""

    def copy(run: RunFolder, name: str) -> RunFolder:
        shutil.copytree(run.path, root / "bad" / name)
        return RunFolder(root / "bad" / name)

    edited = copy(honest[0], "Edith")
    edit_metrics(edited)
    swapped = copy(honest[1], "Swen")
    swap_weights(swapped, honest[2])
    copied = copy(honest[3], "Carl")
    spy = write_spy(root)
    trust_plugin(str(spy))
    plugged = lesson.train("plug", f'run.plugins=["{spy}"]', "model=spying")
    with np.load(lesson.pack / "data.npz") as arrays:
        np.savez(
            root / "own.npz", **{name: 255 - one if "images" in name else one for name, one in arrays.items()}
        )
    wrong = lesson.train("wrong", f"data.path={root / 'own.npz'}")
    many = lesson.train("many", "run.seed=77", "evaluate.show_test_picking=true")
    named = {
        "Edith": edited,
        "Swen": swapped,
        "Carl": copied,
        "Plutarch": plugged,
        "Wanda": wrong,
        "Luca": many,
    }
    for name, run in named.items():
        pack(run, handed / f"{name}.zip")


def test_all_six_are_named_and_why(graded: Class) -> None:
    told = {one.name: "; ".join(rule.text for rule in one.broken) for one in graded.grades.aside}
    told |= {one.name: "; ".join(rule.text for rule in one.broken) for one in graded.grades.refused}
    assert told.keys() == BAD.keys()
    for name, text in BAD.items():
        assert text in told[name], told[name]
    assert {one.name for one in graded.grades.aside} == {"Carl", "Luca"}


def test_the_honest_are_ranked_with_ties(graded: Class) -> None:
    ranked = graded.grades.ranked
    assert sorted(one.name for one in ranked) == [f"Student {number:02d}" for number in range(24)]
    values = [one.value.value for one in ranked if one.value is not None and one.value.value is not None]
    assert values == sorted(values, reverse=True)
    assert len(values) == 24
    first = [one for one in ranked if one.place is not None and one.place.first == 1]
    assert len(first) >= 10, "trainings that differ by their seeds share a place"
    worst = {one.name for one in ranked[-4:]}
    assert worst == {f"Student {number}" for number in range(20, 24)}
    assert all(one.place is not None and one.place.first > 10 for one in ranked[-4:]), "and these come after"


def test_metrics_are_computed_from_the_weights(graded: Class) -> None:
    hidden = graded.grades.classroom.hidden
    for one in graded.grades.ranked:
        assert one.logits is not None
        assert one.value is not None
        assert one.value.value == float((one.logits.argmax(1) == hidden.labels).double().mean())


def test_nothing_of_a_plugin_was_run(graded: Class) -> None:
    assert not graded.trace.exists()


def test_the_one_who_was_copied_is_told_of_and_keeps_his_place(graded: Class) -> None:
    (original,) = (one for one in graded.grades.ranked if one.name == "Student 03")
    assert any("Carl handed in what is like it: copied run" in note for note in original.notes)


def test_table_and_page_hold_all_of_it(graded: Class) -> None:
    rows = list(csv.DictReader(graded.table.read_text(encoding="utf-8").splitlines()))
    assert len(rows) == 30
    assert {row["name"]: row["status"] for row in rows if row["name"] in BAD} == {
        "Edith": "refused", "Swen": "refused", "Plutarch": "refused", "Wanda": "refused",
        "Carl": "set aside", "Luca": "set aside",
    }  # fmt: skip
    page = graded.page.read_text(encoding="utf-8")
    for name, text in BAD.items():
        assert name in page
        assert text.partition("'")[0] in page
    assert 'src="http' not in page
    assert "Strengths by class" in page
