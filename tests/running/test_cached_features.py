"""Training on what frozen layers gave: the numbers of the usual way, with less work."""

from pathlib import Path

import pytest
import torch
from torch import nn

import loupe
from loupe.models import build_model
from loupe.models.layers import handwritten
from loupe.models.layers.fast_max_pool import FastMaxPool2d
from loupe.models.layers.fast_stack import FastStack
from loupe.models.rows import run_layers
from loupe.recipe import Recipe
from loupe.running import cached_features
from loupe.running.cached_features import count_frozen_layers
from loupe.running.training_setup import TrainingSetup
from loupe.runs import RunFolder
from loupe.training.loop import enter_training_mode
from tests.quick_runs import StopAfter, is_same_weights

pytestmark = pytest.mark.thorough

NETWORK = ("model={name='cnn', conv_layers=1}", "data.augment=[]", "train.epochs=3", "data.fraction=0.3")


def make_layers() -> FastStack:
    first = (nn.Conv2d(1, 3, 3), FastMaxPool2d(), nn.ReLU(), nn.Flatten())
    return FastStack(*first, nn.Linear(27, 5), nn.ReLU(), nn.Linear(5, 2))


def freeze(layers: FastStack, *numbers: int) -> FastStack:
    for number in numbers:
        layers[number].requires_grad_(False)
    return layers


def test_frozen_layers_are_counted_from_the_first() -> None:
    assert count_frozen_layers(make_layers()) == 0
    assert count_frozen_layers(freeze(make_layers(), 0)) == 4, "pooling and activation change nothing either"
    assert count_frozen_layers(freeze(make_layers(), 0, 4)) == 6
    assert count_frozen_layers(freeze(make_layers(), 4)) == 0, "the first one trains"
    assert count_frozen_layers(freeze(make_layers(), 0, 4, 6)) == 0, "nothing is left to train"
    assert count_frozen_layers(nn.Sequential(*freeze(make_layers(), 0))) == 4


class Elsewhere(nn.Module):
    """A layer of a plugin, which may do anything."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images


class OwnWay(nn.Sequential):
    """Layers in a row, and something more."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        return super().forward(input) + 1


@pytest.mark.parametrize(
    "layer",
    [nn.Dropout(0.1), handwritten.Dropout(0.1), nn.BatchNorm2d(3, affine=False), nn.RReLU(), Elsewhere()],
    ids=lambda layer: f"{type(layer).__module__.split('.')[0]} {type(layer).__name__}",
)
def test_layers_that_may_change_without_weights_are_not_passed_once(layer: nn.Module) -> None:
    stack = nn.Sequential(nn.Conv2d(1, 3, 3), nn.Sequential(layer), nn.Flatten(), nn.Linear(27, 2))
    stack[0].requires_grad_(False)
    assert count_frozen_layers(stack) == 1
    assert count_frozen_layers(OwnWay(*stack)) == 0


@pytest.mark.parametrize("name", ["mlp", "resnet", "six-block", "expert-net", "fast-net"])
def test_networks_of_our_own_are_passed_up_to_their_dropout_or_head(name: str) -> None:
    settings = {"resnet": {"depth": 20}, "six-block": {"width": 0.1}, "expert-net": {"blocks": 2, "width": 8}}
    model = build_model(name, in_channels=3, image_size=(32, 32), num_classes=4, **settings.get(name, {}))
    *rest, head = [name for name, child in model.named_children() if list(child.parameters())]
    for layer in rest:
        model.get_submodule(layer).requires_grad_(False)
    depth, names = count_frozen_layers(model), [name for name, _ in model.named_children()]
    assert 0 < depth <= names.index(head)
    stopped_at = model.get_submodule(names[depth])
    assert names[depth] == head or any("Dropout" in type(part).__name__ for part in stopped_at.modules())
    enter_training_mode(model)
    images = torch.randn(4, 3, 32, 32)
    with torch.no_grad():
        features = run_layers(model, images, 0, depth)
        assert torch.equal(run_layers(model, images, 0, depth), features), "in training mode, twice"
        model.eval()
        assert torch.allclose(run_layers(model, features, depth), model(images), atol=1e-5)


def test_layers_that_somebody_listens_to_are_not_passed_once() -> None:
    layers = freeze(make_layers(), 0, 4)
    layers[4].register_forward_hook(lambda layer, inputs, output: output + torch.randn_like(output))
    assert count_frozen_layers(layers) == 4
    layers.register_forward_pre_hook(lambda layer, inputs: None)
    assert count_frozen_layers(layers) == 0


