"""Formulas of sizes, parameters and work come out at what torch does; receptive fields at what is seen."""

import re

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from loupe.inspection import find_receptive_field
from loupe.models import build_model
from loupe.models.layer_rules import describe_rule, read_geometry
from loupe.models.layer_table import LayerRow, describe_layers
from loupe.models.layers import handwritten

from .buildable import MODEL_NAMES

small = st.integers(1, 3)
SMALL = {
    "expert-net": {"blocks": 2, "width": 8},
    "fast-net": {"widths": (8, 12)},
    "resnet": {"depth": 20},
    "six-block": {"width": 0.1},
    "mobile-net": {"width": 0.1},
    "vision-transformer": {"width": 24, "depth": 1},
}


def evaluate(formula: str) -> int:
    """Return what the left side of a formula comes to, worked out by Python."""
    left = formula.rpartition(" = ")[0]
    left = re.sub(r"\b(output places|input places|channels|weights|tokens|scales|shifts|filters)\b", "", left)
    for sign, python in (("·", "*"), ("×", "*"), ("−", "-"), ("⌊", "math.floor("), ("⌋", ")"),
                         ("⌈", "math.ceil("), ("⌉", ")"), (",", "")):  # fmt: skip
        left = left.replace(sign, python)
    return int(eval(left, {"math": __import__("math")}))


def describe(module: nn.Module, shape: tuple[int, ...]) -> LayerRow:
    (row,) = describe_layers(
        nn.Sequential(module), in_channels=shape[0], image_size=(shape[1], shape[2])
    ).rows
    return row


def check(row: LayerRow, axis: int = -1) -> None:
    assert row.rule.size.endswith(f"= {row.output_shape[axis]}"), row
    assert evaluate(row.rule.size.rpartition("columns ")[2]) == row.output_shape[axis]


@settings(max_examples=60, deadline=None)
@given(
    kernel=small, stride=small, padding=st.integers(0, 2), dilation=small, groups=st.sampled_from([1, 2]),
    bias=st.booleans(), size=st.integers(7, 13), transposed=st.booleans(),
)  # fmt: skip
def test_formulas_of_convolutions_are_what_torch_does(
    kernel: int,
    stride: int,
    padding: int,
    dilation: int,
    groups: int,
    bias: bool,
    size: int,
    transposed: bool,
) -> None:
    layer = nn.ConvTranspose2d if transposed else nn.Conv2d
    row = describe(
        layer(4, 6, kernel, stride, padding, dilation=dilation, groups=groups, bias=bias), (4, size, size)
    )
    check(row)
    assert evaluate(row.rule.parameters) == row.parameters
    assert evaluate(row.rule.multiply_adds) == row.multiply_adds > 0
    assert dict(row.rule.settings)["kernel"] == str(kernel)
    assert dict(row.rule.settings)["groups"].startswith(str(groups))


@settings(max_examples=60, deadline=None)
@given(
    kernel=st.integers(2, 4), stride=small, padding=st.integers(0, 1), size=st.integers(6, 13),
    rounds_up=st.booleans(), kind=st.sampled_from([nn.MaxPool2d, nn.AvgPool2d]),
)  # fmt: skip
def test_formulas_of_poolings_are_what_torch_does(
    kernel: int, stride: int, padding: int, size: int, rounds_up: bool, kind: type[nn.Module]
) -> None:
    row = describe(kind(kernel, stride, padding, ceil_mode=rounds_up), (2, size, size))
    geometry = read_geometry(kind(kernel, stride, padding, ceil_mode=rounds_up))
    assert geometry is not None
    assert geometry.find_size(size, 0) == row.output_shape[1]
    assert row.rule.size.endswith(f"= {row.output_shape[1]}")
    assert row.parameters == 0
    assert row.rule.parameters == ""


def test_a_formula_as_in_a_book() -> None:
    row = describe(nn.Conv2d(16, 32, 3, padding=1), (16, 28, 28))
    assert row.rule.size == "(28 + 2·1 − 3)/1 + 1 = 28"
    assert row.rule.parameters == "3·3·16·32 + 32 = 4,640"
    assert row.rule.multiply_adds == "28·28 output places × 32 channels × 3·3·16 weights = 3,612,672"
    assert row.receptive_field == "3 × 3 pixels: 1 + (3 − 1)·1 = 3"
    assert row.input_shape == (16, 28, 28)


