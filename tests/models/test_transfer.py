import copy

import pytest
import torch
from torch import nn

from loupe.errors import LoupeError
from loupe.models import build_model
from loupe.models.transfer import copy_weights_by_name, find_head, freeze_all_but, freeze_layers
from loupe.training.loop import enter_training_mode
from tests.models.buildable import MODEL_NAMES


def build(name: str = "mlp", num_classes: int = 5, **settings: object) -> nn.Module:
    return build_model(name, in_channels=1, image_size=(28, 28), num_classes=num_classes, **settings)


def test_weights_are_copied_not_shared() -> None:
    """D-004-14: training the classifier changed the autoencoder in place."""
    autoencoder = build("autoencoder", widths=(16, 8))
    before = copy.deepcopy(autoencoder.state_dict())
    mlp = build("mlp", widths=(16, 8))
    outcome = copy_weights_by_name(mlp, autoencoder.state_dict(), part="encoder", new=["logits"])
    assert outcome.copied == ("dense1.weight", "dense1.bias", "dense2.weight", "dense2.bias")
    assert outcome.skipped == {"logits.weight": "new", "logits.bias": "new"}
    assert torch.equal(mlp.dense1.weight, autoencoder.encoder.dense1.weight)
    with torch.no_grad():
        for parameter in mlp.parameters():
            parameter.add_(1)
    assert all(torch.equal(tensor, before[name]) for name, tensor in autoencoder.state_dict().items())


def test_what_does_not_fit_is_skipped_with_a_reason_and_what_is_not_used_is_named() -> None:
    source, model = build(num_classes=7, widths=(16, 8, 4)), build(widths=(16, 9))
    outcome = copy_weights_by_name(model, source.state_dict())
    assert outcome.copied == ("dense1.weight", "dense1.bias")
    assert outcome.skipped["dense2.weight"] == "9 x 16 here, 8 x 16 there"
    assert outcome.unused == ("dense3.bias", "dense3.weight")


def test_nothing_fits_or_no_such_part() -> None:
    weights = build("autoencoder", widths=(16,)).state_dict()
    with pytest.raises(LoupeError, match="None of these weights fits"):
        copy_weights_by_name(build(widths=(16,)), weights)
    with pytest.raises(LoupeError) as caught:
        copy_weights_by_name(build(widths=(16,)), weights, part="encodr")
    assert caught.value.nearest == "encoder"


HEADS = {"mobile-net": "classifier.1", "vision-transformer": "head", "timm": "fc"}
"""Of networks whose layers are called as elsewhere, so that weights from there fit."""


@pytest.mark.parametrize("name", [name for name in MODEL_NAMES if name != "autoencoder"])
def test_the_head_of_every_classifier_is_its_last_layer_and_nothing_squashes_it(name: str) -> None:
    """C21, D-004-13."""
    model, of_head = build(name).eval(), []
    head = HEADS.get(name, "logits")
    assert find_head(model, in_channels=1, image_size=(28, 28)) == head
    model.get_submodule(head).register_forward_hook(lambda module, inputs, output: of_head.append(output))
    outputs = model(torch.randn(2, 1, 28, 28))
    assert outputs is of_head[0]


def test_freezing_all_some_or_none() -> None:
    model = build("cnn")
    assert freeze_all_but(model, "logits")[0] == "conv1.weight"
    trained = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    assert trained == {"logits.weight", "logits.bias"}
    model = build("cnn")
    assert freeze_layers(model, ["conv1"]) == ("conv1.weight", "conv1.bias")
    assert freeze_layers(build("cnn"), []) == ()
    with pytest.raises(LoupeError) as caught:
        freeze_layers(model, ["conv9"])
    assert caught.value.nearest == "conv2"


def test_a_norm_without_parameters_stands_still_among_frozen_layers() -> None:
    frozen = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4, affine=False), nn.Dropout(0.5))
    model = nn.Sequential(frozen, nn.BatchNorm2d(4, affine=False), nn.Conv2d(4, 2, 1))
    frozen.requires_grad_(False)
    enter_training_mode(model)
    model(torch.randn(6, 3, 8, 8))
    assert torch.equal(frozen[1].running_mean, torch.zeros(4))
    assert not torch.equal(model[1].running_mean, torch.zeros(4)), "it lies among layers that are trained"
    assert frozen[2].training, "what has nothing to stand still goes on"


def test_nothing_moves_in_a_frozen_layer_running_statistics_included() -> None:
    model = build_model("resnet", in_channels=3, image_size=(8, 8), num_classes=4, depth=20)
    freeze_all_but(model, "logits")
    before = copy.deepcopy(model.state_dict())
    enter_training_mode(model)
    model(torch.randn(6, 3, 8, 8)).sum().backward()
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert model.training, "only the frozen layers stay in evaluation mode"
    model.requires_grad_(True)
    enter_training_mode(model)
    model(torch.randn(6, 3, 8, 8))
    assert not torch.equal(model.state_dict()["norm.running_mean"], before["norm.running_mean"])
