"""Addresses on what each operation does: what they say is what the network itself computes."""

from dataclasses import replace

import httpx
import numpy as np
import pytest
import torch
import torch.nn.functional as F

from loupe.evaluations.scaling import ScalingMethod, fit_scaling
from loupe.inspection import capture_layers
from loupe.runs import RunFolder
from loupe.using.opened_run import OpenedRun, open_run
from loupe.web.theory_handlers import describe_theory

from .conftest import Runs
from .test_inside_interface import unpack


@pytest.fixture(scope="module")
def opened(runs: Runs) -> OpenedRun:
    return open_run(RunFolder(runs.folder / runs.good), "cpu")


def test_layers_say_where_their_numbers_come_from(client: httpx.Client, runs: Runs) -> None:
    seen = client.post(f"/api/runs/{runs.good}/inspect", json={"image": "validation-0"}).json()
    layers = {layer["name"]: layer for layer in seen["layers"]}
    first, last = layers["conv1"], layers["logits"]
    assert first["facts"]["size"] == "(8 + 2·2 − 5)/1 + 1 = 8"
    assert first["facts"]["input_shape"] == [1, 8, 8]
    assert first["input_names"] == ["grey"]
    assert layers["conv2"]["input_names"] == []
    assert last["unit_names"] == [str(digit) for digit in range(10)]
    assert first["unit_names"] == []
    html = client.get(f"/api/runs/{runs.good}/sections/layers").json()["html"]
    assert "(8 + 2·2 − 5)/1 + 1 = 8" in html
    assert first["facts"]["parameters"] in html


def test_padding_is_named_and_the_last_step_is_softmax(
    client: httpx.Client, runs: Runs, opened: OpenedRun
) -> None:
    path = f"/api/runs/{runs.good}/number"
    corner = {"image": "validation-3", "layer": "conv1", "channel": 2, "row": 0, "column": 1}
    found = client.get(path, params=corner).json()
    expected = [[row < 2 or column < 1 for column in range(5)] for row in range(5)]
    assert found["is_padding"] == expected
    assert client.get(path, params={**corner, "row": 4, "column": 4}).json()["is_padding"] is None
    logit = client.get(path, params={"image": "validation-3", "layer": "logits", "channel": 6}).json()
    assert opened.classifier is not None
    probability = opened.classifier.predict(opened.validation.images[3:4])[0, 6].item()
    assert logit["steps"][-1][1].startswith("Softmax")
    assert logit["steps"][-1][2] == pytest.approx(probability, abs=1e-6)


def test_the_theory_of_an_image_is_what_the_network_does(
    client: httpx.Client, runs: Runs, opened: OpenedRun
) -> None:
    found = client.get(f"/api/runs/{runs.good}/theory", params={"image": "validation-4"}).json()
    image = opened.validation.images[4]
    with torch.no_grad():
        logits = opened.model(opened.to_inputs(image[None]))[0]
    assert found["logits"] == pytest.approx(logits.tolist(), abs=1e-5)
    assert found["target"] == int(opened.validation.labels[4])
    assert np.array_equal(unpack(found["pixels"]), image.numpy())
    last = found["last_layer"]
    made = unpack(last["weights"]) @ unpack(last["features"]) + np.array(last["bias"])
    assert made == pytest.approx(logits.numpy(), abs=1e-4)
    assert found["augmentation"]["names"] == ["padded-crop"]
    assert len(set(found["augmentation"]["draws"])) > 1
    mix = found["mix"]
    assert mix["shares"][0] == 0
    assert mix["shares"][-1] == 1
    assert mix["probabilities"][-1] == pytest.approx(logits.softmax(0).tolist(), abs=1e-5)
    partner = torch.from_numpy(unpack(mix["pixels"]).astype(np.uint8))
    with torch.no_grad():
        other = opened.model(opened.to_inputs(partner[None]))[0].softmax(0)
    assert mix["probabilities"][0] == pytest.approx(other.tolist(), abs=1e-5)


@pytest.mark.parametrize(("layer", "channel"), [("conv1", 3), ("conv2", 5)])
def test_the_working_of_a_channel_makes_its_map(
    client: httpx.Client, runs: Runs, opened: OpenedRun, layer: str, channel: int
) -> None:
    query = {"image": "validation-1", "layer": layer, "channel": channel}
    found = client.get(f"/api/runs/{runs.good}/working", params=query).json()
    inputs, weights = (torch.tensor(unpack(found[name])) for name in ("inputs", "weights"))
    made = F.conv2d(
        inputs[None],
        weights[None],
        torch.tensor([found["bias"]]),
        padding=tuple(found["geometry"]["padding"]),
    )
    expected = capture_layers(opened.model, opened.to_inputs(opened.validation.images[1:2]), [layer])[layer]
    torch.testing.assert_close(made[0, 0], expected[0, channel], atol=1e-4, rtol=0)
    np.testing.assert_allclose(unpack(found["output"]), expected[0, channel].numpy(), atol=1e-5)
    batch = capture_layers(opened.model, opened.to_inputs(opened.splits.train.images[:32]), [layer])[layer]
    assert found["batch"]["mean"] == pytest.approx(batch[:, channel].mean().item(), abs=1e-5)


def test_what_cannot_be_shown_is_said(client: httpx.Client, runs: Runs) -> None:
    dense = client.get(
        f"/api/runs/{runs.good}/working", params={"image": "validation-1", "layer": "dense1", "channel": 0}
    )
    assert dense.status_code == 400
    assert "made of maps" in dense.json()["error"]
    far = {"image": "validation-1", "layer": "conv1", "channel": 999}
    assert client.get(f"/api/runs/{runs.good}/working", params=far).status_code == 400
    remade = client.get(f"/api/runs/{runs.autoencoder}/theory", params={"image": "validation-1"})
    assert remade.status_code == 400
    assert "names no class" in remade.json()["error"]


def test_the_playground_needs_no_run(client: httpx.Client) -> None:
    found = client.get("/api/playground").json()
    assert len(found["pictures"]) == 20
    assert unpack(found["images"]).shape == (20, 8, 8)
    assert found["accuracy"] > 0.9


@pytest.mark.parametrize("method", ["none", "temperature", "vector", "isotonic"])
def test_the_softmax_is_of_what_the_run_applies(runs: Runs, opened: OpenedRun, method: ScalingMethod) -> None:
    logits = opened.run.read_predictions()["validation"]
    scaling = fit_scaling(logits, method)
    classifier = opened.classifier
    assert classifier is not None
    scaled = replace(opened, classifier=replace(classifier, scaling=scaling))
    image = opened.validation.images[3]
    found = describe_theory(scaled, image, "validation-3")
    given = torch.tensor(found.scaled_logits or found.logits) / found.temperature
    assert found.scaling == method
    assert (found.scaled_logits is None) == (method in ("none", "temperature"))
    assert torch.allclose(given.softmax(0), torch.tensor(found.probabilities), atol=1e-5)
