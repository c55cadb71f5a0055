"""The verbs that take a network out, as a user meets them."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

import loupe
from loupe.cli import main
from loupe.running.training_setup import load_validation_images

QUICK = ("train.epochs=2", "data.fraction=0.3", "evaluate.look_inside=false", "run.threads=1")


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run called "mine" and 20 of its validation images as files."""
    root = tmp_path_factory.mktemp("workplace")
    run = loupe.train("digits", "name=mine", "model=mlp", *QUICK, f"run.folder={root / 'runs'}")
    validation = load_validation_images(run)
    for index in range(20):
        file = root / "crops" / validation.class_names[int(validation.labels[index])] / f"{index}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(validation.images[index, 0].numpy()).save(file)
    return root


@pytest.fixture(autouse=True)
def _in_the_workplace(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(workplace)


def test_predict_prints_csv_and_sums_up_beside_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", "mine", "crops", "--top", "2"]) == 0
    captured = capsys.readouterr()
    rows = list(csv.DictReader(captured.out.splitlines()))
    assert len(rows) == 20
    assert list(rows[0]) == [
        *("file", "answer", "class_1", "probability_1", "class_2", "probability_2", "true_class")
    ]
    counted, accuracy, seen = captured.err.splitlines()
    assert counted == "20 of 20 images answered"
    right = sum(row["answer"] == row["true_class"] for row in rows)
    assert accuracy.startswith(f"accuracy {100 * right / 20:.2f} % (")
    assert accuracy.endswith(f"95 % interval): {right} of 20 images in folders named after classes")
    assert seen == "warning: 20 of these 20 trained or selected the network: the accuracy flatters it"


def test_predict_writes_json_to_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "new" / "answers.json"
    assert main(["predict", "mine", "crops", "--format", "json", "--below", "0.99", "--out", str(out)]) == 0
    values = json.loads(out.read_text(encoding="utf-8"))
    captured = capsys.readouterr()
    assert f"{values['num_unsure']} of them unsure: most probable class below 0.99" in captured.out
    assert captured.out.endswith(f"answers: {out}\n")
    assert captured.err == ""


@pytest.mark.parametrize("arguments", [["predict", "mine", ""], ["evaluate", "mine", ""]])
def test_an_empty_argument_is_not_the_current_folder(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    told = capsys.readouterr()
    assert not told.out
    assert "An argument is empty." in told.err
    assert "got: nothing, at argument 3 of 3" in told.err
    assert main(["predict", "mine", "crops", "--out="]) == 2
    assert "at --out=" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ["predict", "mine", "crops", "--out", "/proc/answers.csv"],
        ["evaluate", "mine", "--test", "--report", "/proc/answers.html"],
        ["export", "mine", "--out", "/proc/answers.onnx"],
    ],
)
def test_a_place_that_takes_no_file_is_told_before_anything_is_asked(
    arguments: list[str], workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (run,) = (workplace / "runs").glob("mine-*")
    looks = (run / "test_openings.jsonl").read_text(encoding="utf-8")
    assert main(arguments) == 1
    told = capsys.readouterr()
    assert "got: /proc/answers." in told.err
    assert "images answered" not in told.out + told.err
    assert (run / "test_openings.jsonl").read_text(encoding="utf-8") == looks


def test_predict_says_what_it_cannot_read_and_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "text.png").write_text("no image")
    Image.new("L", (30, 30)).save(tmp_path / "large.png")
    assert main(["predict", "mine", str(tmp_path)]) == 1
    captured = capsys.readouterr()
    assert captured.out == "file,answer,class_1,probability_1\n"
    assert captured.err.splitlines() == [
        f"no answer: {tmp_path / 'large.png'} (30 x 30 pixels, not 8 x 8: --fit says how)",
        f"no answer: {tmp_path / 'text.png'} (not an image)",
        "0 of 2 images answered",
    ]
    assert main(["predict", "mine", str(tmp_path / "large.png"), "--fit", "resize"]) == 0


@pytest.mark.thorough
def test_export_writes_a_file_and_its_card(workplace: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (run,) = (workplace / "runs").iterdir()
    assert main(["export", "mine"]) == 0
    captured = capfd.readouterr()
    compared, network, card = captured.out.splitlines()
    assert compared.startswith("compared on 200 validation images: largest difference ")
    assert network == f"network: exports/{run.name}/mine.onnx"
    assert card == f"model card: exports/{run.name}/model-card.md"
    assert captured.err == "", "the exporter of torch spoke to the user"
    assert main(["export", "mine", "--format", "torch", "--out", "net.pt2"]) == 0
    assert {"net.pt2", "model-card.md"} <= {file.name for file in workplace.iterdir()}
    capfd.readouterr()


def test_the_card_alone(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "mine", "--format", "card", "--out", "about.md"]) == 0
    assert capsys.readouterr().out == "model card: about.md\n"
    assert Path("about.md").read_text(encoding="utf-8").startswith("# mine\n\n## What it is for\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["predict", "min3", "crops"], "Error: There is no run 'min3'.\n  got: min3\n"),
        (["predict", "mine", "crop"], "Error: These files and folders are not there.\n  got: crop\n"),
        (["predict", "mine"], "Error: There is nothing to look at.\n"),
        (["predict", "mine", "crops", "--below", "90"], "Error: The least probability of an answer is out"),
        (["export", "min3"], "Error: There is no run 'min3'.\n  got: min3\n"),
        (
            ["export", "mine", "--format", "torch", "--out", "net.onnx"],
            "Error: The file has another ending than its format.\n  got: net.onnx\n",
        ),
    ],
)
def test_a_mistake_is_a_message(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 1
    assert capsys.readouterr().err.startswith(message)


def test_a_wrong_format_is_told_that_there_is_a_card_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "mine", "--format", "pt"]) == 1
    assert capsys.readouterr().err == (
        "Error: There is no export format called 'pt'.\n  got: pt\n  allowed: onnx, torch\n"
        "  did you mean: torch\n"
        "  next: `loupe export-formats` lists them; --format card writes the model card alone\n"
    )


def test_the_same_from_python() -> None:
    answers = loupe.predict("mine", "crops", below=0.1)
    assert answers.accuracy.num_images == 20 - answers.num_unsure
    assert loupe.open_classifier("mine").class_names == tuple("0123456789")


@pytest.mark.thorough
def test_names_in_a_pipe_are_utf8_whatever_the_locale_says(workplace: Path) -> None:
    """In a locale without them they were written as "?", and the paths led nowhere."""
    file = workplace / "more" / "Ünïcode 猫.png"
    file.parent.mkdir()
    file.write_bytes(next((workplace / "crops").rglob("*.png")).read_bytes())
    environment = {**os.environ, "PYTHONIOENCODING": "latin-1", "PYTHONUTF8": "0"}
    command = [sys.executable, "-m", "loupe", "predict", "mine", "more"]
    done = subprocess.run(command, cwd=workplace, env=environment, capture_output=True, check=True)
    (row,) = csv.DictReader(done.stdout.decode("utf-8").splitlines())
    assert row["file"] == "more/Ünïcode 猫.png"
