"""Model cards: what they say of a run, and the code on them, run."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import loupe
from loupe.errors import LoupeError
from loupe.exporting import EXPORT_FORMATS
from loupe.publishing.run_words import describe_data
from loupe.running.training_setup import load_validation_images
from loupe.runs import RunFolder
from loupe.using.export_run import Export, export_run, write_model_card
from tests.quick_runs import Train

pytestmark = pytest.mark.thorough


def test_the_card_says_what_the_result_says(run: RunFolder, exported: dict[str, Export]) -> None:
    text, result = exported["onnx"].card.read_text(encoding="utf-8"), run.read_result()
    test, validation = result.best.test, result.best.validation
    for score in (test, validation):
        low, high = 100 * score.interval.low, 100 * score.interval.high
        assert f"accuracy {100 * score.accuracy:.2f} % (95 % interval {low:.2f} to {high:.2f} %)" in text
    for one in test.per_class:
        assert f"| {one.name} | {one.num_images} | {100 * one.accuracy:.2f} % |" in text
    for split, digest in run.read_environment()["data_digests"].items():
        assert f"| {split} | {result.num_images[split]:,} | `{digest}` |" in text
    assert "- looks at the test set: this run: once; this test set on this machine: " in text
    assert re.search(r"\n  - \d{4}-\d\d-\d\dT[\d:+]+: final evaluation of the best", text)
    assert "licence CC BY 4.0" in text
    assert "Whether they are calibrated was not measured" in text
    assert f"{result.parameters:,} parameters" in text
    assert f"epoch {result.best.epoch}, the best by validation accuracy" in text
    assert f"largest difference of a logit {exported['onnx'].parity.largest_difference:.1e}" in text


def test_every_figure_of_a_card_is_in_the_files_of_the_run(run: RunFolder, tmp_path: Path) -> None:
    """Another result gives another card: nothing is written down beforehand."""
    card = write_model_card(run.path, tmp_path).card.read_text(encoding="utf-8")
    assert f"`loupe export {run.path.name}`" in card
    assert len(run.read_openings()) == 1, "a card cost a look at the test set"
    shares = re.findall(r"(\d+\.\d\d) %", card)
    result = run.read_result()
    scores = [result.best.test, result.best.validation]
    values = [v for s in scores for v in (s.accuracy, s.interval.low, s.interval.high)]
    values += [v for c in scores[0].per_class for v in (c.accuracy, c.interval.low, c.interval.high)]
    values += [n / sum(row) for row in scores[0].confusion for n in row]
    written = {f"{100 * value:.2f}" for value in values}
    ends = re.findall(r"(\d+\.\d\d) to ", card)
    assert {*shares, *ends} <= written


def test_a_card_alone_leaves_the_card_of_an_exported_file_in_place(run: RunFolder, tmp_path: Path) -> None:
    export = export_run(run.path, "torch", tmp_path)
    of_file = export.card.read_text(encoding="utf-8")
    for _ in range(2):  # the second time over its own
        assert write_model_card(run.path, tmp_path).card.name == "model-card-of-run.md"
        assert export.card.read_text(encoding="utf-8") == of_file
    with pytest.raises(LoupeError, match="A model card of something else is there") as caught:
        write_model_card(run.path, export.card)
    assert "model-card-of-run.md" in str(caught.value)
    alone = write_model_card(run.path, tmp_path / "card.md").card
    assert write_model_card(run.path, alone).card == alone, "what was written without a file may be again"


def test_a_card_without_test_and_of_an_autoencoder(train: Train, tmp_path: Path) -> None:
    locked = train("train.epochs=1", "evaluate.test=false")
    text = write_model_card(locked.path, tmp_path).card.read_text(encoding="utf-8")
    assert "- test: not looked at\n- looks at the test set: this run: never; " in text
    assert "| class (validation) |" in text
    unit = ("data.normalize=unit", "train.label_smoothing=0", "train.epochs=1")
    codes = train("model={name='autoencoder', widths=[8]}", *unit)
    text = write_model_card(codes.path, tmp_path).card.read_text(encoding="utf-8")
    assert "it names no class" in text
    assert re.search(r"- validation: error 0\.\d+ mean square \(95 % interval", text)
    assert "calibrated" not in text


def test_a_card_says_what_was_done_to_the_training_images(train: Train, tmp_path: Path) -> None:
    bent = (
        "data.long_tail=10",
        "data.label_noise.share=0.3",
        "data.fold={number=2, of=5}",
        "train.decay=weights",
    )
    run = train(*bent, "data.fraction=1", "train.epochs=1")
    text = write_model_card(run.path, tmp_path).card.read_text(encoding="utf-8")
    assert "% of the remaining training images were used" not in text
    assert (
        "100 % of the remaining training images were taken, before they were thinned out to a long tail."
        in text
    )
    assert "Validation images: part 2 of 5 equal parts of the images (a fold); with split seed" in text
    drafted = describe_data(run, run.read_recipe(), run.read_result())
    assert "until the first class has 10 times those of the last" in drafted, (
        "a draft says it as the card does"
    )
    training = text.partition("## Training")[2].partition("## Figures")[0]
    for said in (
        "(long tail)",
        "30 % of training labels made wrong on purpose",
        "weight decay on weights alone",
    ):
        assert said in training


def run_card(card: Path, capsys: pytest.CaptureFixture[str]) -> str:
    (code,) = re.findall(r"```python\n(.*?)```", card.read_text(encoding="utf-8"), flags=re.DOTALL)
    capsys.readouterr()
    exec(code, {})
    return capsys.readouterr().out


@pytest.mark.parametrize("form", tuple(EXPORT_FORMATS))
@pytest.mark.filterwarnings("ignore")  # torch's own on reading
def test_the_code_on_the_card_runs_and_answers_as_loupe_does(
    form: str,
    run: RunFolder,
    exported: dict[str, Export],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = exported[form].card.parent
    monkeypatch.chdir(folder)
    image = load_validation_images(run).images[3, 0].numpy()
    Image.fromarray(image).save("image.png")
    answer, probability = run_card(exported[form].card, capsys).split()
    (expected,) = loupe.predict(run, "image.png").answers
    assert answer == expected.classes[0]
    assert float(probability) == pytest.approx(expected.probabilities[0], abs=1e-5)


@pytest.mark.parametrize("fit", ["resize", "crop", "pad"])
@pytest.mark.parametrize("colour", ["grey", "colour"])
@pytest.mark.filterwarnings("ignore")  # torch's own on reading
def test_the_code_on_the_card_resizes_as_training_did(
    fit: str, colour: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Callable
) -> None:
    pixels = np.random.default_rng(0)
    for name in ("cat", "dog"):
        (tmp_path / "crops" / name).mkdir(parents=True)
        for index in range(8):
            image = Image.fromarray(pixels.integers(0, 255, (13, 29, 3), dtype=np.uint8))
            image.save(tmp_path / "crops" / name / f"{index}.png")
    data = {"name": "folder", "path": "crops", "image_size": 9, "fit": fit, "colour": colour}
    monkeypatch.chdir(tmp_path)
    quick = ("model=mlp", "data.validation=4", "train.epochs=1", "evaluate.look_inside=false")
    run = loupe.train({"data": data}, *quick)
    export = export_run(run.path, "torch", tmp_path)
    turned = Image.fromarray(pixels.integers(0, 255, (31, 12, 3), dtype=np.uint8))
    exif = turned.getexif()
    exif[0x0112] = 8
    turned.save("image.png", exif=exif)
    answer, probability = run_card(export.card, capsys).split()
    (expected,) = loupe.predict(run, "image.png").answers
    assert answer == expected.classes[0]
    assert float(probability) == pytest.approx(expected.probabilities[0], abs=1e-6)
