"""`loupe calibrate`: what is kept with a run is what predict, page and export then say."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from PIL import Image

import loupe
from loupe.cli import main
from loupe.errors import LoupeError, RunError
from loupe.evaluations import Looks, Table
from loupe.evaluations import scaling as scalings
from loupe.exporting.graph import PackagedNetwork
from loupe.questions import answer_questions, gather_evidence
from loupe.reports import earlier_looks
from loupe.running.training_setup import load_recipe_data, split_recipe_data
from loupe.runs import RunFolder
from loupe.runs.scaling import read_scaling
from loupe.using.calibrate_run import calibrate_run, choose_threshold
from loupe.using.classifier import open_classifier
from loupe.using.evaluate_run import evaluate_run
from loupe.using.export_run import write_model_card
from loupe.using.look_inside import look
from loupe.using.opened_run import open_run
from loupe.using.predict_images import predict
from tests.quick_runs import QUICK

pytestmark = pytest.mark.thorough


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return loupe.train("digits", *QUICK, f"run.folder={tmp_path}")


def test_predict_and_page_use_what_is_kept(run: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    images = torch.randint(256, (20, 1, 8, 8), dtype=torch.uint8)
    plain = open_classifier(run).predict(images)
    assert main(["calibrate", str(run.path), "--method", "temperature"]) == 0
    assert "temperature" in capsys.readouterr().out
    scaling = read_scaling(run, 10)
    assert scaling is not None
    classifier = open_classifier(run)
    expected = (classifier.compute_logits(images) / scaling.temperature_value).softmax(1)
    torch.testing.assert_close(classifier.predict(images), expected)
    seen = look(open_run(run), images[0]).probabilities
    assert seen is not None
    torch.testing.assert_close(seen, expected[0], atol=1e-5, rtol=1e-4)
    calibrate_run(run.path, "none")
    assert read_scaling(run, 10) is None
    torch.testing.assert_close(open_classifier(run).predict(images), plain)


def test_a_part_of_the_images_that_a_scaling_is_fitted_to_is_said(
    run: RunFolder, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    total = len(run.read_predictions()["validation"].labels)
    assert main(["calibrate", str(run.path), "--method", "temperature"]) == 0
    assert f", fitted to {total} validation images" in capsys.readouterr().out
    monkeypatch.setattr(scalings, "_MOST_FITTED", 10 * (total - 5))
    assert main(["calibrate", str(run.path), "--method", "temperature"]) == 0
    assert f", fitted to {total - 5} of {total} validation images" in capsys.readouterr().out


def test_what_was_set_right_is_not_advised_again_and_evaluations_say_what_they_show(run: RunFolder) -> None:
    def ask() -> tuple[str, str]:
        looks = evaluate_run(run.path, looks=["calibration"]).looks
        answers = answer_questions(gather_evidence(run, run.require_result(), looks))
        (one,) = [answer for answer in answers if answer.name == "probabilities"]
        return one.sentence, one.next_step

    assert "since (" not in ask()[0]
    calibrate_run(run.path, "temperature")
    scaling = read_scaling(run, 10)
    assert scaling is not None
    said, step = ask()
    assert said.startswith(f"Predict, page and export set them right since ({scaling.describe()}); ")
    assert not step
    (told,) = evaluate_run(run.path, looks=[]).warnings
    assert told.endswith("for predict, page and export; these are as the network says them")


def test_the_look_and_calibrate_rest_on_the_same_folds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a run by an earlier version too, whose looks are taken anew for its page; theirs had seed 0."""
    run = loupe.train("digits", *QUICK, "run.seed=3", "evaluate.test=false", f"run.folder={tmp_path}")
    losses = calibrate_run(run.path).losses
    calibrate_run(run.path, "none")

    def read_losses(looks: Looks) -> list[float]:
        (look,) = [one for one in looks.looks if one.name == "calibration" and one.split == "validation"]
        table = next(one for one in look.blocks if isinstance(one, Table) and "set right" in one.title)
        return [row[1] for row in table.rows]

    assert read_losses(evaluate_run(run.path, looks=["calibration"]).looks) == list(losses.values())
    recipe = run.read_recipe()
    validation = split_recipe_data(recipe, load_recipe_data(recipe)).validation
    run.evaluations_file.unlink()
    nothing = SimpleNamespace(pictured=torch.zeros(0, dtype=torch.int64), pictures=torch.zeros(0, 1, 8, 8))
    monkeypatch.setattr(RunFolder, "read_mistakes", lambda _: nothing)
    monkeypatch.setattr(earlier_looks, "_remember", lambda *_: [])
    assert read_losses(earlier_looks.read_looks(run, run.require_result(), validation)) == list(
        losses.values()
    )


