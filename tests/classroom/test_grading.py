"""Grading one by one: rules, limits, likeness, looks, tables and pages."""

import csv
import io
import shutil
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from loupe.classroom.entries import Entry
from loupe.classroom.fingerprints import Fingerprint, _project, take_fingerprint
from loupe.classroom.gathering import Handed
from loupe.classroom.grading import grade
from loupe.classroom.judging import Judge
from loupe.classroom.likeness import Graded, compare, measure_distance
from loupe.classroom.limits import Limits
from loupe.classroom.results import write_results, write_table
from loupe.classroom.submitting import submit
from loupe.cli import main
from loupe.errors import LoupeError
from loupe.models import MODELS
from loupe.plugins import trust_plugin
from loupe.runs import RunFolder, read_weights
from loupe.runs.packing import pack, unpack
from loupe.using.classifier import open_classifier
from tests.quick_runs import forget_plugins

from .conftest import Lesson
from .forging import edit_metrics, renew, shake_weights, write_spy


def judge(lesson: Lesson, run: RunFolder, work: Path, limits: Limits | None = None, **seal: str) -> Entry:
    classroom = lesson.classroom
    if seal:
        changed = classroom.seal.model_copy(update=seal)
        pack_ = type(classroom.pack)(classroom.pack.folder, changed, classroom.pack.sides)
        classroom = type(classroom)(classroom.folder, pack_, classroom.hidden)
    work.mkdir(exist_ok=True)
    handed = Handed("Anna", "anna.zip", run.path, None, datetime.now(UTC))
    return Judge(classroom, work, limits or Limits()).judge(handed)


def reasons(entry: Entry) -> str:
    return "; ".join(one.text for one in entry.broken)


@pytest.mark.thorough
def test_a_network_is_asked_in_a_process_of_its_own(lesson: Lesson, run: RunFolder, tmp_path: Path) -> None:
    entry = judge(lesson, run, tmp_path / "work")
    assert not entry.broken
    hidden = lesson.classroom.hidden
    own = open_classifier(run, "cpu").compute_logits(hidden.images)
    assert entry.logits is not None
    assert torch.allclose(entry.logits, own, atol=1e-5)
    assert entry.value is not None
    assert entry.value.value == float((own.argmax(1) == hidden.labels).double().mean())
    assert entry.reply.num_looks == 1


def test_an_edited_result_is_refused(lesson: Lesson, run: RunFolder, tmp_path: Path) -> None:
    edit_metrics(run)
    entry = judge(lesson, run, tmp_path / "work")
    assert entry.is_refused
    assert "validation accuracy is 0.999 in the result" in reasons(entry)


def test_looks_taken_off_the_record_are_found(lesson: Lesson, run: RunFolder, tmp_path: Path) -> None:
    run.openings_file.write_text("")
    renew(run)
    assert judge(lesson, run, tmp_path / "work").is_refused


def test_what_takes_too_long_is_ended(lesson: Lesson, run: RunFolder, tmp_path: Path) -> None:
    before = time.monotonic()
    entry = judge(lesson, run, tmp_path / "work", Limits(seconds=0.01))
    assert "took longer than 0.01 seconds" in reasons(entry)
    assert time.monotonic() - before < 60


@pytest.mark.thorough
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is held to on Linux alone")
def test_what_takes_too_much_memory_is_ended(lesson: Lesson, run: RunFolder, tmp_path: Path) -> None:
    with np.load(run.predictions_file) as stored:
        arrays = dict(stored)
    arrays["validation_more"] = np.zeros((300 * 2**20,), np.uint8)  # a few hundred kilobytes in the file
    np.savez_compressed(run.predictions_file, **arrays)
    renew(run)
    entry = judge(lesson, run, tmp_path / "work", Limits(memory_mib=150))
    assert entry.is_refused
    assert "memory" in reasons(entry).casefold()


