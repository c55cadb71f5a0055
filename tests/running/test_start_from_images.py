"""Layers that start from training images: from a plugin, with what images, resumed, shown without data."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

import loupe
from loupe.cli import main
from loupe.errors import LoupeError
from loupe.plugins import load_plugin
from loupe.running.training_setup import choose_normalization, load_recipe_data, split_recipe_data
from tests.quick_runs import StopAfter, Train, is_same_weights

PLUGIN = '''
import torch
from torch import nn
from loupe import register_model

class Centre(nn.Module):
    """Subtracts the mean of the images it was shown."""

    def __init__(self, in_channels):
        super().__init__()
        self.register_buffer("mean", torch.zeros(in_channels))
        self.register_buffer("seen", torch.zeros(1))
        self.shift = nn.Parameter(torch.zeros(in_channels))

    def initialise_from(self, images):
        self.mean.copy_(images.mean((0, 2, 3)))
        self.seen.fill_(len(images))

    def forward(self, images):
        return images - (self.mean - self.shift)[:, None, None]

@register_model("centred")
def centred(*, in_channels: int, image_size: tuple[int, int], num_classes: int) -> nn.Module:
    """Dense layers after a layer that starts from images."""
    pixels = in_channels * image_size[0] * image_size[1]
    dense = nn.Sequential(nn.Flatten(), nn.Linear(pixels, 16), nn.ReLU(), nn.Linear(16, num_classes))
    return nn.Sequential(Centre(in_channels), *dense)
'''
MODEL = "model={name='centred'}"


@pytest.fixture
def plugin(tmp_path: Path) -> str:
    path = tmp_path / "centred.py"
    path.write_text(PLUGIN)
    load_plugin(str(path))
    return f"run.plugins=['{path}']"


@pytest.mark.thorough
def test_a_plugins_layer_gets_normalised_training_images_and_no_others(tmp_path: Path, plugin: str) -> None:
    quick = ("data.fraction=0.3", "train.epochs=1", "data.normalize=unit")
    run = loupe.train({"name": "mine"}, MODEL, plugin, *quick, f"run.folder={tmp_path}")
    recipe, weights = run.read_recipe(), load_file(run.best_file)
    splits = split_recipe_data(recipe, load_recipe_data(recipe))
    inputs = choose_normalization(recipe, splits).apply(splits.train.images)
    assert weights["0.seen"].item() == len(splits.train)
    torch.testing.assert_close(weights["0.mean"], inputs.mean((0, 2, 3)))
    assert run.read_result().notes == ("started from training images: 0",)


@pytest.mark.thorough
def test_a_run_that_started_from_images_resumes_to_the_bit(tmp_path: Path, plugin: str) -> None:
    later = "train.freeze_later={layers=['0'], after_epoch=1}"
    quick = ("data.fraction=0.3", "train.epochs=3", later, f"run.folder={tmp_path / 'runs'}")
    whole = loupe.train({"name": "mine"}, MODEL, plugin, *quick)
    stop = [StopAfter(2, KeyboardInterrupt())]
    stopped = loupe.train({"name": "mine"}, MODEL, plugin, *quick, observers=stop)
    loupe.resume(stopped.path)
    assert is_same_weights(stopped.checkpoint_file, whole.checkpoint_file)


def test_the_network_is_shown_without_data(plugin: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "digits", MODEL, plugin]) == 0
    assert "Centre" in capsys.readouterr().out


@pytest.mark.thorough
def test_layers_that_stop_training_stand_still_from_then_on(train: Train) -> None:
    later = "train.freeze_later={layers=['conv1'], after_epoch=1}"
    still = load_file(train(later, "train.epochs=3", "train.schedule=constant").checkpoint_file)
    plain = load_file(train("train.epochs=3", "train.schedule=constant").checkpoint_file)
    one = load_file(train(later, "train.epochs=1", "train.schedule=constant").checkpoint_file)
    assert torch.equal(still["model.conv1.weight"], one["model.conv1.weight"])
    assert not torch.equal(plain["model.conv1.weight"], one["model.conv1.weight"])
    assert not torch.equal(still["model.conv2.weight"], one["model.conv2.weight"])


@pytest.mark.thorough
def test_layers_that_stop_training_resume_to_the_bit(train: Train) -> None:
    override = "train.freeze_later={layers=['conv1', 'conv2'], after_epoch=2}"
    whole = train("train.epochs=4", override)
    for epoch in (1, 2, 3):
        stopped = train("train.epochs=4", override, observers=[StopAfter(epoch, KeyboardInterrupt())])
        loupe.resume(stopped.path)
        assert is_same_weights(stopped.checkpoint_file, whole.checkpoint_file)


def test_a_layer_that_is_not_there_is_refused_before_any_data() -> None:
    load = ["model={name='cnn', conv_layers=1}", "train.freeze_later={layers=['conv'], after_epoch=1}"]
    with pytest.raises(LoupeError) as caught:
        loupe.load_recipe("digits", load)
    assert str(caught.value) == (
        "There is no layer 'conv' to freeze.\n  got: conv\n  allowed: conv1, dense1, logits\n"
        "  did you mean: conv1\n  next: mend train.freeze_later.layers"
    )
    with pytest.raises(LoupeError, match=r"train\.freeze_later\.layers: got \[\]"):
        loupe.load_recipe("digits", ["train.freeze_later={layers=[], after_epoch=1}"])
