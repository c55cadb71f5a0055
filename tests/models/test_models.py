"""One contract over all models, then what each promises."""

import pytest
import torch
from torch import nn

from loupe.errors import LoupeError, ShapeError, UnknownNameError
from loupe.models import objective_of
from loupe.models.expert_net import choose_mixing
from loupe.models.layer_table import count_parameters, describe_layers
from loupe.models.layers import handwritten
from tests.models.buildable import MODEL_NAMES, SHAPES, build

SMALL = {
    "expert-net": {"blocks": 2, "width": 32},
    "fast-net": {"widths": (8, 16, 16)},
    "mobile-net": {"width": 0.25, "dropout": 0.0},
    "resnet": {"depth": 20},
    "vision-transformer": {"width": 24, "depth": 2},
    "six-block": {"width": 0.25},
}
"""Settings that make large networks small enough to try three shapes in seconds."""


AS_PARAMS = [one if isinstance(one, type(pytest.param())) else pytest.param(one) for one in MODEL_NAMES]


@pytest.mark.parametrize("name", MODEL_NAMES)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_contract(name: str, shape: tuple[int, tuple[int, int], int]) -> None:
    in_channels, image_size, num_classes = shape
    settings = SMALL.get(name, {})
    model, twin = build(name, shape, **settings), build(name, shape, **settings)
    states = zip(model.state_dict().values(), twin.state_dict().values(), strict=True)
    assert all(torch.equal(a, b) for a, b in states), "the same seed built other weights"
    images = torch.randn(4, in_channels, *image_size)
    before = images.clone()
    outputs = model(images)
    assert torch.equal(images, before), "the input was changed"
    assert outputs.isfinite().all()
    if objective_of(name) == "classification":
        assert outputs.shape == (4, num_classes)
        assert not torch.allclose(outputs.sum(1), torch.ones(4)), "logits look like probabilities"
    else:
        assert outputs.shape == images.shape
    outputs.square().sum().backward()
    for parameter_name, parameter in model.named_parameters():
        assert parameter.grad is not None, f"no gradient reaches {parameter_name}"
        if name != "timm":  # whose residual blocks start as nothing: the last norm of each begins at zero
            assert parameter.grad.abs().sum() > 0, f"the gradient of {parameter_name} is zero"
    with torch.no_grad():
        for parameter in twin.parameters():
            parameter.add_(1)
    twin.load_state_dict(model.state_dict())
    model.eval(), twin.eval()
    assert torch.equal(model(images), twin(images)), "the state does not round-trip"


@pytest.mark.parametrize("name", SMALL)
def test_gradient_reaches_every_parameter_at_full_size(name: str) -> None:
    model = build(name, (3, (16, 16), 10))
    model(torch.randn(2, 3, 16, 16)).square().sum().backward()
    for parameter_name, parameter in model.named_parameters():
        assert parameter.grad is not None, f"no gradient reaches {parameter_name}"
        assert parameter.grad.abs().sum() > 0, f"the gradient of {parameter_name} is zero"


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        *(pytest.param(*one.values, {}, marks=one.marks) for one in AS_PARAMS),
        ("resnet", {"layers": "handwritten"}),
        ("fast-net", {"convs": 3, "widths": (8, 8)}),
    ],
)
def test_activations_are_modules_each_used_once(name: str, settings: dict[str, object]) -> None:
    """Attribution methods rest on it."""
    model, calls = build(name, **settings), {}
    kinds = nn.ReLU | nn.ReLU6 | nn.GELU | handwritten.ReLU
    activations = [module for module in model.modules() if isinstance(module, kinds)]
    assert activations
    for module in activations:
        module.register_forward_hook(lambda module, *_: calls.update({module: calls.get(module, 0) + 1}))
    model(torch.randn(2, 1, 28, 28))
    assert list(calls.values()) == [1] * len(activations)


