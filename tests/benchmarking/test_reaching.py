"""The time to an accuracy: reached, not reached, and what is asked wrongly."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from loupe.benchmarking import Reached, measure_reaching
from loupe.benchmarking.reaching import _find_excess, _summarise
from loupe.cli.reaching_tables import describe_reached, describe_reaching
from loupe.data import LockedTest
from loupe.errors import LoupeError
from loupe.recipe import Recipe
from loupe.running import load_recipe


def quick(*overrides: str) -> Recipe:
    recipe = ["model=mlp", "data.augment=[]", "train.epochs=5", "train.clean_train_images=0", "run.threads=1"]
    return load_recipe("digits", [*recipe, *overrides])


def test_an_accuracy_within_reach() -> None:
    told: list[Reached] = []
    report = measure_reaching(quick("run.seed=3"), 0.5, 3, on_run=told.append)
    assert report.runs == tuple(told)
    assert [run.seed for run in report.runs] == [3, 4, 5]
    for run in report.runs:
        assert run.is_reached
        assert run.validation_accuracy is not None
        assert run.validation_accuracy >= 0.5
        assert 0 < run.training_seconds < run.seconds
        assert run.test_accuracy is not None
        assert run.training_compile_seconds is None
    seconds = report.summaries["training seconds"]
    assert seconds.num_seeds == report.num_reached == 3
    assert seconds.interval is not None
    assert seconds.interval.low <= seconds.mean <= seconds.interval.high
    assert "seconds without compiling" not in report.summaries
    assert json.loads(json.dumps(report.to_dict()))["num_reached"] == 3
    assert describe_reaching(report)[0] == "digits: 3 of 3 runs reached 50.00 % on validation"


def test_test_time_augmentation_stands_beside_plain_accuracy(tmp_path: Path) -> None:
    """Noise with a bright row or a bright column: mirroring changes no class."""
    generator = np.random.default_rng(0)
    for part, count in (("train", 40), ("test", 30)):
        for name in ("row", "column"):
            for index in range(count):
                pixels = generator.integers(0, 100, (8, 8), dtype=np.uint8)
                position = generator.integers(8)
                pixels[(position, slice(None)) if name == "row" else (slice(None), position)] += 150
                path = tmp_path / part / name / f"{index}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(pixels).save(path)
    folder = {"name": "folder", "path": str(tmp_path), "validation": 20}
    recipe = load_recipe(
        {"data": folder, "model": {"name": "mlp", "widths": [64]}},
        ["run.threads=1", "train.epochs=60", "train.batch_size=16"],
    )
    viewed = load_recipe(recipe, ["evaluate.tta=mirror-shift"])
    plain, seen = (measure_reaching(one, 0.7, 3).runs for one in (recipe, viewed))
    assert [run.test_accuracy for run in plain] == [run.test_accuracy for run in seen]
    assert [run.test_accuracy_tta for run in plain] == [None] * 3
    assert all(run.is_reached for run in seen)
    assert [run.test_accuracy_tta for run in seen] != [run.test_accuracy for run in seen]
    assert ", with test-time augmentation " in describe_reached(seen[0])


def test_an_accuracy_out_of_reach_opens_no_test_set(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: LockedTest, reason: str) -> None:
        raise AssertionError("the test set was opened")

    monkeypatch.setattr(LockedTest, "open", refuse)
    report = measure_reaching(quick("train.epochs=2"), 0.9999, 2)
    assert report.num_reached == 0
    assert report.summaries == {}
    assert [run.epochs for run in report.runs] == [2, 2]
    assert describe_reaching(report) == [
        "digits: 0 of 2 runs reached 99.99 % on validation; there is no time to report"
    ]


def test_the_test_set_stays_locked_where_the_recipe_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LockedTest, "open", lambda self, reason: 1 / 0)
    (run,) = measure_reaching(quick("evaluate.test=false"), 0.2, 1).runs
    assert run.is_reached
    assert run.test_accuracy is None


def test_a_training_that_breaks_down_has_not_reached_it() -> None:
    recipe = quick("train.optimizer={name='sgd', learning_rate=1e20}")
    (run,) = measure_reaching(recipe, 0.5, 1).runs
    assert not run.is_reached
    assert run.reason is not None
    assert run.reason in describe_reached(run)


def test_means_are_over_the_runs_that_reached_it() -> None:
    one = Reached(0, True, None, 3, 0.9, 2.0, 3.0, 0.5, 1.0, 0.88, None)
    slow, never = replace(one, seed=1, training_seconds=4.0), replace(one, is_reached=False)
    summaries = _summarise([one, slow, never], 0.95)
    assert summaries["training seconds"].mean == 3.0
    assert summaries["training seconds without compiling"].mean == 2.5
    assert summaries["seconds without compiling"].mean == 2.0
    assert "test accuracy with test-time augmentation" not in summaries
    unknown = replace(one, training_compile_seconds=None)
    assert "training seconds without compiling" not in _summarise([one, unknown], 0.95)


def test_compiling_is_what_the_first_epoch_took_longer() -> None:
    assert _find_excess([10.0, 2.0, 3.0, 2.0]) == 8.0
    assert _find_excess([1.0, 2.0]) == 0.0
    assert _find_excess([10.0]) is None


@pytest.mark.parametrize(
    ("accuracy", "runs", "message"),
    [
        (
            98.0,
            5,
            "An accuracy to reach lies between none and all.\n  got: --to 98\n"
            "  allowed: a number in (0, 1); 0.98 is 98 %\n  next: --to 0.98",
        ),
        (
            0.0,
            5,
            "An accuracy to reach lies between none and all.\n  got: --to 0\n"
            "  allowed: a number in (0, 1); 0.98 is 98 %\n  next: --to 0.9",
        ),
        (
            0.9,
            0,
            "It takes a run to reach an accuracy.\n  got: --runs 0\n  allowed: a whole number ≥ 1\n"
            "  next: --runs 5",
        ),
    ],
)
def test_what_cannot_be_is_refused(accuracy: float, runs: int, message: str) -> None:
    with pytest.raises(LoupeError) as caught:
        measure_reaching(quick(), accuracy, runs)
    assert str(caught.value) == message


def test_an_autoencoder_reaches_no_accuracy() -> None:
    recipe = load_recipe(
        "digits", ["model={name='autoencoder', widths=[8]}", "data.normalize=unit", "train.label_smoothing=0"]
    )
    with pytest.raises(LoupeError, match="names no class, so it reaches no accuracy"):
        measure_reaching(recipe, 0.5, 1)
