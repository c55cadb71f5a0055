"""What corrections bring: judged by the same images with and without, and told with its interval."""

import json
from pathlib import Path

import numpy as np
import pytest

from loupe.audits.effect import AFTER, BEFORE, measure_effect
from loupe.cli import main
from loupe.data import Dataset, load_dataset
from loupe.data.corrections import COLUMNS
from loupe.data.injection import draw_labels
from loupe.errors import LoupeError
from loupe.recipe import Recipe
from loupe.running import load_recipe
from loupe.runs import RunFolder

pytestmark = pytest.mark.thorough

QUICK = ("model={name='mlp', widths=[32]}", "data.augment=[]", "train.epochs=8", "train.clean_train_images=0")


def write_corrections_of(digits: Dataset, folder: Path, share: float) -> Recipe:
    """Return a recipe of digits of which a share is labelled wrong, with the list that puts them right."""
    true = digits.train.labels
    given, wrong = draw_labels(
        true, digits.train.table.identities, digits.train.class_names, "pairwise", share, 0
    )
    np.savez(
        folder / "digits.npz",
        train_images=digits.train.images.numpy(),
        train_labels=given.numpy(),
        test_images=load_dataset("digits").test.open("a test of corrections").images.numpy(),
        test_labels=load_dataset("digits").test.open("a test of corrections").labels.numpy(),
    )
    lines = [",".join(COLUMNS), *(f",,{index},relabel,{int(true[index])}" for index in wrong.tolist())]
    (folder / "list.csv").write_text("\n".join([*lines, ""]))
    changes = [
        "data.name=arrays",
        f"data.path={folder / 'digits.npz'}",
        f"data.corrections={folder / 'list.csv'}",
    ]
    return load_recipe("digits", [*QUICK, *changes])


def test_right_labels_help_and_both_arms_are_judged_by_the_same_images(
    digits: Dataset, tmp_path: Path
) -> None:
    recipe = write_corrections_of(digits, tmp_path, 0.45)
    effect = measure_effect(recipe, tmp_path / "audits", num_seeds=3, engine="serial")
    runs = [
        RunFolder(path.parent) for path in (tmp_path / "audits" / "digits" / "runs").glob("*/result.json")
    ]
    assert len(runs) == 6
    digests = [run.read_environment()["data_digests"] for run in runs]
    assert len({one["validation"] for one in digests}) == len({one["test"] for one in digests}) == 1
    assert len({one["train"] for one in digests}) == 2
    assert all(run.read_result().test_openings == () for run in runs)
    means = {cell.arm: cell.summary.mean for cell in effect.analysis.cells}
    assert means[AFTER] > means[BEFORE] + 0.02
    assert effect.difference.conclusion == "shown"
    said = effect.describe()
    assert "the corrections help. The validation images are the same for both, " in said
    assert "95 % interval +" in said
    kept = json.loads((effect.folder.path / "effect.json").read_text())
    assert kept["summary"] == said
    assert kept["interval"]["low"] > 0
    assert (
        kept["corrected"]["training"] + kept["corrected"]["validation"]
        == len((tmp_path / "list.csv").read_text().splitlines()) - 1
    )


def test_on_the_test_set_by_the_command_line(
    digits: Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = write_corrections_of(digits, tmp_path, 0.1)
    (tmp_path / "recipe.toml").write_text(recipe.to_toml())
    asked = ["audit", str(tmp_path / "recipe.toml"), "train.epochs=1", "--effect", "--seeds", "1"]
    assert main([*asked, "--on", "test", "--engine", "serial", "--out", str(tmp_path)]) == 0
    said = " ".join(capsys.readouterr().out.split())
    runs = [RunFolder(path.parent) for path in (tmp_path / "digits" / "runs").glob("*/result.json")]
    assert [len(run.read_result().test_openings) for run in runs] == [1, 1]
    assert "chance these runs cannot tell. The test images are the same for both, and as they were." in said


def test_without_corrections_of_training_images_there_is_nothing_to_compare(
    digits: Dataset, tmp_path: Path
) -> None:
    with pytest.raises(LoupeError, match="asked of a recipe that has some"):
        measure_effect(load_recipe("digits"), tmp_path)
    (tmp_path / "list.csv").write_text("index,action,label\n3,keep,\n")
    with pytest.raises(LoupeError, match="corrects no training image"):
        measure_effect(load_recipe("digits", [f"data.corrections={tmp_path / 'list.csv'}"]), tmp_path)
