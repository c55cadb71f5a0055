"""Asking a run's network about files and folders of images."""

import csv
import io
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import loupe
from loupe.cli.prediction_tables import list_refusals, summarise_answers, write_table
from loupe.data import ImageDataset
from loupe.errors import LoupeError
from loupe.running.training_setup import load_validation_images
from loupe.runs import RunFolder
from loupe.runs.looks import describe_looks
from loupe.statistics import compute_wilson_interval
from loupe.using.asked_files import find_files
from loupe.using.classifier import Classifier, open_classifier
from loupe.using.image_answers import Answers
from loupe.using.predict_images import predict
from tests.quick_runs import forget_images

CLOTHES = ("T-shirt/top", "Shirt")
QUICK = ("train.epochs=3", "model=mlp", "data.fraction=0.5", "evaluate.look_inside=false", "run.threads=1")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return loupe.train("digits", *QUICK, f"run.folder={tmp_path_factory.mktemp('runs')}")


@pytest.fixture(scope="module")
def validation(run: RunFolder) -> ImageDataset:
    return load_validation_images(run)


@pytest.fixture(scope="module")
def crops(validation: ImageDataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The validation images as files: one folder a class, as an engineer has them."""
    root = tmp_path_factory.mktemp("crops")
    for index, (image, label) in enumerate(zip(validation.images, validation.labels.tolist(), strict=True)):
        file = root / validation.class_names[label] / f"{index:03}.png"
        file.parent.mkdir(exist_ok=True)
        Image.fromarray(image[0].numpy()).save(file)
    return root


def test_the_accuracy_over_folders_is_that_of_the_run(run: RunFolder, crops: Path) -> None:
    answers = predict(run.path, crops)
    stored = run.read_result().best.validation
    found = answers.accuracy
    assert (found.correct, found.num_images) == (stored.correct, stored.num_images)
    assert found.interval == stored.interval
    assert found.num_trained_on == 200, "found by what they are, wherever they lie"
    assert not answers.refusals
    expected = run.read_predictions()["validation"]
    for one in answers.answers:
        index = int(one.file.stem)
        assert one.classes[0] == str(int(expected.predicted[index]))
        assert one.probabilities[0] == pytest.approx(float(expected.confidence[index]), abs=1e-6)


def test_the_order_is_stable_and_every_image_comes_once(run: RunFolder, crops: Path) -> None:
    asked = predict(run.path, crops / "7", crops, crops / "0")
    files = [one.file for one in asked.answers]
    assert files[: len(list((crops / "7").iterdir()))] == sorted((crops / "7").iterdir())
    assert len(files) == len(set(files)) == len(list(crops.rglob("*.png")))


def test_a_class_folder_named_itself_counts_and_those_above_it_do_not(run: RunFolder, tmp_path: Path) -> None:
    file = tmp_path / "3" / "8" / "of-all-kinds" / "1.png"
    file.parent.mkdir(parents=True)
    Image.new("L", (8, 8)).save(file)
    for place, true_class in (
        *((tmp_path, "8"), (tmp_path / "3", "8"), (tmp_path / "3" / "8", "8")),
        *((file.parent, None), (file, None)),
    ):
        (answer,) = predict(run.path, place).answers
        assert answer.true_class == true_class
    file.rename(file.parent.parent / "2.png")
    assert predict(run.path, file.parent.parent / "2.png").answers[0].true_class == "8"


def test_a_class_with_a_stroke_in_its_name(tmp_path: Path) -> None:
    for folder in ("T-shirt_top", "t-shirt-top", "Shirt", "shirts"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "1.png").touch()
    found = {file.path.parent.name: file.true_class for file in find_files([tmp_path], CLOTHES)}
    assert found == {
        "T-shirt_top": "T-shirt/top",
        "t-shirt-top": "T-shirt/top",
        "Shirt": "Shirt",
        "shirts": None,
    }


def test_unsure_answers_are_counted_and_left_out_of_the_accuracy(run: RunFolder, crops: Path) -> None:
    stored = run.read_predictions()["validation"]
    below = round(float(stored.confidence.median()), 3)
    sure = stored.confidence >= below
    answers = predict(run.path, crops, below=below, top=3)
    assert answers.num_unsure == int((~sure).sum()) > 0
    correct, answered = int(stored.is_right[sure].sum()), int(sure.sum())
    assert (answers.accuracy.correct, answers.accuracy.num_images) == (correct, answered)
    assert answers.accuracy.interval == compute_wilson_interval(correct, answered)
    lines = list(summarise_answers(answers))
    assert lines[1] == f"{answers.num_unsure} of them unsure: most probable class below {below:g}"
    assert lines[2].endswith(f"{correct} of {answered} images in folders named after classes "
                             "that were not left unsure")  # fmt: skip


def test_files_that_cannot_be_read_are_named_and_the_others_go_on(run: RunFolder, tmp_path: Path) -> None:
    Image.new("L", (8, 8)).save(tmp_path / "1-good.png")
    (tmp_path / "2-text.png").write_text("no image")
    Image.new("L", (9, 8)).save(tmp_path / "3-wide.png")
    whole = (tmp_path / "1-good.png").read_bytes()
    (tmp_path / "4-cut.png").write_bytes(whole[: len(whole) // 2])
    Image.new("RGB", (8, 8)).save(tmp_path / "5-good.jpg")
    answers = predict(run.path, tmp_path)
    assert [one.file.name for one in answers.answers] == ["1-good.png", "5-good.jpg"]
    assert answers.accuracy is None
    text, wide, cut = list_refusals(answers)
    assert text == f"no answer: {tmp_path / '2-text.png'} (not an image)"
    assert wide == f"no answer: {tmp_path / '3-wide.png'} (9 x 8 pixels, not 8 x 8: --fit says how)"
    assert cut.startswith(f"no answer: {tmp_path / '4-cut.png'} (")
    assert "3-wide.png" in [one.file.name for one in predict(run.path, tmp_path, fit="crop").answers]


def test_a_file_alone_and_nothing_readable(run: RunFolder, tmp_path: Path) -> None:
    Image.new("L", (8, 8)).save(tmp_path / "no-ending", "PNG")
    assert len(predict(run.path, tmp_path / "no-ending").answers) == 1
    (tmp_path / "text.png").write_text("no image")
    nothing = predict(run.path, str(tmp_path / "text.png"))
    assert (len(nothing.answers), len(nothing.refusals)) == (0, 1)
    assert write_table(nothing, "csv") == "file,answer,class_1,probability_1\n"


def test_csv_and_json_say_the_same(run: RunFolder, crops: Path) -> None:
    below = float(run.read_predictions()["validation"].confidence.median())
    answers = predict(run.path, crops, top=2, below=below)
    rows = list(csv.DictReader(io.StringIO(write_table(answers, "csv"))))
    values = json.loads(write_table(answers, "json"))
    assert len(rows) == len(values["answers"]) == len(answers.answers)
    for row, value in zip(rows, values["answers"], strict=True):
        assert row["file"] == value["file"]
        assert row["answer"] == (value["answer"] or "unsure")
        assert row["true_class"] == value["true_class"] == Path(row["file"]).parent.name
        assert row["class_2"] == value["top"][1]["class"]
        assert float(row["probability_2"]) == pytest.approx(value["top"][1]["probability"], abs=1e-6)
    assert values["num_unsure"] == sum(row["answer"] == "unsure" for row in rows)
    assert values["accuracy"]["num_images"] == answers.accuracy.num_images


@pytest.mark.skipif(os.name == "nt", reason="file names are text there")
def test_a_file_name_that_is_no_text_can_be_written(run: RunFolder, tmp_path: Path) -> None:
    place = os.fsencode(tmp_path) + b"/caf\xe9.png"
    Image.new("L", (8, 8)).save(os.fsdecode(place))
    for form in ("csv", "json"):
        write_table(predict(run.path, tmp_path), form).encode()


def test_images_the_network_was_trained_on_are_counted(tmp_path: Path) -> None:
    root = tmp_path / "crops"
    pixels = np.random.default_rng(0)
    for name in ("cat", "dog"):
        (root / name).mkdir(parents=True)
        for index in range(20):
            image = Image.fromarray(pixels.integers(0, 255, (8, 8), dtype=np.uint8))
            image.save(root / name / f"{index}.png")
    quick = ("train.epochs=1", "data.validation=4", "evaluate.look_inside=false", "model=mlp")
    data = {"data": {"name": "folder", "path": str(root)}}
    run = loupe.train(data, *quick, f"run.folder={tmp_path / 'runs'}")
    answers = predict(run.path, root)
    assert (answers.accuracy.num_images, answers.accuracy.num_trained_on) == (40, 32)
    assert "warning: 32 of these 40 trained or selected the network" in "\n".join(summarise_answers(answers))
    (root / "cat").rename(tmp_path / "Cat")  # the run's data is gone; case of a class does not matter
    elsewhere = predict(run.path, tmp_path, device="cpu")
    cats = [one for one in elsewhere.answers if one.true_class == "cat"]
    assert len(cats) == 20
    assert (elsewhere.accuracy.num_trained_on, elsewhere.accuracy.num_test) == (32, 8)


def test_own_test_images_are_recognised_and_the_look_is_counted(tmp_path: Path) -> None:
    """F1-4: the run's locked test set was read with accuracy and interval, uncounted."""
    pixels = np.random.default_rng(0)
    for part in ("train", "test"):
        for name in ("cat", "dog"):
            (tmp_path / "crops" / part / name).mkdir(parents=True)
            for index in range(10):
                image = Image.fromarray(pixels.integers(0, 255, (12, 9), dtype=np.uint8))
                image.save(tmp_path / "crops" / part / name / f"{index}.png")
    data = {"name": "folder", "path": str(tmp_path / "crops"), "image_size": 8, "fit": "crop"}
    data["validation"] = 0.3
    quick = ("train.epochs=1", "evaluate.look_inside=false", "model=mlp", f"run.folder={tmp_path / 'runs'}")
    run = loupe.train({"data": data}, *quick)
    assert run.count_openings() == 1
    answers = predict(run.path, tmp_path / "crops" / "train")
    assert (answers.num_own_test, run.count_openings()) == (0, 1)
    (tmp_path / "copies" / "dog").mkdir(parents=True)
    for file in (tmp_path / "crops" / "test" / "dog").iterdir():  # elsewhere, in another format, another fit
        Image.open(file).save(tmp_path / "copies" / "dog" / f"{file.stem}.bmp")
    answers = predict(run.path, tmp_path / "copies", fit="resize")
    assert (answers.num_own_test, answers.num_looks) == (10, 2)
    assert [one.reason for one in run.read_openings()][1].startswith("predict on ")
    said = "\n".join(summarise_answers(answers))
    assert "10 of them are test images of this run: a look at its test set, number 2 on its record" in said
    classifier = open_classifier(run.path)
    cats = tmp_path / "crops" / "test" / "cat"
    classifier.predict(torch.stack([classifier.prepare(cats / f"{index}.png") for index in (1, 2)]))
    assert run.count_openings() == 3, "in Python too"
    assert describe_looks([run]) == "this run: 3 times; this test set on this machine: 3 looks in 1 recipe"


def test_of_a_run_without_a_record_nothing_is_known(run: RunFolder, crops: Path, tmp_path: Path) -> None:
    earlier = tmp_path / "earlier"
    shutil.copytree(run.path, earlier)
    forget_images(RunFolder(earlier))
    accuracy = predict(earlier, crops).accuracy
    assert accuracy is not None
    assert accuracy.num_trained_on is None


class _Counting(torch.nn.Module):
    """A network that counts how many images it is shown at once."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[int] = []

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        self.sizes.append(len(images))
        return images.flatten(1)[:, :2]


@pytest.mark.thorough
def test_ten_thousand_images_come_in_batches(run: RunFolder, tmp_path: Path) -> None:
    one = tmp_path / "images" / "0.png"
    one.parent.mkdir()
    Image.new("L", (8, 8), 7).save(one)
    for index in range(1, 10_000):
        os.link(one, one.with_name(f"{index}.png"))
    network, opened = _Counting(), open_classifier(run.path)
    classifier = Classifier(
        *(network, opened.device, ("a", "b"), opened.normalization, 1, (8, 8), None, "counting", run)
    )
    answers = predict(classifier, one.parent)
    assert len(answers.answers) == 10_000
    assert network.sizes == [500] * 20


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"top": 0}, "There are no 0 most probable classes(.|\n)*allowed: 1 to 10"),
        ({"top": 11}, "There are no 11 most probable classes"),
        ({"below": 90.0}, "least probability of an answer is out of range(.|\n)*90 % as 0.9"),
        ({"below": 0.0}, "out of range"),
    ],
)
def test_numbers_out_of_range(run: RunFolder, crops: Path, settings: dict[str, float], message: str) -> None:
    with pytest.raises(LoupeError, match=message):
        predict(run.path, crops, **settings)


def test_places_that_are_not_there(run: RunFolder, tmp_path: Path) -> None:
    with pytest.raises(LoupeError, match=r"These files and folders are not there(.|\n)*got: nowhere, b\.png"):
        predict(run.path, tmp_path, "nowhere", "b.png")
    with pytest.raises(LoupeError, match="There is no image in"):
        predict(run.path, tmp_path)
    with pytest.raises(LoupeError, match="A place is empty"):  # it would be the current folder
        predict(run.path, "")
    with pytest.raises(LoupeError, match="There is nothing to look at"):
        predict(run.path)


def test_an_accuracy_without_known_classes_is_none() -> None:
    assert Answers((), ()).accuracy is None