@pytest.mark.parametrize("method", ["temperature", "vector", "isotonic"])
def test_a_scaling_can_be_part_of_an_exported_graph(run: RunFolder, method: str) -> None:
    """torch.export and ONNX take it; here the former's graph, run for another number of images."""
    from loupe.data.normalization import Normalization
    from loupe.exporting.graph import trace_network

    found = calibrate_run(run.path, method)  # type: ignore[arg-type]  # parametrized
    classifier = open_classifier(run, "cpu")
    both = torch.nn.Sequential(classifier.model, found.scaling).eval()
    program = trace_network(
        both, classifier.normalization, "classification", in_channels=1, image_size=(8, 8)
    )
    images = torch.randint(256, (7, 1, 8, 8), dtype=torch.uint8)
    probabilities = program.module()(images)[1]
    torch.testing.assert_close(probabilities, classifier.predict(images), atol=1e-5, rtol=1e-4)
    assert isinstance(classifier.normalization, Normalization)
    assert PackagedNetwork(both, classifier.normalization, "classification")


def test_a_scaling_that_was_altered_is_refused(run: RunFolder) -> None:
    calibrate_run(run.path, "temperature")
    values = json.loads(run.scaling_file.read_text())
    values["parameters"]["temperature"] = [9.0]
    run.scaling_file.write_text(json.dumps(values))
    with pytest.raises(RunError, match="altered or damaged"):
        open_classifier(run)


def test_predict_takes_a_threshold_by_accuracy_or_cost(run: RunFolder, tmp_path: Path) -> None:
    validation = run.read_predictions()["validation"]
    found = choose_threshold(run, accuracy=0.6)
    is_given = validation.confidence.double() >= found.below
    assert int(is_given.sum()) == found.answered
    assert float(validation.is_right[is_given].double().mean()) >= 0.6
    place = tmp_path / "one.png"
    Image.new("L", (8, 8), 40).save(place)
    answers = predict(run, place, accuracy=0.6)
    assert answers.below == found.below
    cheap, dear = (choose_threshold(run, mistake_cost=cost).answered for cost in (0.5, 100))
    assert cheap >= dear
    with pytest.raises(LoupeError, match="more than one way"):
        predict(run, place, accuracy=0.9, below=0.5)
    with pytest.raises(LoupeError, match="out of range"):
        predict(run, place, accuracy=1.5)
    for wrong in (-1, 0, float("inf"), float("nan")):
        with pytest.raises(LoupeError, match="out of range"):
            predict(run, place, mistake_cost=wrong)


def test_a_card_says_what_is_known_of_the_probabilities(run: RunFolder, tmp_path: Path) -> None:
    def read_card() -> str:
        return write_model_card(run.path, tmp_path / "CARD.md").card.read_text(encoding="utf-8")

    assert "Whether they are calibrated was not measured" in read_card()
    calibrate_run(run.path, "temperature")
    scaling = read_scaling(run, 10)
    assert scaling is not None
    card = read_card()
    assert f"set right by {scaling.describe()}" in card
    assert "not measured: do not read" not in card
    calibrate_run(run.path, "none")
    looked = loupe.train(
        "digits", *QUICK, "evaluate.looks=calibration", f"run.folder={tmp_path}", "name=looked"
    )
    card = write_model_card(looked.path, tmp_path / "CARD.md").card.read_text(encoding="utf-8")
    assert "expected calibration error" in card
