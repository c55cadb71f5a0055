"""Right layers pass, and each fault is found by the check that is there for it, in its smallest case."""

import functools
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import loupe
from loupe.conformance import LayerReport, Verdict, list_layer_kinds
from loupe.conformance.kinds import LAYER_KINDS, attention
from loupe.errors import LoupeError
from loupe.models.layers import handwritten

from . import faulty_layers as faulty
from . import right_layers as right

pytestmark = pytest.mark.thorough

TORCHS: dict[str, Callable[..., nn.Module]] = {
    "conv2d": nn.Conv2d,
    "linear": nn.Linear,
    "max-pool2d": nn.MaxPool2d,
    "avg-pool2d": nn.AvgPool2d,
    "global-avg-pool": lambda: nn.AdaptiveAvgPool2d(1),
    "batch-norm": nn.BatchNorm2d,
    "relu": nn.ReLU,
    "dropout": nn.Dropout,
    "cross-entropy": nn.CrossEntropyLoss,
    "conv-transpose2d": nn.ConvTranspose2d,
    "group-norm": nn.GroupNorm,
    "layer-norm": nn.LayerNorm,
    "attention": attention._SelfAttention,
}
OURS: dict[str, Callable[..., nn.Module]] = {
    "conv2d": handwritten.Conv2d,
    "linear": handwritten.Linear,
    "max-pool2d": handwritten.MaxPool2d,
    "avg-pool2d": handwritten.AvgPool2d,
    "global-avg-pool": handwritten.GlobalAvgPool,
    "batch-norm": handwritten.BatchNorm,
    "relu": handwritten.ReLU,
    "dropout": handwritten.Dropout,
    "cross-entropy": handwritten.CrossEntropy,
    "conv-transpose2d": right.ConvTranspose2d,
    "group-norm": right.GroupNorm,
    "layer-norm": right.LayerNorm,
    "attention": right.Attention,
}
NOT_OFFERED = {
    ("torch", "batch-norm"): {"input of (batch, features)"},
    ("ours", "avg-pool2d"): {"argument count_include_pad"},
}


@functools.cache  # some layers are looked at for several faults
def check(layer: Callable[..., object], kind: str, num_examples: int = 20) -> LayerReport:
    return loupe.check_layer(layer, kind, num_examples=num_examples)


@pytest.mark.parametrize("kind", LAYER_KINDS.names())
@pytest.mark.parametrize("whose", ["torch", "ours"])
def test_right_layers_pass_every_check(whose: str, kind: str) -> None:
    layers = TORCHS if whose == "torch" else OURS
    report = check(layers[kind], kind)
    others = {result.name: result for result in report.results if result.verdict is not Verdict.PASSED}
    assert others.keys() == NOT_OFFERED.get((whose, kind), set()), others
    assert all(result.verdict is Verdict.NOT_OFFERED for result in others.values())
    assert report.is_passed
    assert len({result.name for result in report.results}) == len(report.results), "a name occurs twice"