def test_part_of_a_row_and_the_rest_are_the_whole() -> None:
    layers, images = make_layers(), torch.randn(4, 1, 8, 8)
    for depth in (1, 2, 4, 6):
        assert torch.allclose(layers.run(layers.run(images, 0, depth), depth), layers(images), atol=1e-6)


@pytest.fixture
def source(tmp_path: Path) -> RunFolder:
    return loupe.train("digits", *NETWORK, f"run.folder={tmp_path / 'source'}")


@pytest.fixture
def pixels(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many images went through the first layer, call by call."""
    counts: list[int] = []
    run = FastStack.run

    def counting(
        self: FastStack, values: torch.Tensor, first: int = 0, end: int | None = None
    ) -> torch.Tensor:
        if not first:
            counts.append(len(values))
        return run(self, values, first, end)

    monkeypatch.setattr(FastStack, "run", counting)
    return counts


@pytest.mark.thorough
def test_numbers_are_those_of_the_usual_way_and_images_pass_once(
    source: RunFolder, tmp_path: Path, pixels: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    changes = (*NETWORK, f"transfer={{run='{source.path}', freeze='all', head='new'}}", "train.epochs=6")
    passed = loupe.train("digits", *changes, "train.average_decay=0.9", f"run.folder={tmp_path / 'passed'}")
    num_passed = sum(pixels)
    pixels.clear()

    def stay(recipe: Recipe, setup: TrainingSetup) -> TrainingSetup:
        return setup

    monkeypatch.setattr("loupe.running.fitting.cache_features", stay)
    usual = loupe.train("digits", *changes, "train.average_decay=0.9", f"run.folder={tmp_path / 'usual'}")
    for one, other in zip(passed.read_history(), usual.read_history(), strict=True):
        assert one.validation_loss == pytest.approx(other.validation_loss, rel=1e-4)
        assert one.train_loss == pytest.approx(other.train_loss, rel=1e-4)
        assert one.clean_train_loss == pytest.approx(other.clean_train_loss, rel=1e-4)
    assert passed.read_result().best.test.accuracy == usual.read_result().best.test.accuracy
    counts = passed.read_result().num_images
    an_epoch = counts["train"] + counts["validation"] + min(counts["train"], 1000)
    assert sum(pixels) - num_passed >= 4 * an_epoch, "five of six epochs less"


@pytest.mark.thorough
def test_a_run_goes_on_to_the_bit(source: RunFolder, tmp_path: Path) -> None:
    changes = (*NETWORK, f"transfer={{run='{source.path}', freeze='all', head='new'}}")
    whole = loupe.train("digits", *changes, f"run.folder={tmp_path / 'whole'}")
    stop = StopAfter(2, KeyboardInterrupt())
    broken = loupe.train("digits", *changes, f"run.folder={tmp_path / 'broken'}", observers=[stop])
    assert len(broken.read_history()) == 2
    loupe.resume(broken.path)
    assert is_same_weights(broken.best_file, whole.best_file)
    assert [one.validation_loss for one in broken.read_history()] == [
        one.validation_loss for one in whole.read_history()
    ]


def test_what_is_too_much_to_keep_passes_every_time(
    source: RunFolder, tmp_path: Path, pixels: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    changes = (*NETWORK, f"transfer={{run='{source.path}', freeze='all', head='new'}}")
    monkeypatch.setattr(cached_features, "_MOST_BYTES", 1e5)
    run = loupe.train("digits", *changes, f"run.folder={tmp_path / 'runs'}")
    assert sum(pixels) >= 3 * run.read_result().num_images["train"]


CHANGING = {
    "augmented": "data.augment=[{name='padded-crop', padding=1}]",
    "mixed": "data.mix={name='mixup'}",
    "frozen later": "train.freeze_later={layers=['conv1'], after_epoch=1}",
}


@pytest.mark.parametrize("change", CHANGING.values(), ids=CHANGING)
def test_images_that_change_pass_every_time(
    source: RunFolder, tmp_path: Path, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    usual = cached_features.cache_features

    def watching(recipe: Recipe, setup: TrainingSetup) -> TrainingSetup:
        found = usual(recipe, setup)
        seen.append(found.train.depth + found.validation.depth)
        return found

    monkeypatch.setattr("loupe.running.fitting.cache_features", watching)
    frozen = "none" if "later" in change else "all"
    transfer = f"transfer={{run='{source.path}', freeze='{frozen}', head='new'}}"
    loupe.train("digits", *NETWORK, transfer, change, f"run.folder={tmp_path / 'runs'}")
    assert seen == [0]
