"""Observers that a recipe names: they watch, and whatever they do, no number changes."""

from pathlib import Path

import pytest

import loupe
from loupe.errors import LoupeError, RecipeError, TrainingError
from loupe.observers import OBSERVERS
from loupe.running.observing import flatten_record
from loupe.running.record import digest_recipe
from loupe.studies.keys import reduce_recipe
from loupe.training import EpochRecord
from tests.quick_runs import Train, is_same_weights

PLUGIN = '''
import torch
from torch import nn
from loupe import Observer, register_model, register_observer


@register_model("forgetful")
def forgetful(*, in_channels, image_size, num_classes):
    """Drops half of the pixels."""
    pixels = in_channels * image_size[0] * image_size[1]
    return nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(pixels, num_classes))


@register_observer("restless")
class Restless(Observer):
    """Draws random numbers wherever it is asked."""

    def on_fit_start(self, state, *, num_epochs, steps_per_epoch):
        torch.rand(3)

    def on_step(self, step):
        torch.rand(3)

    def on_epoch_end(self, state):
        torch.rand(3)


@register_observer("faulty")
class Faulty(Observer):
    """Fails where it is told to."""

    def __init__(self, where: str = "step"):
        self.where = where
        if where == "building":
            raise ValueError("no such thing")

    def on_step(self, step):
        if self.where == "step" and step == 2:
            raise ValueError("no such thing")

    def on_epoch_end(self, state):
        if self.where == "epoch" and state.epoch == 2:
            raise ValueError("no such thing")
'''


ENDINGS = {"step": "step == 2:", "epoch": "state.epoch == 2:"}


@pytest.fixture
def plugin(tmp_path: Path) -> str:
    path = tmp_path / "watching.py"
    path.write_text(PLUGIN, encoding="utf-8")
    return f"run.plugins=['{path}']"


@pytest.mark.parametrize("name", OBSERVERS.names())
def test_contract_every_observer_leaves_the_weights_alone(name: str, train: Train) -> None:
    plain, watched = train("train.epochs=2"), train("train.epochs=2", f"run.observers={name}")
    assert is_same_weights(plain.checkpoint_file, watched.checkpoint_file)


def test_what_an_observer_draws_does_not_reach_dropout(train: Train, plugin: str) -> None:
    dropout = (plugin, "model=forgetful")
    plain, watched = train(*dropout), train(*dropout, "run.observers=['restless']")
    assert is_same_weights(plain.checkpoint_file, watched.checkpoint_file)


@pytest.mark.parametrize(
    ("where", "told", "epochs"), [("step", "was told of step 2", 0), ("epoch", "was told of epoch 2", 2)]
)
def test_a_faulty_observer_is_named_and_what_was_reached_is_kept(
    where: str, told: str, epochs: int, train: Train, plugin: str, tmp_path: Path
) -> None:
    with pytest.raises(TrainingError, match=rf"faulty failed when it {told}(.|\n)*ValueError: no such thing"):
        train(plugin, f"run.observers=[{{name='faulty', where='{where}'}}]")
    (folder,) = (tmp_path / "runs").iterdir()
    run = loupe.load_run(folder)
    assert run.read_result().status == "failed"
    assert len(run.read_history()) == epochs
    line = PLUGIN.splitlines().index(f'        if self.where == "{where}" and ' + ENDINGS[where]) + 2
    assert f"watching.py, line {line})" in run.log_file.read_text(encoding="utf-8")
    recipe = run.recipe_file.read_text(encoding="utf-8")
    mended = recipe.replace(f'{{ name = "faulty", where = "{where}" }}', '{ name = "restless" }')
    run.recipe_file.write_text(mended, encoding="utf-8")
    loupe.resume(folder)
    result = run.read_result()
    assert result.status == "finished"
    said = f"An earlier session of this run failed: The observer faulty failed when it {told}."
    assert [one for one in result.warnings if one.startswith(said)] == list(result.warnings)
    assert "observers were not told again" in result.warnings[0]
    assert said in run.report_file.read_text(encoding="utf-8")
    run.report_file.unlink()
    loupe.resume(folder)
    assert run.read_result().warnings == result.warnings, "once said, it stays"


def test_one_that_cannot_be_built_leaves_no_run(train: Train, plugin: str, tmp_path: Path) -> None:
    with pytest.raises(LoupeError, match=r"ValueError in the observer 'faulty', .*watching\.py, line 35"):
        train(plugin, "run.observers=[{name='faulty', where='building'}]")


def test_names_are_checked_with_all_else() -> None:
    with pytest.raises(RecipeError, match="weight-norms"):
        loupe.load_recipe("digits", ["run.observers=weight-norm"])


def test_who_watches_counts_neither_in_the_digest_nor_in_the_key() -> None:
    plain = loupe.load_recipe("digits")
    watched = loupe.load_recipe("digits", ["run.trackers=csv", "run.observers=['weight-norms']"])
    assert digest_recipe(plain) == digest_recipe(watched)
    assert reduce_recipe(plain) == reduce_recipe(watched)


def test_a_record_is_flat_and_holds_what_has_a_value() -> None:
    record = EpochRecord(1, 0.1, 2.0, None, None, None, 1.5, None, 3.0, 100.0)
    assert flatten_record(record) == {
        "learning_rate": 0.1,
        "train_loss": 2.0,
        "validation_loss": 1.5,
        "seconds": 3.0,
        "images_per_second": 100.0,
    }