@pytest.mark.parametrize(
    ("layer", "kind", "failing", "explanation"),
    [
        (faulty.BiasOnPositions, "conv2d", "as many positions as filters", "added along the positions"),
        (faulty.BiasOnPositions, "conv2d", "output", "it raises"),
        (
            faulty.ExchangedPair,
            "conv2d",
            "stride of rows and of columns that differ",
            "height and width are exchanged in the stride",
        ),
        (
            faulty.ExchangedPadding,
            "conv2d",
            "padding of rows and of columns that differ",
            "height and width are exchanged in the padding",
        ),
        (
            faulty.ExchangedDilation,
            "conv2d",
            "dilation of rows and of columns that differ",
            "height and width are exchanged in the dilation",
        ),
        (
            faulty.ExchangedPoolStride,
            "max-pool2d",
            "stride of rows and of columns that differ",
            "shape",
        ),
        (faulty.SeedInConstructor, "conv2d", "random generators left alone", "the constructor seeds torch"),
        (faulty.SeedInConstructor, "conv2d", "two layers start differently", "both have the same weights"),
        (faulty.NumpySeedInForward, "relu", "random generators left alone", "forward seeds numpy"),
        (faulty.UnbiasedNorm, "batch-norm", "output in training", "unbiased variance"),
        (faulty.PlainStatisticsNorm, "batch-norm", "state dict", "running_var is a plain tensor"),
        (faulty.PlainStatisticsNorm, "batch-norm", "saving and loading", "not saved: self.running_mean"),
        (faulty.PlainStatisticsNorm, "batch-norm", "double precision", "stays behind: self.running_mean"),
        (faulty.PlainStatisticsNorm, "batch-norm", "another device", "stays behind: self.running_mean"),
        (faulty.GradModeNorm, "batch-norm", "training mode without gradients", "ask self.training"),
        (faulty.GradModeNorm, "batch-norm", "evaluation mode with gradients", "ask self.training"),
        (faulty.StoresSdNorm, "batch-norm", "running variance", "the standard deviation is stored"),
        (faulty.StoresSdNorm, "batch-norm", "output in evaluation", "as if it were a standard deviation"),
        (faulty.OppositeMomentumNorm, "batch-norm", "running mean", "momentum is the wrong way round"),
        (faulty.OppositeMomentumNorm, "batch-norm", "running variance", "momentum is the wrong way round"),
        (faulty.CourseworkNorm, "batch-norm", "output in training", "unbiased variance"),
        (
            faulty.CourseworkNorm,
            "batch-norm",
            "running variance",
            "is stored; torch stores the variance; mom",
        ),
        (faulty.CourseworkNorm, "batch-norm", "state dict", "weight: called gamma here"),
        (faulty.BiasedRunningVarianceNorm, "batch-norm", "running variance", "the biased variance is stored"),
        (faulty.EpsOutsideNorm, "batch-norm", "values close together", "eps stands outside the root"),
        (faulty.UntidyLinear, "linear", "source code", "write `self.bias is not None`"),
        (faulty.UntidyLinear, "linear", "source code", "`out += self.bias` writes in place into a view"),
        (faulty.UntidyLinear, "linear", "source code", "never reached"),
        (faulty.TransposedUse, "linear", "output", "the weight is used the other way round"),
        (faulty.InByOutLinear, "linear", "state dict", "weight: stored transposed, (3, 5); torch stores"),
        (faulty.OwnNamesLinear, "linear", "constructor", "inputs where torch has in_features"),
        (faulty.OwnNamesLinear, "linear", "state dict", "weight: called theta here"),
        (faulty.DetachedLinear, "linear", "gradient of the input", "detach"),
        (faulty.CrashingLinear, "linear", "output", "it raises"),
        (faulty.BrokenConstructor, "linear", "constructor", "it raises"),
        (faulty.FlippedConv, "conv2d", "output", "the kernel is flipped"),
        (faulty.IgnoresDilation, "conv2d", "argument dilation", "the shape is another"),
        (faulty.ZeroPaddedMaxPool, "max-pool2d", "argument padding", "it should be -inf"),
        (faulty.BorderBlindAvgPool, "avg-pool2d", "argument padding", "not counted at the border"),
        (faulty.UnscaledDropout, "dropout", "survivors scaled", "divided by 1 - p"),
        (faulty.KeptShareDropout, "dropout", "share dropped", "taken as the share that is kept"),
        (faulty.NumpyDropout, "dropout", "follows torch.manual_seed", "not numpy"),
        (faulty.GradModeDropout, "dropout", "training mode without gradients", "ask self.training"),
        (faulty.OverflowingCrossEntropy, "cross-entropy", "logits of ±10,000", "log-sum-exp"),
        (faulty.SummedCrossEntropy, "cross-entropy", "output", "the default is their mean"),
        (faulty.InPlaceReLU, "relu", "input left as it was", "it writes into its input"),
        (faulty.InPlaceReLU, "relu", "source code", "writes in place into the input"),
        (faulty.LeakyReLU, "relu", "output", ""),
        (right.FlippedTranspose, "conv-transpose2d", "output", "the kernel is flipped"),
        (
            right.ExchangedTransposeStride,
            "conv-transpose2d",
            "stride of rows and of columns that differ",
            "height and width are exchanged in the stride",
        ),
        (
            right.EmptyOutputPadding,
            "conv-transpose2d",
            "output padding of rows and of columns that differ",
            "are left empty",
        ),
        (
            right.OutByInTranspose,
            "conv-transpose2d",
            "as many channels in as out",
            "axes of the weight are exchanged",
        ),
        (right.InterleavedGroups, "group-norm", "output in training", "the groups are interleaved"),
        (right.BatchWideGroups, "group-norm", "output in training", "normalised over the batch too"),
        (right.UnbiasedGroups, "group-norm", "output in training", "unbiased variance"),
        (right.EpsOutsideGroups, "group-norm", "values close together", "eps stands outside the root"),
        (right.LastAxisLayerNorm, "layer-norm", "a shape of several axes", "over the last axis alone"),
        (right.BatchLayerNorm, "layer-norm", "output in training", "normalised over the batch"),
        (right.UnbiasedLayerNorm, "layer-norm", "output in training", "unbiased variance"),
        (right.UnscaledAttention, "attention", "output in training", "not divided by the root"),
        (right.WrongRootAttention, "attention", "output in training", "it is the size of one head"),
        (right.QuerySoftmaxAttention, "attention", "output in training", "the softmax goes over the queries"),
        (right.ExchangedAttention, "attention", "output in training", "keys and queries are exchanged"),
        (right.InterleavedAttention, "attention", "output in training", "the heads are taken apart wrongly"),
        (right.UnprojectedAttention, "attention", "output in training", "the last projection is left out"),
        (right.BatchSecondAttention, "attention", "output in training", "attend to those of other images"),
    ],
)
def test_a_fault_is_found_and_named(
    layer: type[nn.Module], kind: str, failing: str, explanation: str
) -> None:
    result = check(layer, kind)[failing]
    assert result.verdict is Verdict.FAILED
    assert explanation in result.explanation


