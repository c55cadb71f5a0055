"""What the page computes in the browser is what torch computes: node runs the page's own arithmetic."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from loupe.using.playground import build_network, train_playground

ROOT = Path(__file__).parents[2]
NODE = shutil.which("node")

pytestmark = pytest.mark.skipif(NODE is None, reason="there is no node: scripts of the page are not tested")


def compute(asked: list[tuple[str, list[Any]]]) -> list[Any]:
    """Return what functions of theory/arithmetic.js give, [name, arguments] each."""
    done = subprocess.run(
        [str(NODE), "tests/page/compute.js"],
        input=json.dumps(asked),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found: list[Any] = json.loads(done.stdout)
    return found


def to_map(values: Tensor) -> dict[str, Any]:
    return {"values": values.flatten().tolist(), "height": values.shape[0], "width": values.shape[1]}


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_convolutions() -> None:
    cases, asked = [], []
    for seed, (kernel, stride, padding, dilation) in enumerate(
        [(3, 1, 1, 1), (5, 1, 2, 1), (3, 2, 0, 1), (3, 3, 2, 2), (1, 1, 0, 1), (2, 2, 1, 3)]
    ):
        maps, weights = draw(3, 9, 8, seed=seed), draw(1, 3, kernel, kernel, seed=seed + 50)
        cases.append(
            F.conv2d(
                maps[None], weights, torch.tensor([0.25], dtype=torch.float64), stride, padding, dilation
            )[0, 0]
        )
        geometry = {"kernel": kernel, "stride": stride, "padding": padding, "dilation": dilation}
        kernels = [one.flatten().tolist() for one in weights[0]]
        asked.append(("convolve", [[to_map(one) for one in maps], kernels, 0.25, geometry]))
    for found, expected in zip(compute(asked), cases, strict=True):
        assert (found["height"], found["width"]) == tuple(expected.shape)
        torch.testing.assert_close(
            torch.tensor(found["values"], dtype=torch.float64).view_as(expected), expected, atol=1e-9, rtol=0
        )


@pytest.mark.parametrize("how", ["max", "average"])
def test_poolings(how: str) -> None:
    map_ = draw(9, 8)
    geometries = [(2, 2, 0), (3, 2, 1), (3, 1, 0), (8, 8, 0)]
    asked = [
        ("pool", [to_map(map_), how, {"kernel": k, "stride": s, "padding": p}]) for k, s, p in geometries
    ]
    for found, (kernel, stride, padding) in zip(compute(asked), geometries, strict=True):
        pool = F.max_pool2d if how == "max" else F.avg_pool2d
        expected = pool(map_[None, None], kernel, stride, padding)[0, 0]
        torch.testing.assert_close(
            torch.tensor(found["values"], dtype=torch.float64).view_as(expected), expected, atol=1e-9, rtol=0
        )


def test_norm_activation_and_mix() -> None:
    map_, other = draw(6, 7), draw(6, 7, seed=1)
    norm = {"mean": 0.3, "variance": 1.7, "scale": 0.8, "shift": -0.2, "eps": 1e-5}
    found = compute(
        [
            ("batchNorm", [to_map(map_), norm]),
            ("relu", [to_map(map_)]),
            ("moments", [map_.flatten().tolist()]),
            ("mix", [map_.flatten().tolist(), other.flatten().tolist(), 0.7]),
        ]
    )
    constants = [torch.tensor([one], dtype=torch.float64) for one in (0.3, 1.7, 0.8, -0.2)]
    expected = F.batch_norm(map_[None, None], *constants, eps=1e-5)[0, 0]
    torch.testing.assert_close(
        torch.tensor(found[0]["values"], dtype=torch.float64).view_as(map_), expected, atol=1e-9, rtol=0
    )
    assert found[1]["values"] == pytest.approx(map_.relu().flatten().tolist())
    assert found[2]["mean"] == pytest.approx(map_.mean().item())
    assert found[2]["variance"] == pytest.approx(map_.var(correction=0).item())
    assert found[3] == pytest.approx(torch.lerp(other, map_, 0.7).flatten().tolist())


def test_softmax_loss_and_a_step_of_descent() -> None:
    """The step is torch's own: SGD on weights and bias of the last layer."""
    features, layer, target, rate = draw(12), torch.nn.Linear(12, 5).double(), 3, 0.05
    logits = layer(features)
    loss = F.cross_entropy(logits[None], torch.tensor([target]))
    optimizer = torch.optim.SGD(layer.parameters(), lr=rate)
    loss.backward()  # type: ignore[no-untyped-call]  # torch's own stub
    optimizer.step()
    after = layer(features)
    found = compute(
        [
            ("softmax", [logits.tolist()]),
            ("softmax", [logits.tolist(), 2.5]),
            ("crossEntropy", [logits.tolist(), target]),
            ("descend", [logits.tolist(), features.tolist(), target, rate]),
            ("crossEntropy", [[1000.0, 0.0], 1]),
        ]
    )
    assert found[0] == pytest.approx(logits.softmax(0).tolist())
    assert found[1] == pytest.approx((logits / 2.5).softmax(0).tolist())
    assert found[2] == pytest.approx(loss.item())
    assert found[3]["logits"] == pytest.approx(after.tolist())
    assert found[4] == pytest.approx(1000.0)  # sure and wrong, without an overflow


def test_the_playgrounds_network_is_torchs_own() -> None:
    world = train_playground()
    model = build_network(10)
    with torch.no_grad():
        model[0].weight.copy_(world.kernels)
        model[0].bias.copy_(world.kernel_bias)
        model[-1].weight.copy_(world.weights)
        model[-1].bias.copy_(world.bias)
        inputs = world.normalization.apply(world.images[:4])
        expected = model(inputs)
    network = {
        "kernels": [one.flatten().tolist() for one in world.kernels],
        "kernelBias": world.kernel_bias.tolist(),
        "weights": world.weights.flatten().tolist(),
        "bias": world.bias.tolist(),
    }
    for found, logits in zip(
        compute([("runNetwork", [to_map(one[0]), network]) for one in inputs]), expected, strict=True
    ):
        assert found["logits"] == pytest.approx(logits.tolist(), abs=1e-4)
        assert len(found["features"]) == world.weights.shape[1]


def test_the_playground_is_the_same_at_every_start_and_knows_digits() -> None:
    first = train_playground()
    train_playground.cache_clear()
    again = train_playground()
    assert torch.equal(first.kernels, again.kernels)
    assert first.accuracy >= 0.9
    assert sorted(first.labels.tolist()) == sorted([*range(10), *range(10)])
