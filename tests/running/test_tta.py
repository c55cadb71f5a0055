"""Test-time augmentation through runs: beside plain accuracy everywhere, and nowhere in what selects."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import loupe
from loupe.cli.run_tables import describe_outcome, list_runs
from loupe.data.batches import EvaluationBatches
from loupe.data.normalization import Normalization
from loupe.errors import RecipeError
from loupe.evaluations import predict_views
from loupe.running import load_recipe
from loupe.running.training_setup import load_recipe_data, split_recipe_data
from loupe.runs import RunFolder, load_model
from tests.quick_runs import is_same_weights


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Noise with a bright row for one class and a bright column for the other: mirroring changes no class."""
    generator = np.random.default_rng(0)
    for part, count in (("train", 40), ("test", 30)):
        for name in ("row", "column"):
            for index in range(count):
                pixels = generator.integers(0, 160, (8, 8), dtype=np.uint8)
                place = generator.integers(8)
                pixels[(place, slice(None)) if name == "row" else (slice(None), place)] += 60
                path = tmp_path / "images" / part / name / f"{index}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(pixels).save(path)
    return tmp_path / "images"


def train(pictures: Path, folder: str, *overrides: str) -> RunFolder:
    recipe = {
        "data": {"name": "folder", "path": str(pictures), "validation": 20},
        "model": {"name": "mlp", "widths": [16]},
        "train": {"epochs": 4, "clean_train_images": 0},
        "evaluate": {"look_inside": False},
    }
    return loupe.train(recipe, *overrides, f"run.folder={pictures.parent / folder}")


def test_it_stands_beside_plain_accuracy_and_changes_nothing_else(pictures: Path) -> None:
    plain, run = train(pictures, "plain"), train(pictures, "tta", "evaluate.tta=mirror-shift")
    assert is_same_weights(plain.best_file, run.best_file)
    before, result = plain.read_result(), run.read_result()
    assert (before.best.test, before.best.validation) == (result.best.test, result.best.validation)
    assert before.best.test_tta is None
    assert len(result.test_openings) == 1, "one look at the test set suffices for both"

    recipe = run.read_recipe()
    splits = split_recipe_data(recipe, load_recipe_data(recipe))
    model, description = load_model(run)
    constants = description["normalization"]
    normalization = Normalization.from_dict(constants)
    again = predict_views(model, EvaluationBatches(splits.validation, normalization), "mirror-shift")
    assert result.best.validation_tta.correct == int(again.is_right.sum())
    assert result.best.validation_tta.confusion != result.best.validation.confusion

    accuracy = f"{100 * result.best.test_tta.accuracy:.2f} %"
    plain_accuracy = f"{100 * result.best.test.accuracy:.2f} %"
    lines, _ = describe_outcome(run.path)
    (line,) = [one for one in lines if one.startswith("test ")]
    assert plain_accuracy in line
    assert f"with tta {accuracy}" in line
    (row,) = list_runs(run.path.parent)
    assert row[5] == f"{plain_accuracy}, with tta {accuracy}"
    page = run.report_file.read_text(encoding="utf-8")
    assert "the same, with test-time augmentation (mirror-shift)" in page
    assert accuracy in page
    assert "test-time" not in plain.report_file.read_text(encoding="utf-8")


def test_over_seeds(pictures: Path) -> None:
    run = train(pictures, "seeds", "evaluate.tta=mirror", "run.seeds=[0,1]", "train.epochs=1")
    summary = (run.path / "summary.json").read_text()
    assert "best test accuracy with tta" in summary
    assert "with tta" in (run.path / "report.html").read_text(encoding="utf-8")
    lines, _ = describe_outcome(run.path)
    assert sum("with tta" in line for line in lines) == 3


@pytest.mark.parametrize(
    ("overrides", "allowed"),
    [
        ((), "'none': a mirrored image of digits is of another class, or of none"),
        (("model=autoencoder", "data.normalize=unit"), "'none': the model autoencoder names no class"),
    ],
)
def test_it_is_refused_where_it_means_nothing(overrides: tuple[str, ...], allowed: str) -> None:
    with pytest.raises(RecipeError) as caught:
        load_recipe({"data": "digits"}, ["evaluate.tta=mirror", *overrides])
    assert caught.value.mistakes[0].where == "evaluate.tta"
    assert caught.value.mistakes[0].allowed == allowed