@pytest.mark.thorough
def test_damage_of_any_kind_is_a_reason_and_no_traceback(
    lesson: Lesson, run: RunFolder, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for file in (
        "recipe.toml",
        "environment.json",
        "result.json",
        "images.npz",
        "best.safetensors",
        "history.csv",
    ):
        copy = tmp_path / file
        shutil.copytree(run.path, copy)
        (copy / file).write_bytes(b"\xff\x00{[" * 7)
        entry = judge(lesson, RunFolder(copy), tmp_path / "work")
        assert entry.is_refused, file
        assert reasons(entry)
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.thorough
def test_a_plugin_runs_once_the_teacher_trusts_it(
    lesson: Lesson, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spy = write_spy(tmp_path)
    trust_plugin(str(spy))
    run = lesson.train("plugged", f'run.plugins=["{spy}"]', "model=spying", f"run.folder={tmp_path / 'runs'}")
    pack(run, tmp_path / "anna.zip")
    spy.rename(tmp_path / "gone.py")  # the student's own machine is another
    (tmp_path / "handed").mkdir()
    shutil.move(tmp_path / "anna.zip", tmp_path / "handed" / "anna.zip")
    forget_plugins()
    monkeypatch.setattr("loupe.plugins._trusted_here", set())
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "teacher's state"))
    (tmp_path / "trace.txt").unlink()
    theirs = RunFolder(unpack(tmp_path / "handed" / "anna.zip", tmp_path / "unpacked"))
    refused = judge(lesson, theirs, tmp_path / "work", plugins="trusted")
    assert "names a plugin that is not trusted here: spy.py; nothing of it was run" in reasons(refused)
    place = reasons(refused).rpartition("loupe trust ")[2]
    assert Path(place).read_text() == (tmp_path / "gone.py").read_text()
    assert not (tmp_path / "trace.txt").exists()
    trust_plugin(place)
    accepted = judge(lesson, theirs, tmp_path / "work", plugins="trusted")
    assert not accepted.broken
    assert (tmp_path / "trace.txt").exists(), "in its own process"
    assert "spying" not in loupe_models(), "and not in this one"


def loupe_models() -> list[str]:
    return MODELS.names()


def make_graded(run: RunFolder, name: str, logits: torch.Tensor | None = None) -> Graded:
    weights, _ = read_weights(run)
    given = torch.randn(20, 10) if logits is None else logits
    return Graded(name, datetime.now(UTC), take_fingerprint(run, weights), given)


@pytest.mark.thorough
def test_copies_near_copies_and_twins_are_told_apart(
    lesson: Lesson, trained: RunFolder, run: RunFolder, tmp_path: Path
) -> None:
    one = make_graded(trained, "anna")
    assert compare(one, make_graded(run, "bo")) == ("copied run", 0.0)
    twin = lesson.train("twin", "run.seed=1")
    assert compare(one, make_graded(twin, "bo")) == ("same recipe and seed", 0.0)
    other = lesson.train("other", "run.seed=2")
    assert compare(one, make_graded(other, "bo")) is None
    close = lesson.train("close", "run.seed=1", "train.optimizer.learning_rate=0.0099")
    assert compare(one, make_graded(close, "bo")) is None, "one seed, and a rate one percent lower"
    shake_weights(run, 0.002)
    run.history_file.write_text(run.history_file.read_text().replace("0.", "0.0", 1))
    recipe = run.recipe_file.read_text()
    run.recipe_file.write_text(recipe.replace("batch_size = 64", "batch_size = 65"))
    renew(run)
    near = make_graded(run, "bo")
    found = compare(one, near)
    assert found is not None
    assert found[0] == "nearly equal weights"
    assert 0.001 < found[1] < 0.004


@pytest.mark.thorough
def test_noise_in_a_few_weights_does_not_hide_whose_they_are(
    lesson: Lesson, trained: RunFolder, run: RunFolder, tmp_path: Path
) -> None:
    """Refused, as nothing of it fits together, and still said to be Anna's; she keeps her place."""
    with safe_open(run.best_file, framework="pt") as file:
        metadata = file.metadata()
    weights = load_file(run.best_file)
    weights[
        "linear1.weight" if "linear1.weight" in weights else max(weights, key=lambda n: weights[n].numel())
    ][:3] += 5.0
    save_file(weights, run.best_file, metadata=metadata)
    renew(run)
    submit(trained.path, name="Anna", out=tmp_path / "in" / "anna.zip")
    shutil.copytree(run.path, tmp_path / "in" / "Carl")
    grades = grade(tmp_path / "in", exercise=lesson.folder)
    assert [one.name for one in grades.ranked] == ["Anna"]
    (carl,) = grades.refused
    assert "the same run as Anna's" in reasons(carl) or "of its weights are those of Anna" in reasons(carl)
    run.history_file.write_text(run.history_file.read_text().replace("0.", "0.0", 1))
    renew(run)
    found = compare(make_graded(trained, "anna"), make_graded(run, "carl"))
    assert found is not None
    assert found[0] == "weights in common"
    assert found[1] < 0.5


@pytest.mark.thorough
def test_one_seed_with_other_looks_is_no_copy(lesson: Lesson) -> None:
    """Weights come out equal by themselves where what differs does not reach them."""
    one = lesson.train("one", "run.seed=4")
    two = lesson.train("two", "run.seed=4", "evaluate.test=false", "evaluate.confidence=0.9")
    assert compare(make_graded(one, "anna"), make_graded(two, "bo")) == ("same recipe and seed", 0.0)


