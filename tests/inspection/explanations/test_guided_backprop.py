import pytest
import torch
import torch.nn.functional as F
from captum.attr import GuidedBackprop
from torch import Tensor, nn

from loupe.errors import LoupeError
from loupe.inspection import explain
from tests.inspection.explanations.networks import Plain, make_images, make_network


def test_two_layers_by_hand() -> None:
    """One hidden unit each: active with a rise, active with a fall, at rest; only the first may pass."""
    model = nn.Sequential(nn.Flatten(), nn.Linear(2, 3, bias=False), nn.ReLU(), nn.Linear(3, 2, bias=False))
    with torch.no_grad():
        model[1].weight.copy_(torch.tensor([[1.0, -2.0], [3.0, 1.0], [-1.0, 0.0]]))
        model[3].weight.copy_(torch.tensor([[2.0, -5.0, 7.0], [0.0, 0.0, 0.0]]))
    image = torch.tensor([[[[4.0, 1.0]]]])  # hidden units: 2, 13, -4
    found = explain(model, image, "guided-backprop", targets=0)
    assert found.maps.tolist() == [[[2.0, -4.0]]]  # 2 * (1, -2); the plain gradient is (-13, -9)


@pytest.mark.parametrize("network", ["cnn", "resnet", "expert-net", "plain"])
def test_equals_relus_with_a_gradient_of_their_own(network: str) -> None:
    """captum works through hooks; here every ReLU is exchanged for one that guides by itself."""
    model = (Plain() if network == "plain" else make_network(network)).double().eval()
    images = make_images().double()
    found = explain(model, images, "guided-backprop")
    for name, module in list(model.named_modules()):
        if isinstance(module, nn.ReLU):
            parent, _, child = name.rpartition(".")
            setattr(model.get_submodule(parent), child, GuidingReLU())
    images.requires_grad_()
    logits = model(images)
    (expected,) = torch.autograd.grad(logits.gather(1, found.targets[:, None]).sum(), images)
    torch.testing.assert_close(found.extras["by_channel"], expected)
    assert expected.abs().max() > 0


class GuidingReLU(nn.Module):
    def forward(self, maps: Tensor) -> Tensor:
        guided: Tensor = _Guided.apply(maps)
        return guided


class _Guided(torch.autograd.Function):
    @staticmethod
    def forward(ctx: torch.autograd.function.FunctionCtx, maps: Tensor) -> Tensor:
        ctx.save_for_backward(maps)
        return maps.relu()

    @staticmethod
    def backward(ctx: torch.autograd.function.FunctionCtx, gradient: Tensor) -> Tensor:
        return gradient.relu() * (ctx.saved_tensors[0] > 0)


class Odd(nn.Module):
    """A network whose ReLUs are written in one of several ways."""

    def __init__(self, way: str) -> None:
        super().__init__()
        self.way = way
        self.dense1, self.dense2, self.head = nn.Linear(9, 8), nn.Linear(8, 8), nn.Linear(8, 2)
        self.relu, self.relu2, self.gelu = nn.ReLU(), nn.ReLU(), nn.GELU()

    def forward(self, images: Tensor) -> Tensor:
        first = self.dense1(images.flatten(1))
        if self.way == "none":
            return self.head(self.gelu(first))
        hidden = self.dense2(self.relu(first))
        if self.way == "shared":
            hidden = hidden + first
        last = {
            "reused": self.relu,
            "functional": F.relu,
            "method": lambda values: values.relu(),
            "clamped": lambda values: values.clamp(min=0),
        }.get(self.way, self.relu2)
        return self.head(last(hidden))


@pytest.mark.parametrize(
    ("way", "got"),
    [
        ("functional", "one outside any module"),
        ("method", "one outside any module"),
        ("clamped", "one outside any module"),
        ("shared", "'relu', whose input is used elsewhere"),
        ("none", "none: the result would be the plain gradient"),
    ],
)
def test_relus_that_cannot_be_guided_are_refused(way: str, got: str) -> None:
    model = Odd(way)
    with pytest.raises(LoupeError, match="does not fit the ReLUs of Odd") as caught:
        explain(model, torch.randn(2, 1, 3, 3), "guided-backprop")
    assert got in str(caught.value.got)
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())


@pytest.mark.parametrize("way", ["reused", "plain"])
def test_one_module_for_two_activations_is_guided_at_both(way: str) -> None:
    torch.manual_seed(0)
    model, images = Odd(way).double(), torch.randn(40, 1, 3, 3, dtype=torch.float64)
    found = explain(model, images, "guided-backprop", targets=0)
    first = model.dense1(images.flatten(1))
    second = model.dense2(first.relu())
    to_second = model.head.weight[0].relu() * (second > 0)
    to_first = (to_second @ model.dense2.weight).relu() * (first > 0)
    torch.testing.assert_close(found.maps.flatten(1), (to_first @ model.dense1.weight).detach())


def test_captum_is_wrong_where_it_is_refused() -> None:
    """If this fails, captum has learned to guide shared inputs, and the refusal can go."""
    torch.manual_seed(0)
    model, images = Odd("shared").double(), torch.randn(40, 1, 3, 3, dtype=torch.float64)
    with pytest.warns(UserWarning, match="backward hooks"):
        captums = GuidedBackprop(model).attribute(images.clone().requires_grad_(), target=0)
    model.relu, model.relu2 = GuidingReLU(), GuidingReLU()
    images.requires_grad_()
    (right,) = torch.autograd.grad(model(images)[:, 0].sum(), images)
    assert not torch.allclose(captums, right)
