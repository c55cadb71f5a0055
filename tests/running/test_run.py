"""Whole runs on the digits: what is written, what is counted, what is kept when something breaks."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors import safe_open

import loupe
from loupe.data import EvaluationBatches, split_dataset
from loupe.data.normalization import Normalization
from loupe.errors import DataError, ShapeError, TrainingError
from loupe.metrics import compute_metrics
from loupe.runs import load_model
from loupe.statistics import compute_wilson_interval
from loupe.training.measure import measure
from tests.quick_runs import Train, is_same_weights

FILES = {
    "recipe.toml",
    "environment.json",
    "history.csv",
    "result.json",
    "best.safetensors",
    "last",
    "predictions.npz",
    "evaluations.json",
    "evaluations.npz",
    "report.html",
    "test_openings.jsonl",
    "log.txt",
    "images.npz",
    "digests.json",
    ".lock",
}


def test_a_run_folder_holds_what_it_says(train: Train) -> None:
    run = train()
    assert {path.name for path in run.path.iterdir()} == FILES
    assert run.path.name.startswith("digits-")
    assert [record.epoch for record in run.read_history()] == [1, 2, 3]
    environment = run.read_environment()
    assert environment["packages"]["torch"] == torch.__version__
    assert set(environment["data_digests"]) == {"train", "validation", "test"}
    assert environment["seed"] == 0
    assert loupe.load_recipe(run.recipe_file) == run.read_recipe()


def test_the_numbers_of_the_result_are_those_of_the_stored_predictions(train: Train) -> None:
    run = train()
    result = run.read_result()
    assert result is not None
    assert result.best is not None
    assert result.best.test is not None
    predictions = run.read_predictions()
    names = tuple(str(digit) for digit in range(10))
    assert compute_metrics(predictions["test"], names) == result.best.test
    assert compute_metrics(predictions["validation"], names) == result.best.validation
    test = result.best.test
    assert test.interval == compute_wilson_interval(test.correct, 360)
    assert result.num_images == {"train": 371, "validation": 200, "test": 360}


def test_test_numbers_belong_to_the_best_weights_on_validation(train: Train) -> None:
    """D-002-7, D-003-1, D-003-2, D-004-1: numbers of one epoch stood beside those of another."""
    run = train("train.epochs=6", "train.optimizer.learning_rate=0.02")
    result, history = run.read_result(), run.read_history()
    assert result is not None
    assert result.best is not None
    assert result.best.test is not None
    best = max(history, key=lambda record: (record.validation_accuracy, -record.validation_loss))
    assert result.best.epoch == best.epoch
    assert result.best.validation.accuracy == best.validation_accuracy
    assert result.last is not None
    assert result.last.epoch == 6
    assert result.last.validation.accuracy == history[-1].validation_accuracy
    model, description = load_model(run)
    normalization = Normalization(**{k: tuple(v) for k, v in description["normalization"].items()})
    test = loupe.load_dataset("digits").test.open("check the saved weights against the result")
    judged = measure(model, EvaluationBatches(test, normalization))
    assert judged.accuracy == result.best.test.accuracy


def test_the_test_set_is_opened_once_for_a_reason_and_logged(train: Train) -> None:
    run = train()
    result = run.read_result()
    assert result is not None
    (opening,) = result.test_openings
    assert opening.reason == "final evaluation of the best-on-validation and the last weights"
    assert run.read_openings() == [opening]
    assert "test set opened" in run.log_file.read_text()


def test_a_locked_test_set_stays_locked(train: Train) -> None:
    run = train("evaluate.test=false")
    result = run.read_result()
    assert result is not None
    assert result.best is not None
    assert result.best.test is None
    assert result.test_openings == ()
    assert set(run.read_predictions()) == {"validation"}
    assert "locked" in run.report_file.read_text()


def test_what_picking_on_test_would_claim_is_shown_on_request_and_changes_nothing(train: Train) -> None:
    """D-003-1: the epoch was picked on the test set, and that accuracy reported as the result."""
    plain, shown = train(), train("evaluate.show_test_picking=true")
    result, other = shown.read_result(), plain.read_result()
    assert result is not None
    assert other is not None
    assert result.best == other.best
    assert other.test_picking is None
    assert result.test_picking is not None
    looks = shown.read_test_looks()
    assert result.test_picking.accuracy == max(looks.values())
    assert result.test_picking.num_epochs_looked_at == len(looks) == 3
    assert len(result.test_openings) == 4
    assert "picked on test: not a result" in shown.report_file.read_text()
    assert is_same_weights(shown.best_file, plain.best_file)


def test_one_seed_governs_everything(train: Train) -> None:
    first, again, other = train(), train(), train("run.seed=1")
    assert is_same_weights(first.best_file, again.best_file)
    assert not is_same_weights(first.best_file, other.best_file)
    digests = [run.read_environment()["data_digests"] for run in (first, again, other)]
    assert digests[0] == digests[1]
    assert digests[0]["validation"] != digests[2]["validation"]
    assert digests[0]["test"] == digests[2]["test"]


def test_the_split_can_have_a_seed_of_its_own(train: Train) -> None:
    runs = [train("data.split_seed=5", f"run.seed={seed}") for seed in (0, 1)]
    digests = [run.read_environment()["data_digests"] for run in runs]
    assert digests[0] == digests[1]
    assert not is_same_weights(runs[0].best_file, runs[1].best_file)


def test_nothing_in_a_run_folder_is_a_pickle(train: Train) -> None:
    """D-X-5: whole models were pickled. Pickles would need `allow_pickle`, or a zip with data.pkl."""
    run = train()
    with np.load(run.predictions_file, allow_pickle=False) as arrays:
        assert all(arrays[name].dtype != object for name in arrays.files)
    for path in (run.best_file, run.checkpoint_file):
        with safe_open(path, framework="pt") as file:
            assert file.metadata()
    package = Path(loupe.__file__).parent
    sources = [
        one for one in package.rglob("*.py") if "linting" not in one.parts
    ]  # it names what it looks for
    text = "\n".join(source.read_text() for source in sources)
    assert all("weights_only=True" in call for call in re.findall(r"torch\.load\([^)]*\)", text))
    assert not re.search(r"pickle\.(loads?\b|Unpickler)|from pickle", text)


def test_a_diverged_run_keeps_its_last_good_epoch(train: Train, tmp_path: Path) -> None:
    with pytest.raises(TrainingError):
        train("train.optimizer=sgd", "train.optimizer.learning_rate=1e20", "train.schedule=constant")
    (path,) = (tmp_path / "runs").iterdir()
    run = loupe.load_run(path)
    result = run.read_result()
    assert result is not None
    assert result.status == "failed"
    assert result.reason is not None
    assert result.reason.startswith("The training loss is no longer a number at epoch 1")
    assert result.test_openings == ()


@pytest.mark.parametrize(
    ("overrides", "error"),
    [(["data.classes=['1', 'no such']"], DataError), (["model.conv_layers=2"], ShapeError)],
)
def test_a_run_that_could_not_start_leaves_nothing_behind(
    train: Train, tmp_path: Path, overrides: list[str], error: type[Exception]
) -> None:
    with pytest.raises(error):
        train(*overrides)
    assert not (tmp_path / "runs").exists() or list((tmp_path / "runs").iterdir()) == []


def test_a_network_with_too_many_logits_is_refused(train: Train, tmp_path: Path) -> None:
    """It trained and finished, with accuracies of classes that do not exist."""
    plugin = tmp_path / "greedy.py"
    plugin.write_text(
        "from torch import nn\nfrom loupe import register_model\n\n"
        '@register_model("greedy")\ndef greedy(*, in_channels, image_size, num_classes):\n'
        '    """Too many logits."""\n    return nn.Sequential(nn.Flatten(), nn.Linear(64, 20))\n'
    )
    with pytest.raises(ShapeError) as caught:
        loupe.train("digits", "model=greedy", f"run.folder={tmp_path / 'runs'}", plugins=[str(plugin)])
    assert "got: an output of (1, 20) for one image\n  allowed: (1, 10): 10 classes" in str(caught.value)


def test_a_crop_that_does_not_fit_the_images_is_refused(train: Train) -> None:
    with pytest.raises(DataError, match="The augmentation PaddedCrop does not fit these images"):
        train('data.augment=[{name="padded-crop", mode="reflect", padding=8}]')


def test_a_validation_folder_without_some_class_is_reported_all_the_same(tmp_path: Path) -> None:
    for part, names in (("train", "ab"), ("val", "a"), ("test", "ab")):
        for name in names:
            for index in range(4):
                path = tmp_path / "images" / part / name / f"{index}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                level = index + 50 * ord(name) % 256 + 5 * ["train", "val", "test"].index(part)
                Image.new("L", (8, 8), level).save(path)
    recipe = {"data": {"name": "folder", "path": str(tmp_path / "images")}, "train": {"epochs": 2}}
    run = loupe.train(recipe, f"run.folder={tmp_path / 'runs'}")
    assert run.is_finished()


def test_the_data_named_by_the_result_can_be_had_again(train: Train) -> None:
    run = train()
    recipe = run.read_recipe()
    splits = split_dataset(
        loupe.load_dataset("digits"), validation=recipe.data.validation, fraction=recipe.data.fraction, seed=0
    )
    assert splits.train.digest == run.read_environment()["data_digests"]["train"]
