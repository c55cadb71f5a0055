"""Answers by costs, by other shares and by a threshold for each class, from image files."""

from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

import loupe
from loupe.cli import main
from loupe.cli.prediction_tables import describe_threshold, summarise_answers, write_table
from loupe.errors import LoupeError
from loupe.metrics import Predictions
from loupe.running.training_setup import load_validation_images
from loupe.runs import RunFolder
from loupe.statistics.class_shares import adjust_to_shares
from loupe.statistics.selective import Threshold
from loupe.using.evaluate_run import evaluate_run
from loupe.using.predict_images import predict

QUICK = ("train.epochs=3", "model=mlp", "data.fraction=0.5", "evaluate.look_inside=false", "run.threads=1")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return loupe.train("digits", *QUICK, f"run.folder={tmp_path_factory.mktemp('runs')}")


@pytest.fixture(scope="module")
def crops(run: RunFolder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root, images = tmp_path_factory.mktemp("crops"), load_validation_images(run)
    for index, (image, label) in enumerate(zip(images.images, images.labels.tolist(), strict=True)):
        file = root / images.class_names[label] / f"{index:03}.png"
        file.parent.mkdir(exist_ok=True)
        Image.fromarray(image[0].numpy()).save(file)
    return root


def test_the_answer_of_least_expected_cost_is_given(run: RunFolder, crops: Path) -> None:
    """Taking an 8 for anything else costs 50: it is named as soon as it is a little probable."""
    costs = {"8": {str(one): 50.0 for one in range(10) if one != 8}}
    said = run.read_predictions()["validation"].probabilities
    matrix = 1 - torch.eye(10)
    matrix[8, :8] = matrix[8, 9] = 50
    wanted = (said.double() @ matrix.double()).argmin(1)
    found = predict(run.path, crops, costs=costs)
    assert [one.answer for one in found.answers] == [
        str(int(wanted[int(one.file.stem)])) for one in found.answers
    ]
    changed = [one for one in found.answers if one.chosen]
    assert changed
    assert {one.chosen for one in changed} == {"8"}
    assert f"{changed[0].file},8,{changed[0].classes[0]}," in write_table(found, "csv")
    assert "each answer is the one of least expected cost" in list(summarise_answers(found))
    assert found.accuracy is not None
    right = sum(one.answer == one.true_class for one in found.answers)
    assert found.accuracy.correct == right


def test_no_answer_where_that_is_cheapest(run: RunFolder, crops: Path) -> None:
    costs = {str(one): {"unsure": 0.05} for one in range(10)}
    found = predict(run.path, crops, costs=costs)
    for one in found.answers:
        assert one.is_unsure == (1 - one.probabilities[0] > 0.05)
    assert f"{found.num_unsure:,} of them unsure" in list(summarise_answers(found))


def test_shares_of_what_is_no_class_are_refused_before_an_image_is_looked_at(
    run: RunFolder, crops: Path
) -> None:
    looks = run.path / "test_openings.jsonl"
    before = looks.read_text(encoding="utf-8")
    wrong: list[dict[str, Any]] = [
        {"shares": {"tree": 0.5}},
        {"costs": {"3": {"tree": 2.0}}},
        {"shares": {"3": 0.7, "4": 0.7}},
    ]
    for asked in wrong:
        with pytest.raises(LoupeError, match="next: "):
            evaluate_run(run.path, crops, **asked)
        with pytest.raises(LoupeError, match="next: "):
            evaluate_run(run.path, on_test=True, **asked)
    assert looks.read_text(encoding="utf-8") == before


def test_shares_of_a_class_without_validation_images_are_refused_before_a_look(
    run: RunFolder, crops: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks, stored = run.path / "test_openings.jsonl", run.read_predictions()["validation"]
    is_other = stored.labels != 3
    without = Predictions(stored.labels[is_other], stored.logits[is_other])
    monkeypatch.setattr(RunFolder, "read_predictions", lambda _: {"validation": without})
    before = looks.read_text(encoding="utf-8")
    others = {str(one): 0.1 for one in range(10) if one != 3}
    for shares, told in (({"3": 0.1}, "no validation image of 3"), (others, "left out share the rest")):
        with pytest.raises(LoupeError, match=told):
            evaluate_run(run.path, on_test=True, shares=shares)
        with pytest.raises(LoupeError, match=told):
            predict(run.path, crops, shares=shares)
    assert looks.read_text(encoding="utf-8") == before
    plain, found = (predict(run.path, crops, shares=one, top=10) for one in (None, {"4": 0.11}))
    shown = [
        sum(dict(zip(one.classes, one.probabilities, strict=True))["3"] for one in some.answers)
        for some in (plain, found)
    ]
    assert shown[1] == pytest.approx(shown[0], rel=0.1)


def test_shares_are_heeded(run: RunFolder, crops: Path) -> None:
    found = predict(run.path, crops, shares={"3": 0.91}, top=10)
    stored = run.read_predictions()["validation"]
    before = (torch.bincount(stored.labels) / len(stored.labels)).tolist()
    now = [0.91 if label == 3 else 0.09 * before[label] / (1 - before[3]) for label in range(10)]
    wanted = adjust_to_shares(stored.probabilities, before, now)
    for one in found.answers[:50]:
        said = dict(zip(one.classes, one.probabilities, strict=True))
        assert said["3"] == pytest.approx(float(wanted[int(one.file.stem), 3]), abs=1e-5)


def test_each_class_has_a_threshold_of_its_own(run: RunFolder, crops: Path) -> None:
    found = predict(run.path, crops, accuracy=0.97, by_class=True)
    given = [one for one in found.answers if not one.is_unsure]
    assert 0 < len(given) < len(found.answers)
    for name in {one.answer for one in given}:
        of_class = [one for one in given if one.answer == name]
        assert sum(one.true_class == name for one in of_class) >= 0.97 * len(of_class)
    with pytest.raises(LoupeError, match="takes an accuracy"):
        predict(run.path, crops, by_class=True)
    with pytest.raises(LoupeError, match="out of range"):
        predict(run.path, crops, by_class=True, accuracy=1.5)


def test_the_commands_take_a_file_of_costs(
    run: RunFolder, crops: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "costs.csv"
    file.write_text("truth,3,8,unsure\n3,0,20,0.5\n8,1,0,0.5\n", encoding="utf-8")
    assert (
        main(["evaluate", str(run.path), "--looks", "none", "--costs", str(file), "--shares", "3=0.5"]) == 0
    )
    told = capsys.readouterr().out
    assert "What mistakes cost (validation)" in told
    assert "Where classes have the shares given" in told
    assert main(["predict", str(run.path), str(crops / "3"), "--costs", str(file)]) == 0
    assert "least expected cost" in capsys.readouterr().err
    file.write_text("truth,3\nthree,0\n", encoding="utf-8")
    assert main(["predict", str(run.path), str(crops / "3"), "--costs", str(file)]) == 1
    assert "There is no true class 'three'" in capsys.readouterr().err


def test_what_few_images_promise_is_said_of_a_threshold() -> None:
    assert describe_threshold(Threshold(0.79, 5, 5, 28)) == (
        "the threshold comes from 28 validation images: of those as sure 5 of 5 right "
        "(56.55 to 100.00 %, 95 % interval)"
    )
    assert describe_threshold(Threshold(1.0, 0, 0, 28)).endswith("of those as sure none is given")
