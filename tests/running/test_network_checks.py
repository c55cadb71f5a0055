"""Networks that misbehave are refused or warned of before they are trained; sound ones are left in peace."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import loupe
from loupe.errors import TrainingError
from loupe.models import MODELS, objective_of
from loupe.running.network_checks import find_misbehaviour
from tests.models.test_models import SMALL

INPUTS = torch.randn(16, 1, 8, 8, generator=torch.Generator().manual_seed(0))


class Planted(nn.Module):
    """A small network, and what is done to its logits."""

    def __init__(self, change: Callable[["Planted", Tensor], Tensor] = lambda net, logits: logits) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.hidden = nn.Linear(64, 20)
        self.relu = nn.ReLU()
        self.head = nn.Linear(20, 10)
        self.change = change

    def forward(self, images: Tensor) -> Tensor:
        return self.change(self, self.head(self.relu(self.hidden(images.flatten(1)))))


def find(network: nn.Module, images: Tensor = INPUTS, **more: Any) -> list[str]:
    return find_misbehaviour(network, images, **{"is_classifier": True, "batch_size": 64, **more})


def test_a_sound_network_is_left_in_peace_and_as_it_was() -> None:
    network = nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Dropout(), nn.Linear(144, 10)
    )
    before = {name: one.clone() for name, one in network.state_dict().items()}
    state = torch.get_rng_state()
    assert find(network) == []
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(one, before[name]) for name, one in network.state_dict().items())
    assert network.training
    assert all(one.grad is None for one in network.parameters())


def reset(network: Planted, logits: Tensor) -> Tensor:
    torch.manual_seed(7)
    return logits


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda net, logits: logits.softmax(1), "add up to 1"),
        (lambda net, logits: logits.sigmoid(), "between 0 and 1"),
        (lambda net, logits: logits.relu(), "exactly 0"),
        (reset, "seeds torch's generator"),
    ],
    ids=["softmax", "sigmoid", "relu", "seed"],
)
def test_it_is_warned_of(change: Callable[[Planted, Tensor], Tensor], word: str) -> None:
    (warning,) = find(Planted(change))
    assert word in warning


def test_a_dead_layer_and_one_without_a_part_are_warned_of() -> None:
    dead = Planted()
    with torch.no_grad():
        dead.hidden.weight.zero_()
        dead.hidden.bias.fill_(-1)
    assert "Nothing but zeros comes out of relu" in find(dead)[0]
    unused = Planted()
    unused.spare = nn.Linear(3, 3)
    (warning,) = find(unused)
    assert "spare.weight, spare.bias" in warning


def test_batch_norm_over_few_images_is_warned_of() -> None:
    network = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(144, 10))
    assert "over 4 images a step" in find(network, batch_size=4)[0]


def test_log_softmax_is_no_mistake_and_an_autoencoder_may_end_in_a_sigmoid() -> None:
    assert find(Planted(lambda net, logits: logits.log_softmax(1))) == []
    assert find(Planted(lambda net, logits: logits.sigmoid()), is_classifier=False) == []


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda net, logits: F.dropout(logits, 0.5), "another answer each time"),
        (lambda net, logits: logits / 0, "not finite"),
    ],
    ids=["random", "infinite"],
)
def test_it_is_refused(change: Callable[[Planted, Tensor], Tensor], word: str) -> None:
    with pytest.raises(TrainingError, match=word):
        find(Planted(change))


@pytest.mark.parametrize("model", [name for name in MODELS if name != "timm"])
def test_no_packaged_model_is_warned_of(model: str) -> None:
    torch.manual_seed(0)
    settings = SMALL.get(model, {})
    network = loupe.build_model(model, in_channels=1, image_size=(32, 32), num_classes=10, **settings)
    images = torch.randn(4, 1, 32, 32)
    assert find(network, images, is_classifier=objective_of(model) == "classification") == []


def test_a_run_says_it(tmp_path: Any) -> None:
    plugin = tmp_path / "squashed.py"
    plugin.write_text(
        "from torch import nn\nimport loupe\n\n\n@loupe.register_model('squashed')\n"
        "def squashed(*, in_channels, image_size, num_classes):\n"
        "    return nn.Sequential(nn.Flatten(), nn.Linear(64, num_classes), nn.Softmax(1))\n",
        encoding="utf-8",
    )
    changes = ("train.epochs=1", "evaluate.look_inside=false", "model=squashed", "data.fraction=0.3")
    run = loupe.train("digits", *changes, f"run.folder={tmp_path / 'runs'}", plugins=[str(plugin)])
    assert any("add up to 1" in one for one in run.require_result().warnings)
