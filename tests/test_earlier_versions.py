"""What commit 88aca72 wrote, read and resumed for good: `fixtures/88aca72/make.py` says how it was made."""

import csv
import json
import shutil
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

import loupe
from loupe.cli import main
from loupe.data import load_dataset
from loupe.errors import RunError
from loupe.recipe import Recipe
from loupe.recipe.train_section import TrainSection
from loupe.running.recipe_digest import is_recorded_in
from loupe.runs import RunFolder, SeriesFolder
from loupe.studies import folder as study_folder
from loupe.studies.folder import StudyFolder
from loupe.studies.loading import load_study
from loupe.studies.rows import StudyRow
from loupe.studies.run import run_study

FIXTURES = Path(__file__).parent / "fixtures" / "88aca72"


@pytest.fixture
def earlier(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with copies of all that commit wrote; the working folder is beside it."""
    copied = tmp_path / "runs"
    shutil.copytree(FIXTURES, copied, ignore=shutil.ignore_patterns("*.py", "digits.toml"))
    kept = copied / "studies" / "small" / "recipes"  # that commit did not keep it
    kept.mkdir()
    shutil.copy(FIXTURES / "digits.toml", kept)
    monkeypatch.chdir(tmp_path)
    return copied


@pytest.fixture(scope="module")
def tolerance(tmp_path_factory: pytest.TempPathFactory) -> float:
    """Return 0 where the fixture's recipe, trained here, ends in the fixture's bits; elsewhere a rounding.

    Torch and the system may be the same and the processor another one, whose sums are rounded otherwise.
    """
    folder = tmp_path_factory.mktemp("here")
    trained = loupe.train(FIXTURES / "finished" / "recipe.toml", f"run.folder={folder}")
    ours, theirs = load_file(trained.best_file), load_file(FIXTURES / "finished" / "best.safetensors")
    return 0.0 if all(torch.equal(ours[name], tensor) for name, tensor in theirs.items()) else 1e-4


def check_same_weights(file: Path, expected: Path, tolerance: float) -> None:
    """Compare the weights of two files."""
    ours, theirs = load_file(file), load_file(expected)
    assert ours.keys() == theirs.keys()
    for name, tensor in theirs.items():
        torch.testing.assert_close(ours[name], tensor, atol=tolerance, rtol=tolerance)


def test_an_interrupted_run_is_resumed_to_the_weights_of_the_uninterrupted_one(
    earlier: Path, tolerance: float
) -> None:
    run = loupe.resume(earlier / "interrupted")
    assert len(run.read_history()) == 4
    check_same_weights(run.best_file, earlier / "finished" / "best.safetensors", tolerance)
    check_same_weights(
        run.checkpoint_file, earlier / "finished" / "last" / "checkpoint.safetensors", tolerance
    )
    result, expected = run.read_result(), loupe.load_run(earlier / "finished").read_result()
    assert result is not None
    assert expected is not None
    assert result.status == "finished"
    assert result.best is not None
    assert expected.best is not None
    assert result.best.epoch == expected.best.epoch
    assert result.best.test is not None
    assert expected.best.test is not None
    assert result.best.test.accuracy == expected.best.test.accuracy
    assert "<svg" in run.report_file.read_text(encoding="utf-8")


def test_an_edited_recipe_is_refused_as_it_was(earlier: Path) -> None:
    run = RunFolder(earlier / "interrupted")
    text = run.recipe_file.read_text(encoding="utf-8")
    run.recipe_file.write_text(text.replace("epochs = 4", "epochs = 5"), encoding="utf-8")
    with pytest.raises(RunError, match=r"The recipe of run interrupted changed since it was started"):
        loupe.resume(run.path)


def test_another_recipe_is_not_the_recorded_one(earlier: Path) -> None:
    run = RunFolder(earlier / "interrupted")
    recipe = run.read_recipe()
    assert is_recorded_in(run, recipe)
    other = recipe.model_copy(update={"train": recipe.train.model_copy(update={"clip_norm": 1.0})})
    assert not is_recorded_in(run, other)


def test_a_series_says_its_spread_whatever_it_was_called_then(earlier: Path) -> None:
    written = json.loads((earlier / "series" / "summary.json").read_text())["summaries"]
    found = SeriesFolder(earlier / "series").read_summaries()
    assert found["best test accuracy"].std == written["best test accuracy"]["sd"] > 0


@pytest.mark.parametrize("name", ["finished", "series"])
def test_a_missing_report_of_a_finished_run_is_written(earlier: Path, name: str) -> None:
    reports = [earlier / name / "report.html"]
    reports += [earlier / name / f"seed-{seed}" / "report.html" for seed in (0, 1) if name == "series"]
    assert not any(report.exists() for report in reports)
    loupe.resume(earlier / name)
    assert all("<svg" in report.read_text(encoding="utf-8") for report in reports)
    for history in (FIXTURES / name).rglob("history.csv"):  # with the seconds that epochs took
        now = earlier / history.relative_to(FIXTURES)
        assert now.read_bytes() == history.read_bytes(), "it was trained again"


@pytest.mark.thorough
def test_the_command_line_reads_them(earlier: Path, capsys: pytest.CaptureFixture[str]) -> None:
    accuracy = loupe.load_run(earlier / "finished").read_result()
    assert accuracy is not None
    assert accuracy.best is not None
    assert accuracy.best.test is not None
    shutil.rmtree(earlier / "studies")
    assert main(["list"]) == 0
    listed = capsys.readouterr().out
    assert "damaged" not in listed
    for name in ("interrupted", "finished", "series"):
        assert name in listed
    assert f"{100 * accuracy.best.test.accuracy:.2f}" in listed
    assert main(["show", str(earlier / "finished")]) == 0
    assert "widths" in capsys.readouterr().out
    assert main(["compare", "finished", "series/seed-1", "--out", "page.html"]) == 0
    assert "2 runs compared" in Path("page.html").read_text(encoding="utf-8")
    assert main(["inspect", "finished"]) == 0


def test_it_names_classes_as_it_did(earlier: Path, capsys: pytest.CaptureFixture[str]) -> None:
    images = load_dataset("digits", classes=(0, 1, 2, 3, 4)).test.open("compare with what a file holds")
    with np.load(earlier / "finished" / "predictions.npz") as stored:
        logits, labels = stored["test_logits"], stored["test_labels"]
    assert np.array_equal(labels, images.labels.numpy())
    for index in (0, 50, 100):
        Image.fromarray(images.images[index, 0].numpy()).save(f"{index}.png")
        assert main(["predict", "finished", f"{index}.png"]) == 0
        (row,) = csv.DictReader(capsys.readouterr().out.splitlines())
        assert row["class_1"] == images.class_names[int(logits[index].argmax())]


@pytest.mark.thorough
def test_a_study_is_resumed_with_the_runs_it_has(earlier: Path) -> None:
    out = earlier / "studies"
    before = StudyFolder(out / "small").read_results()
    assert [(row.arm, row.seed) for row in before] == [("plain", 0), ("plain", 1)]
    begun = RunFolder(out / "runs" / "mlp-c02606fa8ef2")
    assert not begun.is_finished()
    kept = {row.key: (out / "runs" / f"mlp-{row.key}" / "best.safetensors").read_bytes() for row in before}
    run_study(load_study(out / "small"), out, engine="serial")
    after = StudyFolder(out / "small").read_results()
    assert [(row.arm, row.seed) for row in after] == [
        ("plain", 0),
        ("plain", 1),
        ("smooth", 0),
        ("smooth", 1),
    ]
    assert after[:2] == before, "the runs that were finished are taken as they are, by their keys"
    assert [row.reason for row in after] == [None] * 4
    for key, weights in kept.items():
        assert (out / "runs" / f"mlp-{key}" / "best.safetensors").read_bytes() == weights
    log = begun.log_file.read_text(encoding="utf-8")
    assert begun.is_finished()
    assert log.count("epoch 1:") == 1, "it was begun anew instead of resumed"
    fresh = run_study(load_study(out / "small"), earlier / "fresh", engine="serial")
    assert {row.key for row in StudyFolder(earlier / "fresh" / "small").read_results()} == {
        row.key for row in after
    }
    assert fresh is not None


def test_its_results_spare_the_runs_they_list(earlier: Path) -> None:
    known = earlier / "studies" / "small" / "results.csv"
    keys = {row.key for row in StudyFolder(earlier / "studies" / "small").read_results()}
    assert len(keys) == 2
    assert (
        main(
            [
                "study",
                str(earlier / "studies" / "small"),
                "--out",
                "new",
                "--known",
                str(known),
                "--engine",
                "serial",
            ]
        )
        == 0
    )
    assert keys < {row.key for row in StudyFolder(Path("new", "small")).read_results()}
    assert not any(path.name.endswith(tuple(keys)) for path in Path("new", "runs").iterdir())


@pytest.mark.thorough
def test_runs_of_another_recipe_are_not_counted_and_kept(
    earlier: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(earlier / "studies" / "small" / "recipes")
    assert main(["study", str(earlier / "studies" / "small"), "--dry-run"]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "not counted: 2 finished runs of" in told
    assert "kept in earlier.csv" in told


@dataclass(frozen=True)
class LaterRow(StudyRow):
    """A row with a column that came later."""

    test_recall: float | None = None


def test_a_table_without_a_later_column_is_read(earlier: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = StudyFolder(earlier / "studies" / "small").read_results()
    monkeypatch.setattr(study_folder, "StudyRow", LaterRow)
    monkeypatch.setattr(
        study_folder, "_TYPES", {one.name: one.type for one in fields(LaterRow) if one.name != "metrics"}
    )
    monkeypatch.setattr(study_folder, "_LATER", {*study_folder._LATER, "test_recall"})
    rows = StudyFolder(earlier / "studies" / "small").read_results()
    assert [vars(row) for row in rows] == [{**vars(row), "test_recall": None} for row in before]


class LaterTrain(TrainSection):
    """A table with a field that came later."""

    made_up: float = 0.25


class LaterRecipe(Recipe):
    """A recipe with a field that came later, at its default unless it says otherwise."""

    train: LaterTrain = LaterTrain()


@pytest.mark.thorough
def test_a_later_field_leaves_runs_and_studies_of_that_commit_resumable(
    earlier: Path, tolerance: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("loupe.recipe.reading.Recipe", LaterRecipe)
    run = RunFolder(earlier / "interrupted")
    assert "made_up" not in run.recipe_file.read_text(encoding="utf-8")
    assert "made_up" in run.read_recipe().to_toml()
    resumed = loupe.resume(run.path)
    check_same_weights(resumed.best_file, earlier / "finished" / "best.safetensors", tolerance)
    test_a_study_is_resumed_with_the_runs_it_has(earlier)


def test_a_later_field_that_is_set_is_another_recipe(earlier: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loupe.recipe.reading.Recipe", LaterRecipe)
    run = RunFolder(earlier / "interrupted")
    recipe: Any = loupe.load_recipe(run.recipe_file, ["train.made_up=0.5"])
    assert not is_recorded_in(run, recipe)
