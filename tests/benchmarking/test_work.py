"""Counted work against counts by hand."""

import pytest
import torch

from loupe.benchmarking.work import count_work
from loupe.benchmarking.yardsticks import prepare_operation
from loupe.models import build_model, objective_of
from loupe.recipe import list_recipes
from loupe.running.describe_network import find_shapes
from loupe.running.network import build_network
from loupe.running.prepare import load_recipe
from loupe.training import Classification, Reconstruction


def test_an_mlp_is_counted_as_by_hand() -> None:
    """Forward 2 x inputs x outputs a layer; backward twice that, but no gradient of the images."""
    mlp = build_model("mlp", in_channels=1, image_size=(8, 8), num_classes=10, widths=[24])
    work = count_work(mlp, Classification(), batch_size=4, image_shape=(1, 8, 8))
    first, last = 2 * 64 * 24, 2 * 24 * 10
    assert work.forward == first + last
    assert work.backward == first + 2 * last
    assert work.largest is not None
    assert work.largest.flops == 4 * first
    assert work.largest.name == "matrix product 4x64 with 64x24"


def test_a_cnn_is_counted_as_by_hand() -> None:
    cnn = build_model("cnn", in_channels=1, image_size=(28, 28), num_classes=5)
    work = count_work(cnn, Classification(), batch_size=8, image_shape=(1, 28, 28))
    parameters = {name: tuple(tensor.shape) for name, tensor in cnn.named_parameters()}
    by_hand = {
        "conv1": 2 * 24 * 24 * 6 * 1 * 5 * 5,
        "conv2": 2 * 8 * 8 * 12 * 6 * 5 * 5,
        **{
            name.removesuffix(".weight"): 2 * shape[0] * shape[1]
            for name, shape in parameters.items()
            if len(shape) == 2
        },
    }
    assert parameters["conv1.weight"] == (6, 1, 5, 5)
    assert parameters["conv2.weight"] == (12, 6, 5, 5)
    assert work.forward == sum(by_hand.values())
    assert work.backward == 2 * sum(by_hand.values()) - by_hand["conv1"]
    assert work.step == work.forward + work.backward


def test_experts_whose_kernels_are_mixed_cost_three_times_the_forward_pass_a_step() -> None:
    """One grouped convolution a batch: its weights' gradient is no dearer for the groups."""
    network = build_model(
        "expert-net", in_channels=3, image_size=(8, 8), num_classes=10, blocks=2, width=8, mixing="kernels"
    )
    work = count_work(network, Classification(), batch_size=16, image_shape=(3, 8, 8))
    stem = 2 * 8 * 8 * 9 * 3 * 8
    convolution, kernels, biases, gate = (
        2 * 8 * 8 * 9 * 8 * 8,
        2 * 2 * 9 * 8 * 8,
        2 * 2 * 8,
        2 * (8 * 2 + 2 * 2),
    )
    assert work.forward == stem + 2 * (convolution + kernels + biases + gate) + 2 * 8 * 10
    assert work.backward == 2 * work.forward - stem


def test_counting_leaves_the_network_as_it_was() -> None:
    cnn = build_model("cnn", in_channels=1, image_size=(28, 28), num_classes=5).eval()
    count_work(cnn, Classification(), batch_size=2, image_shape=(1, 28, 28))
    assert not cnn.training
    assert {parameter.device.type for parameter in cnn.parameters()} == {"cpu"}
    assert all(parameter.grad is None for parameter in cnn.parameters())


@pytest.mark.parametrize("name", list_recipes())
def test_every_packaged_recipe_can_be_counted(name: str) -> None:
    recipe = load_recipe(name, ["transfer=none"])
    shape, num_classes = find_shapes(recipe)
    model = build_network(
        recipe, in_channels=shape[0], image_size=(shape[1], shape[2]), num_classes=num_classes
    ).model
    objective = Classification() if objective_of(recipe.model.name) == "classification" else Reconstruction()
    work = count_work(model, objective, batch_size=2, image_shape=shape)
    assert 0 < work.forward < work.backward <= 2 * work.forward
    assert work.largest is not None
    assert 0 < work.largest.flops <= 2 * work.forward


@pytest.mark.parametrize(("model", "shape"), [("cnn", (1, 28, 28)), ("mlp", (1, 8, 8))])
def test_the_largest_operation_can_be_done_alone(model: str, shape: tuple[int, int, int]) -> None:
    network = build_model(model, in_channels=1, image_size=shape[1:], num_classes=5)
    work = count_work(network, Classification(), batch_size=3, image_shape=shape)
    assert work.largest is not None
    for precision, dtype in (("float32", torch.float32), ("bfloat16", torch.bfloat16)):
        result = prepare_operation(work.largest, torch.device("cpu"), precision)()
        assert result.shape[0] == 3
        assert result.dtype == dtype
