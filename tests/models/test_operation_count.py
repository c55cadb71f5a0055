"""Counted operations against arithmetic done by hand, forward and backward."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from loupe.models import build_model
from loupe.models.layer_table import describe_layers
from loupe.models.operation_count import OperationCounter

small = st.integers(1, 3)


def count(module: nn.Module, values: Tensor, *, wants_input: bool = True) -> tuple[int, int]:
    """Return the operations of the forward and of the backward pass."""
    values = values.requires_grad_(wants_input)
    forward, backward = OperationCounter(), OperationCounter()
    with forward:
        outputs = module(values)
        outputs = outputs[0] if isinstance(outputs, tuple) else outputs
    with backward:
        outputs.sum().backward()
    return forward.get_total_flops(), backward.get_total_flops()


@settings(max_examples=60, deadline=None)
@given(
    batch=small,
    groups=st.integers(1, 4),
    inputs=small,
    outputs=small,
    kernel=st.tuples(small, small),
    stride=small,
    padding=st.integers(0, 2),
    dilation=st.integers(1, 2),
    transposed=st.booleans(),
    wants_input=st.booleans(),
    device=st.sampled_from(["cpu", "meta"]),
)
def test_a_convolution_and_its_gradients_are_counted_as_by_hand(
    batch: int,
    groups: int,
    inputs: int,
    outputs: int,
    kernel: tuple[int, int],
    stride: int,
    padding: int,
    dilation: int,
    transposed: bool,
    wants_input: bool,
    device: str,
) -> None:
    """Each output place (input place, transposed) of each channel: one group's channels times the kernel."""
    kind = nn.ConvTranspose2d if transposed else nn.Conv2d
    layer = kind(groups * inputs, groups * outputs, kernel, stride, padding, groups=groups, dilation=dilation)
    images = torch.zeros(batch, groups * inputs, 9, 8, device=device)
    layer = layer.to(device)
    height, width = layer(images).shape[2:]
    places = 9 * 8 if transposed else height * width
    by_hand = 2 * batch * places * groups * inputs * outputs * kernel[0] * kernel[1]
    assert count(layer, images, wants_input=wants_input) == (by_hand, by_hand * (2 if wants_input else 1))


def test_a_depthwise_convolution_costs_twice_as_much_backward() -> None:
    layer = nn.Conv2d(320, 320, 3, padding=1, groups=320)
    by_hand = 2 * 4 * 320 * 8 * 8 * 9
    assert count(layer, torch.zeros(4, 320, 8, 8)) == (by_hand, 2 * by_hand)


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_attention_is_counted_as_by_hand_wherever_it_runs(device: str) -> None:
    """Scores and weighted sums: two products of tokens x tokens x features for each head."""

    class Attention(nn.Module):
        def forward(self, values: Tensor) -> Tensor:
            return F.scaled_dot_product_attention(values, values, values)

    by_hand = 2 * 2 * (5 * 3 * 20 * 20 * 8)
    assert count(Attention(), torch.zeros(5, 3, 20, 8, device=device)) == (by_hand, 2 * by_hand)


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_a_recurrent_layer_is_counted_forward_as_by_hand(device: str) -> None:
    layer = nn.LSTM(8, 16, num_layers=2, bidirectional=True).to(device)
    steps_and_batch, gates = 5 * 2, 4 * 16
    first, second = 2 * gates * (8 + 16), 2 * gates * (32 + 16)  # of both directions
    with OperationCounter() as counter, torch.no_grad():
        layer(torch.zeros(5, 2, 8, device=device))
    assert counter.get_total_flops() == 2 * steps_and_batch * (first + second)


