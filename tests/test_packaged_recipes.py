"""The packaged recipes do what their headers say: each quickly here, and in full among the slow tests."""

from pathlib import Path

import pytest

import loupe
from loupe.recipe import list_recipes
from loupe.runs import RunResult
from loupe.training import Observer

from .conftest import needs_official_data
from .data.mini_sets import MINI_SETS, make_mini_set


def train(name: str, folder: Path, *overrides: str) -> RunResult:
    result = loupe.train(name, *overrides, f"run.folder={folder}").read_result()
    assert result is not None
    assert result.best is not None
    return result


def accuracy(result: RunResult) -> float:
    assert result.best is not None
    assert result.best.test is not None
    return result.best.test.accuracy


NOT_AT_HAND = ("mnist", "fast-cifar100")  # recipes of official files that are not in LOUPE_DATA
FOR_A_GPU = [name for name in list_recipes() if "cifar10" in name and name not in NOT_AT_HAND]
AS_IT_IS = "train.channels_last=false"  # trying both layouts takes longer than so short a run
SLOW = ("expert-cifar10-long", "resnet18-handwritten-cifar10")  # networks that another recipe has, too
QUICK = (
    AS_IT_IS,
    *("train.epochs=1", "data.fraction=0.05", "data.validation=500"),
    *("train.clean_train_images=0", "evaluate.look_inside=false", "evaluate.tta=none"),
)
TWO_STEPS = (
    AS_IT_IS,
    *("train.epochs=1", "train.batch_size=7", "train.clean_train_images=0"),
    *("data.validation=10", "evaluate.test=false", "evaluate.look_inside=false"),
)


@pytest.mark.thorough
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=() if name == "digits" else needs_official_data)
        for name in list_recipes()
        if name not in (*FOR_A_GPU, *NOT_AT_HAND)
    ],
)
def test_a_quick_run_comes_to_its_end(name: str, tmp_path: Path) -> None:
    result = train(name, tmp_path, *QUICK)
    assert result.status == "finished"
    assert result.best.test.num_images == result.num_images["test"]


@pytest.mark.thorough
@needs_official_data
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow if name in SLOW else ()) for name in FOR_A_GPU]
)
def test_two_steps_of_a_large_network(name: str, tmp_path: Path) -> None:
    """All of the recipe, on fourteen images."""
    steps: list[int] = []

    class CountSteps(Observer):
        def on_step(self, step: int) -> None:
            steps.append(step)

    fraction = 0.001 if "subset" in name else 0.0003  # of the training images: fourteen or so
    overrides = (*TWO_STEPS, f"data.fraction={fraction}", f"run.folder={tmp_path}")
    run = loupe.train(name, *overrides, observers=[CountSteps()])
    assert steps == [1, 2]
    result = run.read_result()
    assert result.status == "finished"
    assert result.test_openings == ()


@pytest.mark.thorough
@pytest.mark.parametrize("name", NOT_AT_HAND)
def test_two_steps_on_small_files_of_the_official_form(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = loupe.load_recipe(name).data.name
    mini = next(mini for mini in MINI_SETS if mini.name == dataset)
    make_mini_set(mini, monkeypatch, tmp_path / "data" / mini.official.folder)
    monkeypatch.setenv("LOUPE_DATA", str(tmp_path / "data"))
    count = mini.num_classes
    steps = (AS_IT_IS, "train.epochs=1", f"train.batch_size={count // 2}", f"data.validation={count}")
    result = train(name, tmp_path, *steps, "train.clean_train_images=0", "evaluate.look_inside=false")
    assert result.status == "finished"
    assert result.num_images == {"train": count, "validation": count, "test": 2 * count}


@pytest.mark.thorough
def test_digits_reach_95_percent_in_a_third_of_their_epochs(tmp_path: Path) -> None:
    assert accuracy(train("digits", tmp_path, "train.epochs=7", "evaluate.look_inside=false")) >= 0.95


@pytest.mark.slow
def test_digits_reach_98_percent(tmp_path: Path) -> None:
    assert accuracy(train("digits", tmp_path)) >= 0.98


@pytest.mark.thorough
@needs_official_data
def test_fm1_has_25_000_5_000_and_5_000_images(tmp_path: Path) -> None:
    """A18, J2: the three-way split of question 1, stratified."""
    result = train("fashion-cnn", tmp_path, "train.epochs=1", "train.clean_train_images=0")
    assert result.num_images == {"train": 25_000, "validation": 5_000, "test": 5_000}
    assert result.parameters == 17_813
    assert accuracy(result) > 0.85


@pytest.mark.slow
@needs_official_data
def test_fashion_cnn_reaches_98_percent(tmp_path: Path) -> None:
    """L-004-1: published 98.16 %."""
    result = train("fashion-cnn", tmp_path)
    assert accuracy(result) >= 0.98
    assert result.stopped_early


@pytest.mark.slow
@needs_official_data
def test_the_six_block_subset_reaches_85_percent_in_ten_minutes(tmp_path: Path) -> None:
    """A23, D-003-6: the aim the coursework stated, few classes and epochs on a CPU."""
    result = train("six-block-cifar10-subset", tmp_path)
    assert accuracy(result) >= 0.85
    assert result.seconds < 600