def test_sketches_keep_distances() -> None:
    generator = np.random.default_rng(0)
    first = torch.from_numpy(generator.normal(size=20_000))
    for size in (0.001, 0.01, 0.1, 1.0):
        second = first + size * torch.from_numpy(generator.normal(size=20_000))
        prints = [
            Fingerprint("s", str(index), tuple(_project(one, 5).tolist()), (), str(index), "r")
            for index, one in enumerate((first, second))
        ]
        true = float((first - second).norm() / max(first.norm(), second.norm()))
        assert measure_distance(*prints) == pytest.approx(true, rel=0.25)


@pytest.mark.thorough
def test_the_last_submission_counts_and_looks_add_up(
    lesson: Lesson, trained: RunFolder, tmp_path: Path
) -> None:
    second = lesson.train("second", "run.seed=3")
    handed = tmp_path / "handed"
    handed.mkdir()
    submit(trained.path, name="=Anna", out=handed / "1.zip")
    time.sleep(1.1)
    submit(second.path, name="=Anna", out=handed / "2.zip")
    grades = grade(handed, exercise=lesson.folder)
    (entry,) = grades.aside
    assert entry.handed.place.startswith("2.zip")
    assert "2 looks at the test images over 2 runs handed in; allowed: 1" in reasons(entry)
    assert [one.handed.place.partition("/")[0] for one in grades.superseded] == ["1.zip"]
    rows = list(csv.reader(io.StringIO(write_table(grades))))
    assert {row[2] for row in rows[1:]} == {"'=Anna"}, "no formula"
    page = write_results(grades, tmp_path / "out")[1].read_text(encoding="utf-8")
    assert "Nobody is ranked." in page


def test_names_are_text_on_the_page(lesson: Lesson, trained: RunFolder, tmp_path: Path) -> None:
    (tmp_path / "handed").mkdir()
    submit(trained.path, name="<script>alert(1)</script>", out=tmp_path / "handed" / "1.zip")
    status = main(
        ["class", "grade", str(tmp_path / "handed"), "--exercise", str(lesson.folder), "--out", str(tmp_path)]
    )
    assert status == 0
    page = (tmp_path / "grades.html").read_text(encoding="utf-8")
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_a_submission_for_another_exercise_is_refused(lesson: Lesson, run: RunFolder, tmp_path: Path) -> None:
    handed = Handed("Anna", "anna.zip", run.path, "0" * 64, datetime.now(UTC))
    entry = Judge(lesson.classroom, tmp_path, Limits()).judge(handed)
    assert "another exercise" in reasons(entry)


def test_nothing_handed_in_and_no_exercise_are_told(lesson: Lesson, tmp_path: Path) -> None:
    (tmp_path / "handed").mkdir()
    with pytest.raises(LoupeError, match="Nothing was handed in"):
        grade(tmp_path / "handed", exercise=lesson.folder)
    with pytest.raises(LoupeError, match="not known which exercise"):
        grade(tmp_path / "handed")
    with pytest.raises(LoupeError, match="There is no folder"):
        grade(tmp_path / "elsewhere", exercise=lesson.folder)


def test_reasons_name_what_was_handed_in_and_no_folder_that_is_gone(
    lesson: Lesson, run: RunFolder, tmp_path: Path
) -> None:
    handed = tmp_path / "handed"
    shutil.copytree(run.path, handed / "bo-folder")
    (handed / "bo-folder" / "result.json").write_text("{}")
    for name, file, content in (("cleo", "history.csv", "x"), ("dora", "recipe.toml", "[")):
        shutil.copytree(run.path, tmp_path / name / "my run")
        (tmp_path / name / "my run" / file).write_text(content)
        (tmp_path / name / "my run" / ("digests.json" if name == "cleo" else "log.txt")).unlink()
        shutil.make_archive(str(handed / name), "zip", tmp_path / name)
    grades = grade(handed, exercise=lesson.folder)
    told = {one.name: reasons(one) for one in grades.refused}
    assert told["bo-folder"] == (
        "bo-folder/result.json was altered or damaged after the run ended: "
        "another content than digests.json records"
    )
    assert told["cleo"].startswith("my-run ended, and nothing says what recipe.toml held then: digests.json")
    assert told["dora"].startswith("dora.zip/my run/recipe.toml was altered or damaged")
    assert not any("loupe-class" in text or ". another" in text for text in told.values())
    assert "loupe-class" not in write_table(grades)