def test_products_with_vectors_are_counted_as_by_hand() -> None:
    matrix, vector, many = torch.zeros(4, 6), torch.zeros(6), torch.zeros(3, 5, 7)
    for call, by_hand in (
        (lambda: matrix @ vector, 2 * 4 * 6),
        (lambda: vector @ vector, 2 * 6),
        (lambda: torch.addmv(torch.zeros(4), matrix, vector), 2 * 4 * 6),
        (lambda: torch.addbmm(torch.zeros(5, 5), many, many.mT), 2 * 3 * 5 * 7 * 5),
        (lambda: torch.einsum("bij,bkj->bik", many, many), 2 * 3 * 5 * 7 * 5),
        (lambda: torch.pdist(matrix), 2 * (4 * 3 // 2) * 6),
    ):
        with OperationCounter() as counter:
            call()
        assert counter.get_total_flops() == by_hand


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_a_bilinear_layer_is_counted_as_by_hand(device: str) -> None:
    """A matrix of inputs x other inputs for each output."""
    layer = nn.Bilinear(4, 5, 6).to(device)
    with OperationCounter() as counter, torch.no_grad():
        layer(torch.zeros(3, 2, 4, device=device), torch.zeros(3, 2, 5, device=device))
    assert counter.get_total_flops() == 2 * (3 * 2) * 6 * 4 * 5


@pytest.mark.parametrize("power", [1.0, 2.0])
@pytest.mark.parametrize("rows", [3, 40])  # many rows are multiplied as matrices
def test_distances_are_counted_as_by_hand(power: float, rows: int) -> None:
    class Distances(nn.Module):
        def forward(self, values: Tensor) -> Tensor:
            return torch.cdist(values, torch.ones(2, 30, 7), p=power)

    forward, backward = count(Distances(), torch.rand(2, rows, 7))
    assert forward == 2 * 2 * rows * 30 * 7
    assert backward == forward * (
        2 if power == 2 else 1
    )  # of Euclidean ones torch takes both sides' gradients


def test_a_network_s_total_holds_what_is_done_between_layers() -> None:
    network = build_model(
        "vision-transformer", in_channels=3, image_size=(32, 32), num_classes=10, width=24, heads=3, depth=2
    )
    table = describe_layers(network, in_channels=3, image_size=(32, 32))
    tokens = 8 * 8 + 1
    attention = 2 * (2 * tokens * tokens * 24)
    assert table.multiply_adds == sum(row.multiply_adds for row in table.rows) + attention
    assert table.outside == attention


@pytest.mark.parametrize(("mixing", "convolutions"), [("maps", 4), ("kernels", 1)])
def test_an_expert_net_is_counted_by_the_way_it_mixes(mixing: str, convolutions: int) -> None:
    """Mixed kernels are convolved once, whatever the number of experts."""
    settings = {"blocks": 2, "experts": 4, "width": 8, "mixing": mixing}
    network = build_model("expert-net", in_channels=3, image_size=(8, 8), num_classes=10, **settings)
    table = describe_layers(network, in_channels=3, image_size=(8, 8))
    one, kernels = 8 * 8 * 9 * 8 * 8, 4 * 9 * 8 * 8
    # kernels and biases of one image are mixed by products; maps are not
    block = convolutions * one + (kernels + 4 * 8 if mixing == "kernels" else 0)
    rows = {row.name: row.multiply_adds for row in table.rows}
    assert rows["block1.experts"] == rows["block2.experts"] == block
    assert table.multiply_adds == sum(rows.values())


def test_a_cnn_s_layers_are_counted_one_by_one() -> None:
    """Its first convolution and pooling run as one, with kernels that are larger by zeros."""
    network = build_model("cnn", in_channels=1, image_size=(28, 28), num_classes=5)
    table = describe_layers(network, in_channels=1, image_size=(28, 28))
    assert {row.name: row.multiply_adds for row in table.rows}["conv1"] == 24 * 24 * 6 * 25
    assert table.multiply_adds == sum(row.multiply_adds for row in table.rows)


def test_a_block_that_torch_runs_as_one_call_is_counted() -> None:
    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.block = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True)

        def forward(self, images: Tensor) -> Tensor:
            outputs: Tensor = self.block(images.flatten(2))
            return outputs.mean(1)

    table = describe_layers(Network(), in_channels=10, image_size=(4, 4))
    tokens, width, hidden = 10, 16, 32
    products = tokens * width * 3 * width + tokens * width * width + 2 * tokens * width * hidden
    assert table.multiply_adds == products + 2 * tokens * tokens * width
    assert torch.backends.mha.get_fastpath_enabled()


class MergedAtTheRoot(nn.Module):
    """Runs two convolutions as one where nobody watches them, beside a layer that is never used."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = (nn.Conv2d(3, 8, 3, padding=1, bias=False) for _ in range(2))
        self.unused = nn.Linear(8, 5)
        self.head = nn.Linear(8, 10)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        if self.first._forward_hooks:
            maps = self.first(images) + self.second(images)
        else:
            maps = F.conv2d(images, self.first.weight + self.second.weight, padding=1)
        result: torch.Tensor = self.head(maps.mean((2, 3)))
        return result


def test_layers_that_the_root_runs_as_one_share_what_it_took() -> None:
    table = describe_layers(MergedAtTheRoot(), in_channels=3, image_size=(8, 8))
    by_name = {row.name: row.multiply_adds for row in table.rows}
    once = 8 * 8 * 8 * 3 * 9
    assert by_name["first"] == by_name["second"] == once // 2
    assert by_name["head"] == 80
    assert by_name.get("unused", 0) == 0
    assert table.multiply_adds == once + 80