def test_rows_and_columns_may_differ() -> None:
    row = describe(nn.Conv2d(1, 2, (3, 5), stride=(1, 2), padding=(1, 0)), (1, 8, 9))
    assert row.rule.size == "rows (8 + 2·1 − 3)/1 + 1 = 8; columns (9 + 2·0 − 5)/2 + 1 = 3"
    assert row.receptive_field == "3 × 5 pixels: rows 1 + (3 − 1)·1 = 3; columns 1 + (5 − 1)·1 = 5"


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        (handwritten.Conv2d(3, 4, 3, padding=1), nn.Conv2d(3, 4, 3, padding=1)),
        (handwritten.MaxPool2d(2), nn.MaxPool2d(2)),
        (handwritten.AvgPool2d(3, 2, 1), nn.AvgPool2d(3, 2, 1)),
        (handwritten.BatchNorm(3), nn.BatchNorm2d(3)),
    ],
    ids=lambda module: type(module).__name__,
)
def test_layers_written_by_hand_are_read_like_torchs_own(module: nn.Module, expected: nn.Module) -> None:
    ours, torchs = describe(module, (3, 8, 8)), describe(expected, (3, 8, 8))
    assert ours.rule.size == torchs.rule.size != ""
    assert ours.rule.parameters == torchs.rule.parameters
    assert ours.receptive_field == torchs.receptive_field != ""


class OwnConv(nn.Module):
    """A user's own layer that has a kernel's names and does something else with them."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(2, 1, 3, 3))
        self.kernel_size, self.stride, self.padding = 3, 1, 1

    def forward(self, maps: Tensor) -> Tensor:
        return maps.repeat(1, 2, 1, 1)[:, :, ::2]


class Odd(nn.Module):
    def forward(self, maps: Tensor) -> Tensor:
        return maps.sum((2, 3))[:, None]


class Lying(nn.Conv2d):
    """A convolution that crops what it makes, whatever its settings promise."""

    def forward(self, maps: Tensor) -> Tensor:
        return super().forward(maps)[:, :, 1:-1, 1:-1]


@pytest.mark.parametrize(
    "module", [OwnConv(), Odd(), Lying(1, 2, 3, padding=1)], ids=lambda m: type(m).__name__
)
def test_of_a_layer_that_does_otherwise_no_formula_is_shown(module: nn.Module) -> None:
    row = describe(module, (1, 8, 8))
    assert row.rule.size == ""
    assert row.rule.multiply_adds == ""


NARROW = {"cnn": {}, "resnet": {"depth": 18}, "fast-net": {"widths": [4, 8, 8]}}


@pytest.mark.parametrize("name", ["cnn", pytest.param("resnet", marks=pytest.mark.thorough), "fast-net"])
def test_receptive_fields_are_those_that_are_measured(name: str) -> None:
    model = build_model(name, in_channels=1, image_size=(64, 64), num_classes=3, **NARROW[name])
    found = 0
    for row in describe_layers(model, in_channels=1, image_size=(64, 64)).rows:
        said = re.match(r"(\d+) × (\d+) pixels", row.receptive_field)
        if said is None or max(map(int, said.groups())) > 40 or len(row.output_shape) != 3:
            continue
        middle = row.output_shape[1] // 2
        field = find_receptive_field(model, (1, 64, 64), row.name, middle, middle)
        measured = field.last_row - field.first_row + 1, field.last_column - field.first_column + 1
        assert measured == tuple(map(int, said.groups())), row.name
        found += 1
        if found == 6:
            break
    assert found >= 5


@pytest.mark.parametrize("name", MODEL_NAMES)
def test_every_layer_of_every_network_says_what_it_can(name: str) -> None:
    settings = SMALL.get(name, {})
    model = build_model(name, in_channels=3, image_size=(32, 32), num_classes=4, **settings)
    for row in describe_layers(model, in_channels=3, image_size=(32, 32)).rows:
        if row.kind in ("Conv2d", "Linear", "BatchNorm2d") and row.parameters:
            assert row.rule.parameters.endswith(f"= {row.parameters:,}") or row.kind == "BatchNorm2d", row
        if row.kind in (
            "Conv2d",
            "ConvTranspose2d",
            "MaxPool2d",
            "Flatten",
            "ReLU",
            "Dropout",
            "BatchNorm2d",
        ):
            assert row.rule.size, row


def test_an_unknown_input_is_no_mistake() -> None:
    rule = describe_rule(nn.Identity(), None, (3,), 0, 0)
    assert rule.size == ""
