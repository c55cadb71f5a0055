import sys
from dataclasses import dataclass, replace

import pytest
import torch
from torch import Tensor, nn

from loupe.errors import LoupeError, ShapeError, UnknownNameError
from loupe.inspection import EXPLANATIONS, Attribution, explain, register_explanation
from loupe.inspection.explanations import describe_map
from loupe.models import MODELS, objective_of
from tests.inspection.explanations.networks import SETTINGS, Plain, make_images, make_network

METHODS = EXPLANATIONS.names()
NETWORKS = [*SETTINGS, "plain"]


def build(name: str, in_channels: int = 1) -> nn.Module:
    return Plain(in_channels) if name == "plain" else make_network(name, in_channels)


def fits(method: str, network: str) -> bool:
    has_no_relu = network in ("fast-net", "mobile-net", "vision-transformer")
    return (method, network) != ("grad-cam", "mlp") and not (method == "guided-backprop" and has_no_relu)


def quick(method: str) -> dict[str, int]:
    return {"occlusion": {"size": 14, "stride": 14}, "integrated-gradients": {"steps": 3}}.get(method, {})


def test_every_classifier_is_among_the_networks() -> None:
    ours = [name for name in MODELS if MODELS.get(name).__module__.startswith("loupe.models")]
    assert {*SETTINGS, "timm"} == {name for name in ours if objective_of(name) == "classification"}
    assert {"grad-cam", "occlusion", "integrated-gradients", "guided-backprop"} <= set(METHODS)


@pytest.mark.parametrize("in_channels", [1, 3])
@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("method", METHODS)
def test_every_method_on_every_network(method: str, network: str, in_channels: int) -> None:
    if not fits(method, network):
        pytest.skip("a network without maps, or without ReLUs")
    model, images = build(network, in_channels).train(), make_images(2, in_channels)
    before, given = {name: one.clone() for name, one in model.state_dict().items()}, images.clone()
    first = next(model.parameters())
    first.requires_grad_(False)
    first_child = next(iter(model.children())).eval()  # as `fit` leaves a frozen layer
    random_state = torch.get_rng_state()

    found = explain(model, images, method, **quick(method))

    assert found.maps.shape == (2, 28, 28)
    assert found.maps.dtype == torch.float32
    assert found.maps.isfinite().all()
    assert found.maps.std((1, 2)).max() > 0
    assert found.is_signed or found.maps.min() >= 0
    assert not found.maps.requires_grad
    assert (found.method, found.is_signed) == (method, EXPLANATIONS.facts(method)["is_signed"])
    logits = model.eval()(images)
    assert torch.equal(found.targets, logits.argmax(1))
    torch.testing.assert_close(found.probabilities, logits.softmax(1).amax(1))
    # an image's map knows nothing of the other images
    alone = explain(model, images[1:2], method, targets=found.targets[1:2], **quick(method))
    torch.testing.assert_close(alone.maps[0], found.maps[1], atol=1e-5, rtol=1e-3)

    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert torch.equal(images, given)
    assert not images.requires_grad
    assert images.grad is None
    assert all(parameter.grad is None for parameter in model.parameters())
    assert [parameter.requires_grad for parameter in model.parameters()] == [
        parameter is not first for parameter in model.parameters()
    ]
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())
    assert torch.equal(torch.get_rng_state(), random_state)
    model.train()
    first_child.eval()
    explain(model, images, method, **quick(method))
    assert [module.training for module in model.modules()] == [
        module not in set(first_child.modules()) for module in model.modules()
    ]


@pytest.mark.parametrize("method", METHODS)
def test_the_target_is_what_is_explained(method: str) -> None:
    model, images = make_network("cnn"), make_images()
    one = explain(model, images, method, targets=2, **quick(method))
    assert one.targets.tolist() == [2, 2, 2]
    mixed = explain(model, images, method, targets=[2, 0, 2], **quick(method))
    torch.testing.assert_close(mixed.maps[[0, 2]], one.maps[[0, 2]])
    assert not torch.allclose(mixed.maps[1], one.maps[1])
    torch.testing.assert_close(mixed.probabilities, model(images).softmax(1)[[0, 1, 2], [2, 0, 2]])


@pytest.mark.parametrize("method", METHODS)
def test_frozen_networks_and_switched_off_gradients(method: str) -> None:
    model, images = make_network("cnn"), make_images()
    expected = explain(model, images, method, **quick(method)).maps
    model.requires_grad_(False)
    with torch.no_grad():
        torch.testing.assert_close(explain(model, images, method, **quick(method)).maps, expected)
    with torch.inference_mode():
        made_here = images.clone()
        torch.testing.assert_close(explain(model, made_here, method, **quick(method)).maps, expected)


@pytest.mark.gpu
@pytest.mark.parametrize("method", METHODS)
def test_a_gpu_explains_as_the_cpu_does(method: str) -> None:
    model, images = make_network("cnn").double(), make_images().double()
    on_cpu = explain(model, images, method, **quick(method))
    on_gpu = explain(model.cuda(), images.cuda(), method, **quick(method))
    assert on_gpu.maps.is_cuda
    torch.testing.assert_close(on_gpu.maps.cpu(), on_cpu.maps, atol=1e-6, rtol=1e-4)


