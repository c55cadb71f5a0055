import pytest
import torch
from torch import nn

from loupe.models import build_model
from loupe.training import build_optimizer
from loupe.training.layer_decay import apply_layer_decay, find_depths

SHAPE = {"in_channels": 1, "image_size": (16, 16), "num_classes": 4}


def rates_of(model: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, float]:
    names = {parameter: name for name, parameter in model.named_parameters()}
    return {names[one]: group["lr"] for group in optimizer.param_groups for one in group["params"]}


def test_rates_fall_by_the_factor_from_layer_to_layer() -> None:
    model = build_model("mlp", **SHAPE, widths=(8, 8))
    optimizer = build_optimizer("adam", model, learning_rate=0.1)
    apply_layer_decay(optimizer, model, 0.5)
    rates = rates_of(model, optimizer)
    assert rates["logits.weight"] == rates["logits.bias"] == 0.1
    assert rates["dense2.weight"] == pytest.approx(0.05)
    assert rates["dense1.bias"] == pytest.approx(0.025)
    assert optimizer.param_groups[0]["lr"] == 0.1, "the largest rate is the one shown"


@pytest.mark.parametrize(
    ("name", "settings"), [("muon", {}), ("sgd", {"momentum": 0.9}), ("adamw", {}), ("adam", {})]
)
def test_every_parameter_is_in_one_group_and_groups_keep_what_they_state(
    name: str, settings: dict[str, object]
) -> None:
    model = build_model("resnet", **SHAPE, depth=20)
    optimizer = build_optimizer(name, model, decay="weights", **settings)
    before = rates_of(model, optimizer)
    decays = {one: group.get("weight_decay") for group in optimizer.param_groups for one in group["params"]}
    apply_layer_decay(optimizer, model, 0.7)
    after = rates_of(model, optimizer)
    assert after.keys() == before.keys()
    assert sum(len(group["params"]) for group in optimizer.param_groups) == len(after)
    assert all(
        group.get("weight_decay") == decays[one]
        for group in optimizer.param_groups
        for one in group["params"]
    )
    assert all(after[name] <= before[name] for name in after)
    assert max(after[name] / before[name] for name in after) == 1


def test_a_transformer_has_a_layer_for_each_block() -> None:
    model = build_model("vision-transformer", **SHAPE, width=24, depth=4)
    depths = find_depths(model)
    of = {name: depths[parameter] for name, parameter in model.named_parameters()}
    assert of["cls_token"] == of["pos_embed"] == 0
    assert [of[f"blocks.{block}.attn.qkv.weight"] for block in range(4)] == [2, 3, 4, 5]
    assert of["head.weight"] == max(of.values())


def test_a_factor_of_1_changes_nothing() -> None:
    model = build_model("cnn", in_channels=1, image_size=(28, 28), num_classes=4)
    optimizer = build_optimizer("adam", model)
    before = [dict(group) for group in optimizer.param_groups]
    apply_layer_decay(optimizer, model, 1.0)
    assert [dict(group) for group in optimizer.param_groups] == before