@pytest.mark.parametrize(
    ("conv_layers", "dense_layers", "parameters"),
    [
        (1, 1, 4_481),
        (1, 2, 69_761),
        (1, 3, 114_545),
        (2, 1, 2_933),
        (2, 2, 17_813),
        (2, 3, 35_717),
        (4, 1, 22_293),
        (4, 2, 110_973),
        (4, 3, 168_237),
    ],
)
def test_cnn_parameter_counts(conv_layers: int, dense_layers: int, parameters: int) -> None:
    """C16; D-004-2: the three-dense variants crashed at the first image."""
    model = build("cnn", conv_layers=conv_layers, dense_layers=dense_layers)
    assert count_parameters(model) == parameters
    assert model(torch.zeros(2, 1, 28, 28)).shape == (2, 5)


def test_mlp_parameter_count_and_unsquashed_logits() -> None:
    """C18; D-004-13: ten outputs for five classes, and a sigmoid before the cross-entropy."""
    assert count_parameters(build("mlp", (1, (28, 28), 10))) == 111_146
    model = build("mlp", (1, (28, 28), 5))
    assert model(torch.zeros(1, 1, 28, 28)).shape == (1, 5)
    assert not any(isinstance(module, nn.Sigmoid | nn.Softmax) for module in model.modules())


@pytest.mark.parametrize(
    ("settings", "parameters"),
    [
        ({"depth": 18}, 11_173_962),
        ({"depth": 18, "pool": "max"}, 11_173_962),
        ({"depth": 34}, 21_282_122),
        ({"depth": 50}, 23_520_842),
        ({"depth": 20}, 269_722),
        ({"depth": 56}, 853_018),
    ],
)
def test_resnet_parameter_counts(settings: dict[str, object], parameters: int) -> None:
    """C11, C12; 20 and 56 as in table 6 of the paper (0.27 M and 0.85 M)."""
    model = build("resnet", (3, (32, 32), 10), **settings)
    assert count_parameters(model) == parameters
    assert model(torch.zeros(2, 3, 32, 32)).shape == (2, 10)


def test_six_block_parameter_count_and_layer_table() -> None:
    """C13, C14."""
    model = build("six-block", (3, (32, 32), 10))
    assert count_parameters(model) == 4_079_429
    rows = describe_layers(model, in_channels=3, image_size=(32, 32)).rows
    published = (4_800, 128, 190_400, 238, 236_691, 442, 1_414_400, 512, 589_824, 512, 1_638_400, 512, 2_570)
    assert tuple(row.parameters for row in rows if row.parameters) == published
    assert sum(row.multiply_adds for row in rows) == pytest.approx(0.765e9, rel=0.01)
    assert count_parameters(build("six-block", (3, (32, 32), 10), width=0.25)) < 300_000


@pytest.mark.parametrize(
    ("settings", "parameters"),
    [({"blocks": 5, "experts": 2, "width": 164}, 2_464_735), ({}, 7_193_750)],
)
def test_expert_net_parameter_counts(settings: dict[str, object], parameters: int) -> None:
    """C1."""
    assert count_parameters(build("expert-net", (3, (32, 32), 10), **settings)) == parameters


