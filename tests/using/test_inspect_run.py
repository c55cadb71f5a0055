"""`loupe inspect` on real runs of every kind of network."""

import re
from pathlib import Path

import pytest
from PIL import Image

import loupe
from loupe.cli import main
from loupe.errors import LoupeError
from loupe.runs import RunFolder
from loupe.using.inspect_run import inspect_run, parse_number
from tests.quick_runs import Train

PLUGIN = '''
from torch import nn
from loupe import register_model

@register_model("plain")
def plain(*, in_channels: int, image_size: tuple[int, int], num_classes: int) -> nn.Module:
    """A plain sequence."""
    pool = nn.AdaptiveAvgPool2d(1)
    conv = nn.Conv2d(in_channels, 4, 3)
    return nn.Sequential(conv, nn.ReLU(), pool, nn.Flatten(), nn.Linear(4, num_classes))
'''
MODELS = {
    "{name='cnn', conv_layers=4}": {"filters-conv1", "maps-relu1", "layer-statistics"},
    "mlp": {"filters-dense1", "layer-statistics"},
    "{name='resnet', depth=20}": {"filters-conv", "maps-relu", "layer-statistics"},
    "{name='six-block', width=0.1}": {"filters-conv1", "maps-relu1", "layer-statistics"},
    "{name='expert-net', blocks=2, width=8, experts=3}": {"filters-conv", "maps-relu", "gates"},
    "plain": {"filters-0", "maps-1", "layer-statistics"},
}


@pytest.mark.thorough
@pytest.mark.parametrize("model", MODELS)
def test_the_same_command_works_on_every_model(
    model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "plain.py").write_text(PLUGIN)
    quick = ["train.epochs=1", "data.fraction=0.2", "evaluate.look_inside=false"]
    overrides = [f"model={model}", "data.name=digits", "data.validation=200", *quick]
    run = loupe.train({"name": "looked-at"}, *overrides, plugins=["plain.py"])
    before = {path: path.stat().st_mtime_ns for path in run.path.rglob("*")}
    assert main(["inspect", "looked-at"]) == 0
    folder = tmp_path / "inspections" / run.path.name
    drawn = {path.stem for path in folder.glob("*.png")}
    assert drawn >= MODELS[model]
    page = (folder / "inside.html").read_text(encoding="utf-8")
    assert page.count("<figure") == len(drawn)
    assert "://" not in page.replace("http://www.w3.org", "")
    assert {path: path.stat().st_mtime_ns for path in run.path.rglob("*") if path in before} == before
    assert len(run.read_openings()) == 1, "looking inside cost a look at the test set"


@pytest.fixture
def run(train: Train) -> RunFolder:
    return train("train.epochs=1")


def test_one_image_shows_every_channel_and_a_number_is_taken_apart(run: RunFolder, tmp_path: Path) -> None:
    chosen = {"layers": ["conv2"], "number": "conv2,3,4,4", "why": ["grad-cam", "integrated-gradients"]}
    page = inspect_run(run.path, class_name="7", **chosen, out=tmp_path / "out")
    names = {path.stem for path in page.parent.glob("*.png")}
    assert names == {"filters-conv2", "maps-conv2", "number-conv2-3-4-4", "reasons"}
    text = page.read_text(encoding="utf-8")
    assert "Every channel once" in text
    assert "the network itself has" in text


@pytest.mark.thorough
def test_a_file_of_the_right_size_can_be_looked_at(run: RunFolder, tmp_path: Path) -> None:
    Image.new("RGB", (8, 8), "white").save(tmp_path / "mine.png")
    page = inspect_run(run.path, image=tmp_path / "mine.png", out=tmp_path / "out")
    assert (page.parent / "maps-relu1.png").is_file()
    Image.new("L", (9, 8)).save(tmp_path / "wide.png")
    with pytest.raises(LoupeError, match="got: 9 x 8 pixels\n  allowed: 8 x 8"):
        inspect_run(run.path, image=tmp_path / "wide.png")
    (tmp_path / "text.png").write_text("no image")
    with pytest.raises(LoupeError, match="got: not an image"):
        inspect_run(run.path, image=tmp_path / "text.png")


@pytest.mark.thorough
def test_a_file_is_not_called_a_validation_image(run: RunFolder, tmp_path: Path) -> None:
    Image.new("L", (8, 8)).save(tmp_path / "mine.png")
    page = inspect_run(run.path, image=tmp_path / "mine.png", out=tmp_path / "out").read_text(
        encoding="utf-8"
    )
    assert "The image is mine.png." in page
    assert "Images are validation images" not in page


def test_changed_data_is_refused(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    environment = run.read_environment()
    environment["data_digests"]["validation"] = "other"
    monkeypatch.setattr(RunFolder, "read_environment", lambda _: environment)
    with pytest.raises(LoupeError, match="are not what they were when it was trained"):
        inspect_run(run.path)


def test_mistakes(run: RunFolder) -> None:
    with pytest.raises(LoupeError, match="There is no validation image 200"):
        inspect_run(run.path, index=200)
    with pytest.raises(LoupeError, match="One image is looked at, and several were asked for"):
        inspect_run(run.path, index=2, class_name="7")
    with pytest.raises(LoupeError, match="There is no class called 'seven'"):
        inspect_run(run.path, class_name="seven")
    with pytest.raises(LoupeError) as caught:
        inspect_run(run.path, layers=["conv22"])
    assert caught.value.nearest == "conv2"
    with pytest.raises(LoupeError) as caught:
        inspect_run(run.path, why=["gradcam"])
    assert caught.value.nearest == "grad-cam"
    with pytest.raises(LoupeError, match="'logits' gives numbers, not maps"):
        inspect_run(run.path, layers=["logits"])


@pytest.mark.parametrize("text", ["conv1", "conv1,1,2", "conv1,a,2,3", ",1,2,3", "conv1,1,2,3,4"])
def test_what_is_no_number(text: str) -> None:
    with pytest.raises(LoupeError, match="names no number of a network"):
        parse_number(text)


def test_numbers_are_read() -> None:
    assert parse_number("stage1.0.layers.conv2, 3, 10, 11") == ("stage1.0.layers.conv2", 3, 10, 11)
    assert parse_number("logits,4") == ("logits", 4, 0, 0)


@pytest.mark.thorough
def test_the_report_of_a_run_looks_inside(train: Train) -> None:
    page = train("train.epochs=1", "evaluate.look_inside=true").report_file.read_text(encoding="utf-8")
    assert '<h2 id="inside">' in page
    assert '<a href="#inside">' in page
    assert len(re.findall('<figure class="figure( squarish)?">', page)) == 6
    assert len(page) < 2_000_000
    assert '<h2 id="inside">' not in train("train.epochs=1").report_file.read_text(encoding="utf-8")
