from dataclasses import dataclass

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from loupe.errors import LoupeError
from loupe.inspection import Attribution, check_sanity, register_explanation
from loupe.inspection.explanations import EXPLANATIONS
from loupe.inspection.sanity_check import correlate_ranks
from tests.inspection.explanations.networks import (
    draw_marked_images,
    make_images,
    make_network,
    train_on_marks,
)


@pytest.fixture
def _edges(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(EXPLANATIONS, "_builders", dict(EXPLANATIONS._builders))

    @register_explanation("edges", is_signed=False)
    @dataclass(frozen=True)
    class Edges:
        """The picture's own edges: looks like an explanation, and knows nothing of the network."""

        def attribute(self, model: nn.Module, images: Tensor, targets: Tensor) -> Attribution:
            padded = F.pad(images.mean(1), (0, 1, 0, 1))
            return Attribution((padded[:, 1:, :-1] - padded[:, :-1, :-1]).abs())


@pytest.mark.usefixtures("_edges")
def test_tells_what_depends_on_the_weights_from_what_does_not() -> None:
    model = train_on_marks("cnn", 60)
    images, labels = draw_marked_images(24, seed=8)
    images = images[labels > 0]
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    random_state = torch.get_rng_state()
    edges = check_sanity(model, images, "edges")
    assert not edges.is_sensitive
    assert [stage.correlation for stage in edges.stages] == pytest.approx([1.0] * 4)
    assert "edges does not depend on the learned weights" in edges.verdict
    for method, settings in (("grad-cam", {}), ("occlusion", {"size": 8, "stride": 4})):
        found = check_sanity(model, images, method, **settings)
        assert found.is_sensitive, found.verdict
        assert f"{method} depends on the learned weights" in found.verdict
    assert [stage.layers for stage in edges.stages] == [("logits",), ("dense1",), ("conv2",), ("conv1",)]
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert torch.equal(torch.get_rng_state(), random_state)


def test_the_seed_decides_and_stages_can_be_fewer() -> None:
    model, images = make_network("six-block"), make_images()
    first = check_sanity(model, images, "grad-cam", num_stages=3)
    assert first.stages == check_sanity(model, images, "grad-cam", num_stages=3).stages
    assert first.stages != check_sanity(model, images, "grad-cam", num_stages=3, seed=1).stages
    assert sum((stage.layers for stage in first.stages), ())[:3] == ("logits", "norm6", "conv6")
    assert sum(len(stage.layers) for stage in first.stages) == 13
    assert first.threshold == 0.5
    # the same weights are drawn, however they are grouped
    whole = check_sanity(model, images, "grad-cam", num_stages=1)
    assert whole.stages[-1].correlation == first.stages[-1].correlation
    with pytest.raises(LoupeError, match="needs a stage"):
        check_sanity(model, images, "grad-cam", num_stages=0)
    with pytest.raises(LoupeError, match="no weights to draw anew"):
        check_sanity(nn.Flatten(), images, "occlusion")


class Scaled(nn.Module):
    """A weight that belongs to no layer of torch's, and a layer that is never called by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.scales = nn.Parameter(torch.randn(784, 3))
        self.flatten = nn.Flatten()
        self.inner = Inner()
        self.tied = nn.Linear(3, 3)

    def forward(self, images: Tensor) -> Tensor:
        return F.linear(self.inner(self.flatten(images) @ self.scales), self.tied.weight)


class Inner(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(5 + 0.1 * torch.randn(3, 3))

    def forward(self, values: Tensor) -> Tensor:
        return values @ self.weight


def test_every_weight_is_drawn_anew_whoever_holds_it(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[dict[str, Tensor]] = []
    monkeypatch.setattr(EXPLANATIONS, "_builders", dict(EXPLANATIONS._builders))

    @register_explanation("watcher", is_signed=False)
    @dataclass(frozen=True)
    class Watcher:
        def attribute(self, model: nn.Module, images: Tensor, targets: Tensor) -> Attribution:
            seen.append({name: tensor.detach().clone() for name, tensor in model.named_parameters()})
            return Attribution(images[:, 0].abs())

    check_sanity(Scaled(), make_images(), "watcher")
    trained, last = seen[0], seen[-1]
    assert {name for name in trained if torch.equal(trained[name], last[name])} == set()
    assert 4 < float(last["inner.weight"].mean()) < 6  # drawn around what it was
    check_sanity(make_network("resnet"), make_images(), "watcher", num_stages=2)
    trained, first, last = seen[-3:]
    # a fresh norm starts at 1 and 0 again, as this untrained one did
    assert all("norm" in name for name in trained if torch.equal(trained[name], last[name]))
    assert torch.equal(trained["conv.weight"], first["conv.weight"])
    assert not torch.equal(trained["logits.weight"], first["logits.weight"])


def test_flat_maps_say_nothing() -> None:
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2, 2))
    blank = torch.zeros(2, 1, 28, 28)
    with pytest.raises(LoupeError, match="occlusion is flat for all"):
        check_sanity(model, blank, "occlusion", size=7, stride=7)
    mixed = torch.cat([blank, make_images()])
    assert check_sanity(model, mixed, "occlusion", size=7, stride=7).num_images == 3


def test_rank_correlation_by_hand() -> None:
    first = torch.tensor([[1.0, 2.0, 3.0, 4.0], [0.0, 0.0, 1.0, 2.0], [1.0, 2.0, 3.0, 4.0], [5.0] * 4])
    second = torch.tensor([[1.0, 10.0, 11.0, 99.0], [3.0, 1.0, 2.0, 4.0], [3.0] * 4, [7.0] * 4])
    # second row: ranks 1.5, 1.5, 3, 4 and 3, 1, 2, 4: covariance 3 over the root of 4.5 * 5
    expected = torch.tensor([1.0, 3 / (4.5 * 5) ** 0.5, 0.0, 0.0])
    torch.testing.assert_close(correlate_ranks(first, second), expected)
    torch.testing.assert_close(correlate_ranks(-first, first)[:2], torch.tensor([-1.0, -1.0]))
