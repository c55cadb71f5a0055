"""Broken-off runs: what is kept, and how they go on."""

import json
import os
import shutil
import signal
from pathlib import Path

import pytest
from PIL import Image

import loupe
from loupe.errors import LoupeError, RunError
from loupe.training import Observer
from tests.quick_runs import StopAfter, Train, is_same_weights


def test_ctrl_c_keeps_what_was_reached_and_resume_ends_as_if_it_had_not_been(train: Train) -> None:
    whole = train("train.epochs=5")
    stopped = train("train.epochs=5", observers=[StopAfter(2, KeyboardInterrupt())])
    result = stopped.read_result()
    assert result is not None
    assert result.status == "interrupted"
    assert result.best is not None
    assert result.test_openings == (), "an unfinished run does not open the test set"
    assert len(stopped.read_history()) == 2
    assert "loupe resume" in stopped.report_file.read_text()
    loupe.resume(stopped.path)
    finished = stopped.read_result()
    assert finished is not None
    assert finished.status == "finished"
    assert is_same_weights(stopped.checkpoint_file, whole.checkpoint_file)
    assert is_same_weights(stopped.best_file, whole.best_file)
    assert finished.best == whole.read_result().best


def test_a_real_ctrl_c_is_taken_too(train: Train) -> None:
    class PressCtrlC(Observer):
        def on_step(self, step: int) -> None:
            if step == 2:
                os.kill(os.getpid(), signal.SIGINT)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a background shell ignores it
    try:
        run = train(observers=[PressCtrlC()])
    finally:
        signal.signal(signal.SIGINT, before)
    result = run.read_result()
    assert result is not None
    assert (result.status, result.best) == ("interrupted", None)
    assert "No epoch was completed" in run.report_file.read_text()


def test_resume_works_after_the_folder_was_moved(train: Train, tmp_path: Path) -> None:
    whole = train("train.epochs=4")
    stopped = train("train.epochs=4", observers=[StopAfter(1, KeyboardInterrupt())])
    moved = tmp_path / "elsewhere" / "my-run"
    moved.parent.mkdir()
    stopped.path.rename(moved)
    run = loupe.resume(moved)
    assert run.path == moved
    assert is_same_weights(run.checkpoint_file, whole.checkpoint_file)
    assert not stopped.path.exists()


def test_a_finished_run_is_left_as_it_is(train: Train) -> None:
    run = train()
    before = run.result_file.stat().st_mtime_ns
    loupe.resume(run.path)
    assert run.result_file.stat().st_mtime_ns == before


def test_data_that_changed_is_not_resumed(train: Train) -> None:
    run = train(observers=[StopAfter(1, KeyboardInterrupt())])
    environment = run.read_environment()
    environment["data_digests"]["train"] = "0" * 64
    run.environment_file.write_text(json.dumps(environment))
    run.digests_file.unlink()
    with pytest.raises(RunError) as caught:
        loupe.resume(run.path)
    assert str(caught.value) == (
        f"The data of run {run.path.name} changed since it was started; it cannot be resumed.\n"
        "  got: another content of: train\n  allowed: what environment.json records\n"
        f"  next: bring the old data back, or train anew: loupe train {run.recipe_file}"
    )


def test_ctrl_c_before_the_first_step_leaves_nothing_behind(
    train: Train, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("loupe.running.run_under_way.set_up", interrupt)
    with pytest.raises(KeyboardInterrupt):
        train()
    assert list((tmp_path / "runs").iterdir()) == []


def test_resume_never_removes_or_overwrites_what_is_no_run(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "thesis.txt").write_text("years of work")
    (project / "recipe.toml").write_text('# mine\n[data]\nname = "folder"\npath = "nowhere"\n')
    for place in (project, project / "recipe.toml"):
        with pytest.raises(RunError, match="holds a recipe, but no run"):
            loupe.resume(place)
    assert (project / "thesis.txt").read_text() == "years of work"
    assert (project / "recipe.toml").read_text().startswith("# mine")


@pytest.mark.thorough
@pytest.mark.parametrize(
    "missing", ["report.html", "best.safetensors", "predictions.npz", "evaluations.npz", "result.json"]
)
def test_resume_brings_back_what_a_finished_run_lost(train: Train, missing: str) -> None:
    run = train()
    before = run.read_result()
    path = run.path / missing
    path.unlink()
    loupe.resume(run.path)
    after = run.read_result()
    assert path.exists()
    assert before is not None
    assert after is not None
    assert after.best == before.best


def test_a_damaged_best_file_is_written_anew(train: Train) -> None:
    run = train()
    before = run.best_file.read_bytes()
    run.best_file.write_bytes(before[:500])
    loupe.resume(run.path)
    assert run.best_file.read_bytes() == before


@pytest.mark.thorough
def test_resuming_under_other_conditions_is_said(train: Train) -> None:
    run = train(observers=[StopAfter(1, KeyboardInterrupt())])
    environment = run.read_environment()
    environment["threads"] = 64
    run.environment_file.write_text(json.dumps(environment))
    run.digests_file.unlink()
    result = loupe.resume(run.path).read_result()
    assert result is not None
    (warning,) = result.warnings
    assert warning.startswith("Resumed under other conditions (threads 64 → ")


def test_a_run_that_is_being_trained_is_not_trained_twice(train: Train) -> None:
    run = train(observers=[StopAfter(1, KeyboardInterrupt())])
    with run.locked(), pytest.raises(RunError, match="is being trained by another process"):
        loupe.resume(run.path)


@pytest.mark.thorough
def test_a_run_whose_checkpoint_is_gone_starts_over_and_ends_the_same(train: Train) -> None:
    whole = train("train.epochs=4")
    stopped = train("train.epochs=4", observers=[StopAfter(2, KeyboardInterrupt())])
    shutil.rmtree(stopped.path / "last")
    loupe.resume(stopped.path)
    assert is_same_weights(stopped.checkpoint_file, whole.checkpoint_file)


def test_an_edited_recipe_is_not_resumed(train: Train) -> None:
    run = train(observers=[StopAfter(1, KeyboardInterrupt())])
    text = run.recipe_file.read_text()
    run.recipe_file.write_text(text.replace("epochs = 3", "epochs = 5"))
    with pytest.raises(RunError, match=r"The recipe of run .* changed since it was started"):
        loupe.resume(run.path)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("environment.json", "{}"),
        ("environment.json", "[]"),
        ("environment.json", "nonsense"),
        ("last/checkpoint.safetensors", "nonsense"),
        ("test_openings.jsonl", '{"reason": "half a li'),
        ("recipe.toml", "nonsense"),
    ],
)
def test_a_damaged_run_folder_is_said_to_be_damaged(train: Train, name: str, content: str) -> None:
    run = train(observers=[StopAfter(1, KeyboardInterrupt())])
    (run.path / name).write_text(content)
    with pytest.raises(LoupeError) as caught:
        loupe.resume(run.path)
    assert caught.value.next_step


@pytest.mark.thorough
def test_a_folder_is_resumed_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, shade in (("dark", 10), ("light", 200)):
        for index in range(40):
            path = tmp_path / "images" / name / f"{index}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("L", (8, 8), shade + index).save(path)
    monkeypatch.chdir(tmp_path)
    recipe = {"data": {"name": "folder", "path": "images"}, "train": {"epochs": 2}}
    run = loupe.train(
        recipe, f"run.folder={tmp_path / 'runs'}", observers=[StopAfter(1, KeyboardInterrupt())]
    )
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    result = loupe.resume(run.path).read_result()
    assert result is not None
    assert result.status == "finished"
