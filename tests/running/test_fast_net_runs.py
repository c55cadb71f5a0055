"""fast-net with all that makes it fast, on digits: what its first layer saw, and that a resume is exact."""

from itertools import pairwise
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

import loupe
from loupe.cli import main
from loupe.errors import LoupeError
from loupe.models.layers.whitening import WhiteningConv2d
from loupe.running.training_setup import choose_normalization, load_recipe_data, split_recipe_data
from loupe.runs import RunFolder, load_model
from loupe.training import Observer, TrainingState
from tests.quick_runs import StopAfter, is_same_weights

pytestmark = pytest.mark.thorough

SMALL = {"name": "fast-net", "widths": [6, 8]}
RECIPE = {
    "data": {
        "name": "digits",
        "fraction": 0.3,
        "augment": [{"name": "padded-crop", "padding": 1, "mode": "reflect"}],
    },
    "model": SMALL,
    "train": {
        "epochs": 4,
        "clean_train_images": 0,
        "schedule": "triangular",
        "label_smoothing": 0.2,
        "channels_last": True,
        "lookahead": {"every": 3},
        "freeze_later": {"layers": ["whitening"], "after_epoch": 2},
        "hard_examples": {"keep": 0.5, "proxy": {**SMALL, "widths": [4, 4]}},
    },
    "evaluate": {"look_inside": False},
}
MUON = "train.optimizer={name='muon', learning_rate=0.2, norm_rate=2.0}"
SGD = (
    "train.optimizer={name='sgd', learning_rate=11.5, momentum=0.85, nesterov=true, weight_decay=0.0153, "
    "norm_factor=64.0, per_1024_examples=true}"
)


def train(folder: Path, *overrides: str, observers: list[Observer] | None = None) -> RunFolder:
    return loupe.train(RECIPE, *overrides, f"run.folder={folder}", observers=observers or [])


@pytest.mark.parametrize("optimizer", [MUON, SGD], ids=["muon", "sgd"])
def test_all_ingredients_together_resume_to_the_bit(optimizer: str, tmp_path: Path) -> None:
    whole = train(tmp_path, optimizer)
    for epoch in (1, 2, 3):  # before, at and after the epoch from which the whitening layer stands still
        stopped = train(tmp_path, optimizer, observers=[StopAfter(epoch, KeyboardInterrupt())])
        loupe.resume(stopped.path)
        assert is_same_weights(stopped.checkpoint_file, whole.checkpoint_file)
        assert stopped.read_result().best == whole.read_result().best
    history = whole.read_history()
    assert history[-1].train_loss < history[0].train_loss


def test_the_first_layer_comes_from_the_training_split_and_is_kept_with_the_weights(tmp_path: Path) -> None:
    run = train(tmp_path, "train.epochs=1")
    recipe = run.read_recipe()
    splits = split_recipe_data(recipe, load_recipe_data(recipe))
    expected = WhiteningConv2d(1)
    expected.initialise_from(choose_normalization(recipe, splits).apply(splits.train.images))
    model, _ = load_model(run)
    torch.testing.assert_close(model.whitening.weight, expected.weight)
    assert run.read_result().notes[0] == "started from training images: whitening"


class KeepParameter(Observer):
    def __init__(self, name: str) -> None:
        self._name = name
        self.values: list[torch.Tensor] = []

    def on_epoch_end(self, state: TrainingState) -> None:
        self.values.append(state.model.get_parameter(self._name).detach().clone())


def test_the_bias_of_the_first_layer_trains_while_it_may(tmp_path: Path) -> None:
    """With lookahead, which must not move what stands still."""
    keep = KeepParameter("whitening.bias")
    train(tmp_path, SGD, observers=[keep])
    first, second, third, fourth = keep.values
    assert not torch.equal(first, second)
    assert torch.equal(second, third)
    assert torch.equal(second, fourth)


def test_each_layer_stops_after_its_own_epoch(tmp_path: Path) -> None:
    kept = [KeepParameter(name) for name in ("whitening.bias", "group1.conv2.weight", "group2.conv1.weight")]
    train(
        tmp_path,
        SGD,
        "train.freeze_later={layers=['whitening', 'group1'], after_epoch=[1, 3]}",
        observers=kept,
    )
    moved = [[not torch.equal(before, after) for before, after in pairwise(keep.values)] for keep in kept]
    assert moved == [[False, False, False], [True, True, False], [True, True, True]]


def test_layers_that_stop_want_one_epoch_or_one_each() -> None:
    with pytest.raises(LoupeError) as caught:
        loupe.load_recipe(
            RECIPE, ["train.freeze_later={layers=['whitening', 'group1'], after_epoch=[1, 2, 3]}"]
        )
    assert "one epoch for all layers or with 2, one for each; it has 3" in str(caught.value)
    allowed = "allowed: a whole number from 1 to 1000000000, or a list with one for each layer"
    with pytest.raises(LoupeError, match=rf"train\.freeze_later\.after_epoch: got 0; {allowed}"):
        loupe.load_recipe(RECIPE, ["train.freeze_later.after_epoch=0"])
    with pytest.raises(LoupeError, match=rf"after_epoch: got \[1, 0\]; {allowed}"):
        loupe.load_recipe(RECIPE, ["train.freeze_later={layers=['whitening', 'group1'], after_epoch=[1, 0]}"])


def test_copied_weights_are_not_started_anew(tmp_path: Path) -> None:
    first = train(tmp_path, "train.epochs=1")
    second = train(tmp_path, "train.epochs=1", "run.seed=1", f"transfer.run={first.path}")
    before, after = load_file(first.best_file), load_file(second.best_file)
    assert torch.equal(before["whitening.weight"], after["whitening.weight"])


def test_a_network_whose_first_weights_come_from_images_is_shown_without_them(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LOUPE_DATA", "/nowhere")
    assert main(["show", "fast-cifar10"]) == 0
    assert "1,971,352" in capsys.readouterr().out
