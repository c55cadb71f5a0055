"""Data cards of folders that a training would refuse."""

from pathlib import Path

import pytest
import torch
from PIL import Image

import loupe
from loupe.cli import main
from loupe.errors import DataError
from loupe.running.describe_data import write_card


@pytest.fixture
def crops(tmp_path: Path) -> Path:
    """A folder of images in which one class has twelve."""
    generator = torch.Generator().manual_seed(0)
    for name, count in (("many", 60), ("rare", 12)):
        place = tmp_path / "crops" / name
        place.mkdir(parents=True)
        for number in range(count):
            pixels = torch.randint(0, 256, (8, 8), generator=generator, dtype=torch.uint8)
            Image.fromarray(pixels.numpy()).save(place / f"{number}.png")
    return tmp_path / "crops"


def test_a_rare_class_stops_a_training_and_not_the_card(crops: Path, tmp_path: Path) -> None:
    changes = [f"data.path={crops}", "data.image_size=8"]
    with pytest.raises(DataError, match="would hold no image of rare"):
        loupe.train(
            {"name": "crops", "data": {"name": "folder"}}, *changes, f"run.folder={tmp_path / 'runs'}"
        )
    card = write_card("folder", changes, out=tmp_path / "cards")
    assert card.page.is_file()
    stops = card.problems[0]
    assert stops.startswith("a training would stop: The held-out part would hold no image of rare")
    assert stops.endswith("as shown, works")
    wanted = next(word for word in stops.split() if word.startswith("data.validation="))
    share = float(wanted.rstrip(",").partition("=")[2])
    assert share > 0.1


def test_a_training_that_cannot_begin_names_no_run_folder(
    crops: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    changes = ["data.name=folder", f"data.path={crops}", "data.test_part=0.001"]
    assert main(["train", "digits", *changes, f"run.folder={tmp_path / 'runs'}"]) == 1
    told = capsys.readouterr()
    assert "set data.test_part=0." in told.err
    assert "training " not in told.out
    assert not list((tmp_path / "runs").iterdir())


def test_a_class_without_test_images_does_not_stop_the_card(crops: Path, tmp_path: Path) -> None:
    card = write_card("folder", [f"data.path={crops}", "data.test_part=0.001"], out=tmp_path / "cards")
    assert card.page.is_file()
    stops = card.problems[0]
    assert stops.startswith("a training would stop: The test part would hold no image of many")
    assert "data.test_part=" in stops
    assert stops.endswith(", as shown, works")


def test_a_class_of_a_single_image_is_left_out_of_the_card(crops: Path, tmp_path: Path) -> None:
    for name in ("other", "single"):
        (crops / name).mkdir()
        Image.new("L", (8, 8), 9).save(crops / name / "1.png")
    for number in range(40):
        Image.new("L", (8, 8), 20 + number).save(crops / "other" / f"{number}.png")
    manifest = tmp_path / "images.csv"
    card = write_card("folder", [f"data.path={crops}"], out=tmp_path / "cards", manifest=manifest)
    said = next(one for one in card.problems if "data.classes=" in one)
    assert said.endswith('data.classes=["many", "other", "rare"], as shown, works')
    assert "single" not in manifest.read_text(encoding="utf-8")


def test_a_class_of_two_images_is_left_out_of_the_card_at_once(crops: Path, tmp_path: Path) -> None:
    (crops / "pair").mkdir()
    (crops / "other").mkdir()
    for number in range(40):
        Image.new("L", (8, 8), 20 + number).save(crops / "other" / f"{number}.png")
    for shade in (3, 5):
        Image.new("L", (8, 8), shade).save(crops / "pair" / f"{shade}.png")
    card = write_card("folder", [f"data.path={crops}", "data.validation=0.3"], out=tmp_path / "cards")
    stops = [one for one in card.problems if "a training would stop" in one]
    assert stops[0].endswith('data.classes=["many", "other", "rare"], as shown, works')
    assert not any("data.test_part" in one for one in stops)


def test_a_fold_that_lacks_a_class_does_not_stop_the_card(crops: Path, tmp_path: Path) -> None:
    changes = [f"data.path={crops}", "data.fold={number=40, of=40}"]
    card = write_card("folder", changes, out=tmp_path / "cards")
    assert any("data.fold of " in one for one in card.problems)


@pytest.mark.thorough
def test_classes_that_no_image_judges_are_named_and_trained(tmp_path: Path) -> None:
    generator = torch.Generator().manual_seed(0)
    for label in range(24):
        place = tmp_path / "crops" / f"class-{label:02d}"
        place.mkdir(parents=True)
        for number in range(8):
            pixels = torch.randint(0, 256, (8, 8), generator=generator, dtype=torch.uint8)
            Image.fromarray(pixels.numpy()).save(place / f"{number}.png")
    changes = [f"data.path={tmp_path / 'crops'}", "data.test_part=0.15", "data.validation=0.2"]
    short = ["train.epochs=1", f"run.folder={tmp_path / 'runs'}"]
    run = loupe.train("digits", "data.name=folder", *changes, *short, progress=False)
    result = run.require_result()
    for side in ("validation", "test"):
        (said,) = [one for one in result.warnings if one.startswith(f"There is no {side} image of class-")]
        assert "of 24 classes" in said
    assert result.best is not None
    assert result.best.test is not None
    assert 0 <= result.best.test.accuracy <= 1
    card = write_card("folder", changes, out=tmp_path / "cards")
    assert not [one for one in card.problems if "would stop" in one]
    told = [one for one in result.warnings if one.startswith("There is no ")]
    assert [one for one in card.problems if one.startswith("There is no ")] == told, (
        "other words than a training's"
    )
    html = card.page.read_text(encoding="utf-8")
    assert "There is no validation image of class-" in html