@pytest.mark.parametrize(
    ("targets", "got"),
    [(4, "targets 4"), (-1, "targets -1"), ([0, 1], "0, 1"), (0.5, "0.5"), ("cat", "cat"), (True, "True")],
)
def test_impossible_targets(targets: object, got: str) -> None:
    with pytest.raises(LoupeError, match="cannot be explained") as caught:
        explain(make_network("cnn"), make_images(), "grad-cam", targets=targets)
    assert got in str(caught.value.got)
    assert "0 to 3" in str(caught.value.allowed)


def test_images_that_do_not_fit() -> None:
    model, images = make_network("cnn"), make_images()
    for wrong in (images[0], images.byte(), images[:0], images.numpy()):
        with pytest.raises(ShapeError, match="Only a batch of images"):
            explain(model, wrong, "occlusion")
    with pytest.raises(ShapeError, match="cannot take images"):
        explain(model, make_images(in_channels=3), "occlusion")
    with pytest.raises(LoupeError, match="not where the network is"):
        explain(model, images.to("meta"), "occlusion")
    with pytest.raises(ShapeError, match="does not give logits"):
        explain(nn.Conv2d(1, 2, 3), images, "occlusion")
    assert model.training  # a refusal leaves no trace either


def test_unknown_names_and_settings() -> None:
    model, images = make_network("cnn"), make_images()
    with pytest.raises(UnknownNameError) as caught:
        explain(model, images, "gradcam")
    assert caught.value.nearest == "grad-cam"
    with pytest.raises(LoupeError, match="did you mean 'stride'"):
        explain(model, images, "occlusion", strid=2)
    with pytest.raises(LoupeError, match="≥ 1"):
        explain(model, images, "integrated-gradients", steps=0)


@pytest.mark.parametrize("method", ["integrated-gradients", "guided-backprop"])
def test_a_missing_captum_is_explained(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "captum.attr", None)
    with pytest.raises(LoupeError, match="needs the package captum") as caught:
        explain(make_network("cnn"), make_images(), method)
    assert "pip install 'loupe-bench[explain]'" in str(caught.value.next_step)


def test_a_method_of_ones_own_and_what_it_disturbs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(EXPLANATIONS, "_builders", dict(EXPLANATIONS._builders))

    @register_explanation("careless", is_signed=True)
    @dataclass(frozen=True)
    class Careless:
        factor: float = 2.0
        is_flat: bool = False

        def attribute(self, model: nn.Module, images: Tensor, targets: Tensor) -> Attribution:
            images += torch.randn_like(images)
            images.requires_grad_()
            model.train()
            model(images).sum().backward()
            maps = self.factor * images.grad.sum(1)
            return Attribution(maps[:, 0] if self.is_flat else maps, {"note": "mine"})

    model, images = make_network("cnn").eval(), make_images()
    given, random_state = images.clone(), torch.get_rng_state()
    found = explain(model, images, "careless", factor=3.0)
    assert (found.settings, found.extras) == ({"factor": 3.0, "is_flat": False}, {"note": "mine"})
    assert torch.equal(images, given)
    assert torch.equal(torch.get_rng_state(), random_state)
    assert not any(module.training for module in model.modules())
    assert all(one.grad is None and one.requires_grad for one in model.parameters())
    with pytest.raises(LoupeError, match="one map an image"):
        explain(model, images, "careless", is_flat=True)


def test_an_explanation_is_not_changed() -> None:
    found = explain(make_network("cnn"), make_images(), "grad-cam")
    with pytest.raises(AttributeError):
        found.method = "other"  # type: ignore[misc]  # frozen: the test
    assert replace(found, method="other").method == "other"


@pytest.mark.parametrize("method", METHODS)
def test_what_a_map_shows_is_said_within_a_sentence(method: str) -> None:
    found = explain(make_network("cnn"), make_images(1), method, **quick(method))
    words = describe_map(method, found.extras)
    assert words
    assert not words.endswith(".")
    assert ". " not in words


@pytest.mark.parametrize(("method", "setting"), [("occlusion", "fill"), ("integrated-gradients", "baseline")])
def test_what_stands_for_nothing_is_named(method: str, setting: str) -> None:
    def describe(**settings: float) -> str:
        found = explain(make_network("cnn"), make_images(1), method, **quick(method), **settings)
        return describe_map(method, found.extras)

    assert "class's logit" in describe()
    assert "filled with mean grey (each channel's mean" in describe()
    assert "filled with -1.5 in every channel, normalised" in describe(**{setting: -1.5})


@pytest.mark.parametrize(("stride", "words"), [(1, "1 pixel further"), (2, "2 pixels further")])
def test_one_pixel_is_no_pixels(stride: int, words: str) -> None:
    found = explain(make_network("cnn"), make_images(1), "occlusion", size=4, stride=stride)
    assert f", {words} each time" in describe_map("occlusion", found.extras)
