"""`loupe evaluate`: a run's own images, others in folders, the locked test set, and two networks."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import loupe
from loupe.cli import main
from loupe.data import ImageDataset
from loupe.errors import DataError, LoupeError, RunError
from loupe.evaluations import Looks, Table
from loupe.running.training_setup import load_recipe_data, split_recipe_data
from loupe.runs import RunFolder
from loupe.using.evaluate_run import evaluate_run
from tests.quick_runs import QUICK


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def run(folder: Path) -> RunFolder:
    return loupe.train("digits", *QUICK, "name=one", f"run.folder={folder}")


@pytest.fixture(scope="module")
def other(folder: Path) -> RunFolder:
    return loupe.train("digits", *QUICK, "name=two", "train.epochs=6", f"run.folder={folder}")


@pytest.fixture(scope="module")
def validation(run: RunFolder) -> ImageDataset:
    recipe = run.read_recipe()
    return split_recipe_data(recipe, load_recipe_data(recipe)).validation


@pytest.fixture(scope="module")
def files(validation: ImageDataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty validation images as files in folders named after their classes."""
    place = tmp_path_factory.mktemp("labelled")
    for index in range(40):
        name = validation.class_names[int(validation.labels[index])]
        (place / name).mkdir(exist_ok=True)
        pixels = validation.images[index, 0].numpy()
        Image.fromarray(pixels).save(place / name / f"{index}.png")
    return place


def test_on_its_own_validation_images_it_says_what_the_run_said(run: RunFolder) -> None:
    found, result = evaluate_run(run.path), run.read_result()
    assert result is not None
    assert result.best is not None
    assert found.metrics[0].value == result.best.validation.accuracy
    assert found.metrics[0].interval == result.best.validation.interval
    kept = run.read_evaluations()
    assert kept is not None
    of_validation = [one for one in kept.looks if one.split == "validation"]
    ours = {one.name: one for one in found.looks.looks}
    assert all(ours[one.name].sentence == one.sentence for one in of_validation)
    assert len(run.read_openings()) == 1


def test_images_in_folders_get_the_classes_of_their_folders(
    run: RunFolder, files: Path, validation: ImageDataset
) -> None:
    found = evaluate_run(run.path, files)
    answers = run.read_predictions()["validation"]
    assert (found.split, len(found.images)) == ("other data", 40)
    assert found.metrics[0].value == pytest.approx(float(answers.is_right[:40].double().mean()))
    assert sorted(found.images.labels.tolist()) == sorted(validation.labels[:40].tolist())
    assert {one.split for one in found.looks.looks} == {"other data"}
    assert not any(one.failure for one in found.looks.looks)