@pytest.mark.parametrize("experts", [1, 2, 4])
def test_mixing_maps_equals_mixing_kernels(experts: int) -> None:
    """C2: convolution is linear in its kernel."""
    settings = {"blocks": 2, "experts": experts, "width": 12}
    maps = build("expert-net", (3, (9, 7), 4), mixing="maps", **settings)
    kernels = build("expert-net", (3, (9, 7), 4), mixing="kernels", **settings)
    kernels.load_state_dict(maps.state_dict())
    images = torch.randn(5, 3, 9, 7)
    maps.eval(), kernels.eval()
    assert torch.allclose(maps(images), kernels(images), atol=1e-5)
    for model in (maps, kernels):
        model(images).square().sum().backward()
    for ours, theirs in zip(maps.parameters(), kernels.parameters(), strict=True):
        assert torch.allclose(ours.grad, theirs.grad, atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize(
    ("experts", "width", "mixing"),
    [(1, 256, "maps"), (2, 256, "kernels"), (2, 164, "maps"), (3, 164, "kernels"), (8, 32, "kernels")],
)
def test_the_cheaper_mixing_is_the_default(experts: int, width: int, mixing: str) -> None:
    """As measured by bench/expert_mixing.py."""
    assert choose_mixing(experts, width) == mixing
    model = build("expert-net", (3, (32, 32), 10), blocks=1, experts=experts, width=width)
    assert model.block1.mixing == mixing


def test_gate_weights_are_seen_by_a_hook_and_add_to_one() -> None:
    """I6: the gates were never shown."""
    model = build("expert-net", (3, (8, 8), 4), blocks=2, experts=3, width=8)
    seen: list[torch.Tensor] = []
    model.block2.gate.register_forward_hook(lambda module, inputs, output: seen.append(output))
    model(torch.randn(6, 3, 8, 8))
    assert seen[0].shape == (6, 3)
    assert torch.allclose(seen[0].sum(1), torch.ones(6))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"conv_layers": 2},
            "Images of 8 x 8 pixels are too small for this cnn at conv2.\n"
            "  got: conv2 receives maps of 2 x 2 and has a 5 x 5 kernel, padding 0, then 2 x 2 pooling\n"
            "  allowed: maps that keep at least one pixel\n"
            "  next: set model.conv_layers=4 (it pads), a smaller conv_layers, or larger images",
        ),
    ],
)
def test_images_that_do_not_fit_are_refused_with_layer_and_numbers(
    settings: dict[str, object], message: str
) -> None:
    with pytest.raises(ShapeError) as caught:
        build("cnn", (1, (8, 8), 10), **settings)
    assert str(caught.value) == message


def test_unknown_models_and_settings_are_refused() -> None:
    with pytest.raises(UnknownNameError, match="There is no model called 'cn'"):
        build("cn")
    with pytest.raises(LoupeError, match=r"cnn\.conv_layers: got 3; allowed: 1, 2 or 4"):
        build("cnn", conv_layers=3)
    with pytest.raises(LoupeError, match=r"mlp\.widths\.1: got 0; allowed: a number ≥ 1"):
        build("mlp", widths=[3, 0])


def test_the_layer_table_is_that_of_the_forward_pass() -> None:
    model = build("cnn", conv_layers=2, dense_layers=2).train()
    rows = {row.name: row for row in describe_layers(model, in_channels=1, image_size=(28, 28)).rows}
    assert list(rows) == [name for name, _ in model.named_children()]
    assert rows["conv2"].output_shape == (12, 8, 8)
    assert rows["conv2"].parameters == 6 * 12 * 25 + 12
    assert rows["conv2"].multiply_adds == 6 * 12 * 25 * 8 * 8
    assert rows["dense1"].multiply_adds == 192 * 80
    assert sum(row.parameters for row in rows.values()) == 17_813
    assert model.training, "the mode was changed"
    assert not any(module._forward_hooks for module in model.modules()), "hooks were left behind"


def test_frozen_parameters_are_counted_but_not_as_trained() -> None:
    model = build("mlp", widths=[4])
    model.dense1.requires_grad_(False)
    table = describe_layers(model, in_channels=1, image_size=(28, 28))
    rows = table.rows
    assert table.trainable == table.parameters - rows[1].parameters
    assert (rows[1].parameters, rows[1].trainable) == (784 * 4 + 4, 0)


class WithToken(nn.Module):
    """Holds a parameter itself, and uses one layer twice."""

    def __init__(self) -> None:
        super().__init__()
        self.token = nn.Parameter(torch.zeros(16))
        self.dense = nn.Linear(16, 16)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.dense(self.dense(images.flatten(1) + self.token))


def test_parameters_outside_layers_and_shared_ones_are_counted_once() -> None:
    table = describe_layers(WithToken(), in_channels=1, image_size=(4, 4))
    assert table.parameters == table.trainable == 16 + 16 * 16 + 16
    assert sum(row.parameters for row in table.rows) == table.parameters


def test_a_model_that_does_not_chain_is_refused() -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(10, 4), nn.Linear(5, 2))
    with pytest.raises(ShapeError, match=r"Sequential cannot take images of shape \(1, 4, 4\)"):
        describe_layers(model, in_channels=1, image_size=(4, 4))