@pytest.mark.parametrize(
    ("layer", "kind", "failing", "construction", "shapes"),
    [
        (
            faulty.BiasOnPositions,
            "conv2d",
            "as many positions as filters",
            "BiasOnPositions(in_channels=1, out_channels=2, kernel_size=1)",
            ((1, 1, 1, 2),),
        ),
        (
            faulty.UnbiasedNorm,
            "batch-norm",
            "output in training",
            "UnbiasedNorm(num_features=1)",
            ((1, 1, 1, 2),),
        ),
        (
            faulty.OppositeMomentumNorm,
            "batch-norm",
            "running mean",
            "OppositeMomentumNorm(num_features=1)",
            ((1, 1, 1, 2),),
        ),
        (faulty.TransposedUse, "linear", "output", "TransposedUse(in_features=2, out_features=2)", ((1, 2),)),
        (
            faulty.CrashingLinear,
            "linear",
            "output",
            "CrashingLinear(in_features=1, out_features=1)",
            ((3, 1),),
        ),
        (
            faulty.IgnoresDilation,
            "conv2d",
            "argument dilation",
            "IgnoresDilation(in_channels=1, out_channels=1, kernel_size=2, dilation=2)",
            ((1, 1, 3, 3),),
        ),
    ],
)
def test_the_failing_case_is_the_smallest(
    layer: type[nn.Module], kind: str, failing: str, construction: str, shapes: tuple[tuple[int, ...], ...]
) -> None:
    case = check(layer, kind)[failing].case
    assert case is not None
    assert case.construction == construction
    assert case.shapes == shapes


def test_what_is_right_about_a_faulty_layer_passes() -> None:
    failures = {
        (faulty.UntidyLinear, "linear"): ["source code"],
        (faulty.InByOutLinear, "linear"): ["state dict"],
        (faulty.GradModeNorm, "batch-norm"): [
            "training mode without gradients",
            "evaluation mode with gradients",
        ],
        (faulty.OppositeMomentumNorm, "batch-norm"): ["running mean", "running variance"],
        (faulty.ZeroPaddedMaxPool, "max-pool2d"): ["argument padding"],
        (faulty.OverflowingCrossEntropy, "cross-entropy"): ["logits of ±10,000"],
        (faulty.CrashingLinear, "linear"): ["output"],
    }
    for key, names in failures.items():
        report = check(*key)
        assert [result.name for result in report.failures] == names


def test_the_coursework_figure_comes_out() -> None:
    """D-002-3: -.5240 where torch gives -.5412, on one image of 2 x 4 x 4: √(15 / 16) between them."""
    images = torch.randn(1, 2, 4, 4, generator=torch.Generator().manual_seed(10))
    ratio = faulty.UnbiasedNorm(2)(images) / nn.BatchNorm2d(2)(images)
    assert torch.allclose(ratio, torch.tensor(0.5240 / 0.5412), atol=1e-4)


def test_an_exception_is_one_line_with_its_place_in_the_file() -> None:
    case = check(faulty.CrashingLinear, "linear")["output"].case
    assert case is not None
    lines = Path(faulty.__file__).read_text().splitlines()
    number = next(index for index, line in enumerate(lines, 1) if "no idea" in line)
    assert case.got == f"KeyError: 'no idea' (faulty_layers.py, line {number})"


def test_a_function_that_makes_the_layer_will_do() -> None:
    assert check(faulty.make_linear, "linear").is_passed


def test_a_layer_that_is_built_already_is_refused() -> None:
    with pytest.raises(LoupeError, match="got: an object of type Linear"):
        loupe.check_layer(nn.Linear(3, 5), "linear")


def test_a_wrong_argument_does_not_hide_the_gradients() -> None:
    report = check(faulty.IgnoresDilation, "conv2d")
    assert [result.name for result in report.failures] == ["argument dilation"]
    not_checked = [result.name for result in report.results if result.verdict is Verdict.NOT_CHECKED]
    assert not_checked == ["dilation of rows and of columns that differ"]


def test_the_caller_notices_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty").mkdir()
    before = (
        torch.get_rng_state(),
        random.getstate(),
        np.random.get_state()[1].copy(),
        torch.get_num_threads(),
    )
    with torch.no_grad():
        for layer in (faulty.SeedInConstructor, faulty.LeakyReLU, faulty.NumpySeedInForward):
            check(layer, "conv2d" if layer is faulty.SeedInConstructor else "relu", num_examples=5)
        assert not torch.is_grad_enabled()
    assert torch.equal(torch.get_rng_state(), before[0])
    assert random.getstate() == before[1]
    assert (np.random.get_state()[1] == before[2]).all()
    assert torch.get_num_threads() == before[3]
    assert capsys.readouterr().out == ""


def test_the_same_layer_gives_the_same_report() -> None:
    assert check(faulty.UnbiasedNorm, "batch-norm", 10) == check.__wrapped__(
        faulty.UnbiasedNorm, "batch-norm", 10
    )


def test_every_kind_has_a_line_and_a_layer_of_ours() -> None:
    kinds = list_layer_kinds()
    assert kinds.keys() == TORCHS.keys() == OURS.keys()
    assert all("as torch.nn." in line for line in kinds.values())