def test_files_that_cannot_be_taken_are_named(
    run: RunFolder, files: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    some = tmp_path / "some"
    (some / "3").mkdir(parents=True)
    (some / "unknown").mkdir()
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(some / "3" / "fine.png")
    Image.fromarray(np.zeros((9, 9), np.uint8)).save(some / "3" / "large.png")
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(some / "unknown" / "whose.png")
    assert main(["evaluate", str(run.path), str(some), "--looks", "confused_pairs"]) == 1
    shown = capsys.readouterr()
    assert " on 1 image: other data" in shown.out
    assert "large.png (9 x 9" in shown.err
    assert "whose.png (no folder above it is called like a class)" in shown.err
    with pytest.raises(DataError, match="no image here that can be read and whose class is known"):
        evaluate_run(run.path, some / "unknown")


def test_test_images_are_opened_through_the_lock_and_never_shown(folder: Path) -> None:
    run = loupe.train("digits", *QUICK, "name=locked", f"run.folder={folder}")
    with pytest.raises(LoupeError, match="'mistakes' cannot be carried out"):
        evaluate_run(run.path, on_test=True, looks=["mistakes"])
    assert len(run.read_openings()) == 1, "a refusal costs no look"
    found, result = evaluate_run(run.path, on_test=True, looks=["confusion"]), run.read_result()
    assert result is not None
    assert result.best is not None
    assert result.best.test is not None
    assert found.metrics[0].value == result.best.test.accuracy
    assert [one.reason for one in run.read_openings()][1:] == ["loupe evaluate: metrics, confusion"]
    assert len(result.test_openings) == 2
    assert [getattr(block, "cells", None) for block in found.looks.looks[0].blocks] == [()]


def test_two_networks_are_compared_image_by_image_and_by_class(run: RunFolder, other: RunFolder) -> None:
    found = evaluate_run(run.path, looks=[], against=other.path)
    names = ["two_networks", "metric_differences", "agreement", "layer_similarity"]
    assert [one.name for one in found.looks.looks] == names
    look = found.looks.looks[0]
    first, second = (one.read_predictions()["validation"] for one in (run, other))
    expected = float(first.is_right.double().mean() - second.is_right.double().mean())
    assert look.values[0].value == pytest.approx(expected)
    (table,) = [block for block in look.blocks if isinstance(block, Table)]
    for row in table.rows:
        of_class = first.labels == int(str(row[0]))
        assert row[4] == pytest.approx(
            float(first.is_right[of_class].double().mean() - second.is_right[of_class].double().mean())
        )
        assert float(row[5] or 0) <= float(row[4] or 0) <= float(row[6] or 0)


def test_a_margin_of_ones_own_decides_what_is_not_worse(run: RunFolder, other: RunFolder) -> None:
    wide = evaluate_run(run.path, looks=[], against=other.path, margin=99).looks.looks[0]
    assert wide.name == "two_networks:margin=99.0"
    assert "The two are equivalent within 99 points." in wide.sentence
    named = evaluate_run(run.path, looks=["two_networks:margin=98"], against=other.path).looks.looks
    assert [one.name for one in named][:2] == ["two_networks:margin=98.0", "metric_differences"]
    with pytest.raises(LoupeError, match="margin"):
        evaluate_run(run.path, looks=[], against=other.path, margin=-1)


def test_networks_that_share_no_held_out_images_are_not_compared(
    run: RunFolder, folder: Path, files: Path
) -> None:
    elsewhere = loupe.train("digits", *QUICK, "name=three", "data.split_seed=5", f"run.folder={folder}")
    with pytest.raises(RunError, match="do not share their validation images"):
        evaluate_run(run.path, against=elsewhere.path)
    found = evaluate_run(run.path, files, looks=[], against=elsewhere.path)
    assert found.looks.looks[0].num_images == 40


def test_the_command_prints_json_and_writes_a_page(
    run: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "pages" / "one.html"
    arguments = ["evaluate", str(run.path), "--json", "--metrics", "macro_f1,top_k_accuracy:k=3"]
    assert main([*arguments, "--report", str(page)]) == 0
    shown = capsys.readouterr()
    said = json.loads(shown.out)
    assert [one["name"] for one in said["metrics"]] == ["accuracy", "loss", "macro_f1", "top_k_accuracy:k=3"]
    assert all(one["sentence"] for one in said["looks"])
    html = page.read_text(encoding="utf-8")
    assert "Confusion matrix (validation)" in html
    assert 'aria-label="validation image' in html
    assert f"report: {page}" in shown.err


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"looks": ["nothing"]}, "evaluation"),
        ({"metrics": ["nothing"]}, "metric"),
        ({"looks": ["hardest_images"]}, "cannot be carried out"),
        ({"looks": ["confused_pairs:most=0"]}, "not right"),
    ],
)
def test_what_cannot_be_asked_is_said(run: RunFolder, settings: dict[str, list[str]], match: str) -> None:
    with pytest.raises(LoupeError, match=match):
        evaluate_run(run.path, **settings)


@pytest.mark.thorough
def test_default_stands_for_the_looks_that_can_be_taken(run: RunFolder) -> None:
    found = {one.name for one in evaluate_run(run.path, looks=["default", "calibration"]).looks.looks}
    assert found > {"calibration", "confusion"}
    assert "hardest_images" not in found, "no images were followed"
    with pytest.raises(LoupeError, match="'hardest_images' cannot be carried out here"):
        evaluate_run(run.path, looks=["default", "hardest_images"])


def test_a_network_that_gives_images_back_is_evaluated_by_its_error(tmp_path: Path) -> None:
    model = ("model=autoencoder", "model.widths=[16]", "data.normalize=unit", "data.augment=[]")
    settings = (
        "train.label_smoothing=0",
        "train.epochs=1",
        "data.fraction=0.3",
        "evaluate.look_inside=false",
    )
    run = loupe.train("digits", *model, *settings, f"run.folder={tmp_path}")
    found, result = evaluate_run(run.path), run.read_result()
    assert result is not None
    assert result.best is not None
    assert found.metrics[0].value == pytest.approx(result.best.validation.loss)
    assert found.looks.looks == Looks().looks
    with pytest.raises(LoupeError, match="cannot be evaluated like that"):
        evaluate_run(run.path, tmp_path)


def test_the_numbers_of_a_look_do_not_depend_on_the_generator(run: RunFolder) -> None:
    torch.manual_seed(1)
    first = evaluate_run(run.path, looks=["feature_map", "right_answers"])
    torch.manual_seed(2)
    second = evaluate_run(run.path, looks=["feature_map", "right_answers"])
    assert [one.blocks for one in first.looks.looks] == [one.blocks for one in second.looks.looks]
