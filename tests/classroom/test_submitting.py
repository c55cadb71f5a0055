"""`loupe class submit`: what keeps to the rules becomes one file; what does not is told why."""

import json
import zipfile
from pathlib import Path

import pytest

import loupe
from loupe.classroom.submitting import submit
from loupe.cli import main
from loupe.errors import LoupeError
from loupe.runs import RunFolder
from tests.classroom.conftest import Lesson


def test_a_run_that_keeps_to_the_rules_becomes_one_file(
    trained: RunFolder, lesson: Lesson, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["class", "submit", str(trained.path), "--name", "Änne O'Neill/../x"]) == 0
    (file,) = tmp_path.glob("*.zip")
    assert file.name == "Änne-O-Neill-..-x.zip"
    with zipfile.ZipFile(file) as archive:
        told = json.loads(archive.read(f"{trained.path.name}/submission.json"))
        assert f"{trained.path.name}/best.safetensors" in archive.namelist()
        assert not any("pixels" in name or "data.npz" in name for name in archive.namelist())
    assert (told["name"], told["exercise"]) == ("Änne O'Neill/../x", lesson.classroom.seal.digest)


def refusal(run: RunFolder, exercise: Path | None = None) -> str:
    with pytest.raises(LoupeError) as caught:
        submit(run.path, exercise=exercise)
    return str(caught.value)


def test_a_changed_fixed_field_is_told(lesson: Lesson) -> None:
    run = lesson.train("long", "train.epochs=3")
    assert "train.epochs is 3; the exercise fixes it at 2" in refusal(run)


def test_a_run_on_other_images_is_told(lesson: Lesson, tmp_path: Path) -> None:
    run = loupe.train(
        "digits",
        *("train.epochs=2", "model=mlp", "evaluate.look_inside=false", f"run.folder={tmp_path}"),
    )
    assert "was not trained on the images of an exercise" in refusal(run)
    assert "tested on other images than the pack's test images" in refusal(run, lesson.pack)


def test_many_looks_are_told(lesson: Lesson) -> None:
    run = lesson.train("peeking", "evaluate.show_test_picking=true")
    assert "looked at the test images 3 times; allowed: 1" in refusal(run)


def test_an_edited_run_is_told(run: RunFolder) -> None:
    run.result_file.write_text(run.result_file.read_text().replace('"accuracy": 0.', '"accuracy": 0.9'))
    assert "altered" in refusal(run)


def test_weights_from_elsewhere_are_told(lesson: Lesson, trained: RunFolder) -> None:
    run = lesson.train("warm", "run.seed=1", f'transfer={{run = "{trained.path}", head = "copied"}}')
    assert "starts from other weights" in refusal(run)


def test_a_pack_that_was_changed_is_told(trained: RunFolder, lesson: Lesson, tmp_path: Path) -> None:
    for file in lesson.pack.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "README.md").write_text("notes of mine")
    submit(trained.path, exercise=tmp_path, out=tmp_path / "out.zip")
    content = bytearray((tmp_path / "data.npz").read_bytes())
    content[-30] ^= 1
    (tmp_path / "data.npz").write_bytes(content)
    with pytest.raises(LoupeError, match="not as the exercise was handed out"):
        submit(trained.path, exercise=tmp_path)
