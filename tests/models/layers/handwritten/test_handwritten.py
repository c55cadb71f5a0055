"""What only our own layers promise; that they are torch's is checked by `tests/conformance`."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from loupe.errors import LoupeError, ShapeError
from loupe.models.layers import handwritten as ours

IMAGES = torch.randn(2, 4, 6, 7, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("mine", "torchs", "arguments"),
    [
        (ours.Conv2d, nn.Conv2d, {"in_channels": 4, "out_channels": 6, "kernel_size": (3, 2), "groups": 2}),
        (ours.Linear, nn.Linear, {"in_features": 7, "out_features": 3}),
        (ours.BatchNorm, nn.BatchNorm2d, {"num_features": 4, "momentum": None}),
    ],
)
def test_the_same_seed_gives_torchs_initial_weights(
    mine: type[nn.Module], torchs: type[nn.Module], arguments: dict[str, object]
) -> None:
    states = []
    for layer in (mine, torchs):
        torch.manual_seed(5)
        states.append(layer(**arguments).state_dict())
    assert list(states[0]) == list(states[1])
    assert all(torch.equal(states[0][name], value) for name, value in states[1].items())


def test_the_same_seed_gives_torchs_dropout() -> None:
    outputs = []
    for layer in (ours.Dropout(0.3), nn.Dropout(0.3)):
        torch.manual_seed(5)
        outputs.append(layer(IMAGES))
    assert torch.equal(outputs[0], outputs[1])


def test_momentum_of_none_weighs_all_batches_alike() -> None:
    norms = ours.BatchNorm(4, momentum=None), nn.BatchNorm2d(4, momentum=None)
    for norm in norms:
        for factor in (1, 2, 3):
            norm(factor * IMAGES)
    assert torch.allclose(norms[0].running_mean, norms[1].running_mean)
    assert torch.allclose(norms[0].running_var, norms[1].running_var)


@pytest.mark.parametrize(
    "layer", [ours.Conv2d(4, 2, 3), ours.MaxPool2d(2), ours.AvgPool2d(2), ours.GlobalMaxPool()]
)
def test_images_without_a_batch_axis_are_taken(layer: nn.Module) -> None:
    assert torch.allclose(layer(IMAGES[0]), layer(IMAGES)[0], atol=1e-6)


@pytest.mark.parametrize("settings", [{}, {"stride": 2, "padding": 1}, {"dilation": (2, 1), "groups": 2}])
def test_the_convolutions_own_gradient_holds_to_the_second_order(settings: dict[str, Any]) -> None:
    layer = ours.Conv2d(4, 2, (2, 3), **settings).double()
    images = IMAGES[:1, :, :4, :5].double().requires_grad_()
    assert torch.autograd.gradcheck(layer, images)
    assert torch.autograd.gradgradcheck(layer, images)


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")  # by which torch itself does it
def test_derivatives_along_a_direction_are_torchs() -> None:
    mine = nn.Sequential(ours.Conv2d(4, 3, 3, stride=2, padding=1), ours.ReLU())
    torchs = nn.Sequential(nn.Conv2d(4, 3, 3, stride=2, padding=1), nn.ReLU())
    torchs.load_state_dict(mine.state_dict())
    direction = torch.randn(IMAGES.shape, generator=torch.Generator().manual_seed(1))
    (_, moved), (_, wanted) = (torch.func.jvp(one, (IMAGES,), (direction,)) for one in (mine, torchs))
    assert torch.allclose(moved, wanted, atol=1e-5)


def test_gradients_that_are_not_finite_go_where_torchs_go() -> None:
    given = torch.tensor([-1.0, 0.0, 2.0, float("nan")])
    of_output = torch.tensor([float("inf"), float("nan"), float("inf"), 3.0])
    found = []
    for relu in (ours.ReLU(), nn.ReLU()):
        inputs = given.clone().requires_grad_()
        relu(inputs).backward(of_output)
        found.append(inputs.grad)
    assert torch.equal(found[0], found[1])


@pytest.mark.parametrize(
    ("layer", "images"),
    [(ours.Conv2d(4, 3, 3), IMAGES), (ours.Linear(7, 3), IMAGES), (ours.BatchNorm(4), IMAGES.bfloat16())],
)
def test_autocast_goes_through_a_layer(layer: nn.Module, images: Tensor) -> None:
    with torch.autocast("cpu", torch.bfloat16):
        assert layer(images).dtype == torch.bfloat16


def test_networks_of_own_gradients_can_be_stacked() -> None:
    layer = nn.Sequential(ours.Conv2d(4, 3, 3, padding=1), ours.ReLU())
    weights = {name: torch.stack([one, 2 * one]) for name, one in layer.named_parameters()}

    def loss(weights: dict[str, Tensor]) -> Tensor:
        outputs: Tensor = torch.func.functional_call(layer, weights, IMAGES)
        return outputs.square().mean()

    stacked = torch.func.vmap(torch.func.grad(loss))(weights)
    for row in (0, 1):
        alone = torch.func.grad(loss)({name: one[row] for name, one in weights.items()})
        assert all(torch.allclose(stacked[name][row], one, atol=1e-6) for name, one in alone.items())


def test_maps_stay_as_they_came_in_half_precision_and_are_measured_in_single() -> None:
    images = (100 + IMAGES).to(torch.bfloat16)
    mine, torchs = ours.BatchNorm(4), nn.BatchNorm2d(4)
    outputs = mine(images)
    assert outputs.dtype == torch.bfloat16
    assert torch.allclose(outputs, torchs(images), atol=0.02)
    assert torch.allclose(mine.running_var, torchs.running_var, rtol=1e-5)
    last = images.contiguous(memory_format=torch.channels_last)
    assert ours.ReLU()(ours.Conv2d(4, 5, 3).bfloat16()(last)).is_contiguous(memory_format=torch.channels_last)


def test_zero_is_no_trouble_for_relu_and_infinity_none_for_cross_entropy() -> None:
    zeros = torch.zeros(3, requires_grad=True)
    ours.ReLU()(zeros).sum().backward()
    assert zeros.grad is not None
    assert zeros.grad.tolist() == [0, 0, 0], "torch's gradient at 0"
    assert ours.ReLU()(torch.tensor([float("nan")])).isnan().all(), "what is broken stays visible"
    assert ours.ReLU()(torch.tensor([float("-inf")])).tolist() == [0]
    logits = torch.tensor([[2.0, 1.0, float("-inf")]])
    assert torch.allclose(
        ours.CrossEntropy()(logits, torch.tensor([0])), nn.CrossEntropyLoss()(logits, torch.tensor([0]))
    )


@pytest.mark.parametrize(
    ("attempt", "message"),
    [
        (lambda: ours.Conv2d(3, 4, 1, groups=2), "got: in_channels=3, out_channels=4, groups=2"),
        (lambda: ours.Conv2d(1, 8, 3)(IMAGES), r"got: an input of \(2, 4, 6, 7\)"),
        (lambda: ours.Conv2d(4, 8, 3)(IMAGES[:, :1]), r"got: an input of \(2, 1, 6, 7\)"),
        (lambda: ours.Conv2d(2, 2, 1, groups=2)(IMAGES), r"allowed: \(batch, 2, height, width\)"),
        (lambda: ours.Conv2d(4, 4, 3)(IMAGES[None]), r"got: an input of \(1, 2, 4, 6, 7\)"),
        (lambda: ours.Conv2d(4, 4, 3, padding=-1), "allowed: ≥ 0"),
        (lambda: ours.Conv2d(4, 4, 9)(IMAGES), "got: a side of 6 pixels with its padding"),
        (lambda: ours.MaxPool2d(2, padding=2), r"got: padding \(2, 2\), kernel_size \(2, 2\)"),
        (lambda: ours.AvgPool2d(9)(IMAGES), "got: maps of 6 x 7 pixels with their padding"),
        (lambda: ours.BatchNorm(3)(IMAGES), r"got: an input of \(2, 4, 6, 7\)"),
        (lambda: ours.BatchNorm(4)(torch.zeros(1, 4)), "cannot train on a single value a channel"),
        (lambda: ours.Dropout(1.5), "got: 1.5"),
        (lambda: ours.CrossEntropy("avg"), "allowed: mean, sum, none"),
        (lambda: ours.CrossEntropy(label_smoothing=2), "got: 2"),
    ],
)
def test_impossible_settings_and_shapes_are_refused(attempt: object, message: str) -> None:
    with pytest.raises((ShapeError, LoupeError), match=message):
        attempt()  # type: ignore[operator]  # a parameter of pytest


@pytest.mark.parametrize("is_training", [False, True])
@pytest.mark.parametrize(
    ("mine", "torchs", "shape"),
    [
        (ours.BatchNorm(4), nn.BatchNorm2d(4), (0, 4, 6, 6)),
        (ours.BatchNorm(4, momentum=None), nn.BatchNorm2d(4, momentum=None), (2, 4, 0, 6)),
        (ours.BatchNorm(4, affine=False), nn.BatchNorm1d(4, affine=False), (0, 4)),
        (ours.Conv2d(4, 2, 3, groups=2), nn.Conv2d(4, 2, 3, groups=2), (0, 4, 6, 6)),
        (ours.Linear(4, 3), nn.Linear(4, 3), (0, 4)),
        (ours.MaxPool2d(3, 2, 1), nn.MaxPool2d(3, 2, 1), (0, 4, 6, 6)),
        (ours.AvgPool2d(2), nn.AvgPool2d(2), (0, 4, 6, 6)),
        (ours.GlobalAvgPool(), nn.AdaptiveAvgPool2d(1), (0, 4, 6, 6)),
        (ours.GlobalMaxPool(), nn.AdaptiveMaxPool2d(1), (0, 4, 6, 6)),
        (ours.Dropout(), nn.Dropout(), (0, 4)),
        (ours.ReLU(), nn.ReLU(), (0, 4)),
    ],
)
def test_an_empty_batch_is_torchs_empty_batch(
    mine: nn.Module, torchs: nn.Module, shape: tuple[int, ...], is_training: bool
) -> None:
    """Batch norm refused one in training, as a single value a channel."""
    found = []
    for layer in (mine.train(is_training), torchs.train(is_training)):
        layer.zero_grad()
        images = torch.zeros(shape, requires_grad=True)
        outputs = layer(images)
        outputs.sum().backward()
        gradients = [one.grad.abs().sum() for one in layer.parameters() if one.grad is not None]
        buffers = [one.clone() for one in layer.buffers()]
        found.append((outputs.shape, images.grad.shape, gradients, [one.tolist() for one in buffers]))
    assert found[0] == found[1]
