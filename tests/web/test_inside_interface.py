"""Addresses on the inside of networks: predictions, layers, numbers, attributions, nearest neighbours."""

import base64
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import numpy as np
import pytest
import torch

import loupe
from loupe.inspection import capture_layers, compute_features, find_neighbours
from loupe.runs import RunFolder
from loupe.using.classifier import Classifier, open_classifier
from loupe.using.nearest_neighbours import find_head, make_batches
from loupe.using.opened_run import open_run
from tests.models.buildable import MODEL_NAMES

from .conftest import QUICK, Encode, Runs, serving

pytestmark = pytest.mark.thorough

SMALL: dict[str, tuple[str, ...]] = {
    "fast-net": ("model.widths=[8, 8]",),
    "expert-net": ("model.width=8", "model.blocks=1"),
    "resnet": ("model.depth=20",),
    "autoencoder": ("model.widths=[16]", "data.normalize=unit"),
    "mlp": ("model.widths=[32, 16]",),
    "mobile-net": ("model.width=0.1",),
    "vision-transformer": ("model.width=24", "model.depth=2"),
}


@pytest.fixture(scope="module")
def classifier(runs: Runs) -> Classifier:
    return open_classifier(RunFolder(runs.folder / runs.good), "cpu")


@pytest.fixture(scope="module")
def pictures(runs: Runs) -> torch.Tensor:
    """(50, 1, 8, 8) uint8."""
    return open_run(RunFolder(runs.folder / runs.good), "cpu").validation.images[:50]


def unpack(numbers: dict[str, Any]) -> np.ndarray:
    return np.frombuffer(base64.b64decode(numbers["data"]), "<f4").reshape(numbers["shape"])


def test_fifty_predictions_at_once_are_each_right(
    client: httpx.Client, runs: Runs, classifier: Classifier, pictures: torch.Tensor, encode: Encode
) -> None:
    expected = classifier.predict(pictures)

    def ask(index: int) -> dict[str, Any]:
        files = {"image": encode(pictures[index, 0].numpy())}
        answer = client.post(f"/api/runs/{runs.good}/predict", files=files)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()["predictions"][0]
        return found

    with ThreadPoolExecutor(50) as pool:
        found = list(pool.map(ask, range(50)))
    for one, probabilities in zip(found, expected, strict=True):
        assert one["class_name"] == classifier.class_names[int(probabilities.argmax())]
        given = torch.tensor(list(one["probabilities"].values()))
        assert torch.allclose(given, probabilities, atol=1e-5)


def test_a_batch_and_a_plain_body_and_known_images_are_predicted_alike(
    client: httpx.Client, runs: Runs, pictures: torch.Tensor, encode: Encode
) -> None:
    path = f"/api/runs/{runs.good}/predict"
    encoded = [encode(picture[0].numpy()) for picture in pictures[:5]]
    batch = client.post(path, files=[("image", one) for one in encoded]).json()["predictions"]
    plain = client.post(path, content=encoded[2], headers={"content-type": "image/png"}).json()
    names = [f"validation-{index}" for index in range(5)]
    known = client.post(path, json={"images": names}).json()["predictions"]
    assert [one["class_name"] for one in batch] == [one["class_name"] for one in known]
    assert plain["predictions"][0]["class_name"] == batch[2]["class_name"]
    assert batch[2]["probability"] == pytest.approx(known[2]["probability"], abs=1e-5)


def test_another_size_is_fitted_only_as_asked(client: httpx.Client, runs: Runs, encode: Encode) -> None:
    files = {"image": encode(np.full((20, 30), 200, np.uint8))}
    refused = client.post(f"/api/runs/{runs.good}/images", files=files)
    assert refused.status_code == 400
    assert "fit" in refused.json()["next"]
    kept = client.post(f"/api/runs/{runs.good}/images", files=files, data={"fit": "crop"})
    assert kept.status_code == 200, kept.text
    seen = client.post(f"/api/runs/{runs.good}/inspect", json={"image": kept.json()["image"]})
    assert seen.json()["true_class"] is None


def test_layers_hold_what_the_network_itself_computed(client: httpx.Client, runs: Runs) -> None:
    opened = open_run(RunFolder(runs.folder / runs.good), "cpu")
    inputs = opened.to_inputs(opened.validation.images[7:8])
    seen = client.post(f"/api/runs/{runs.good}/inspect", json={"image": "validation-7"}).json()
    names = [layer["name"] for layer in seen["layers"]]
    expected = capture_layers(opened.model, inputs, names)
    for layer in seen["layers"]:
        answer = client.get(
            f"/api/runs/{runs.good}/maps", params={"image": "validation-7", "layer": layer["name"]}
        ).json()
        shown = unpack(answer["maps"]).reshape(-1)
        assert layer["shape"] == list(expected[layer["name"]].shape[1:])
        assert np.allclose(shown, expected[layer["name"]].flatten().numpy()[: len(shown)], atol=1e-5)


def test_every_number_follows_from_its_arithmetic(client: httpx.Client, runs: Runs) -> None:
    place = {"image": "validation-3", "layer": "conv2", "channel": 5, "row": 2, "column": 6}
    found = client.get(f"/api/runs/{runs.good}/number", params=place).json()
    products = unpack(found["inputs"]).astype(float) * unpack(found["weights"]).astype(float)
    assert found["value"] == pytest.approx(products.sum() + found["bias"], abs=1e-4)
    assert found["steps"][0][0] == "pool2"
    pooled = client.get(
        f"/api/runs/{runs.good}/number", params={**place, "layer": "pool2", "row": 1, "column": 3}
    ).json()
    assert pooled["form"] == "rule"
    assert pooled["value"] == pytest.approx(unpack(pooled["inputs"]).max())
    assert pooled["source"] == "conv2"
    field = client.get(f"/api/runs/{runs.good}/field", params={"layer": "conv1", "row": 4, "column": 0})
    assert field.json() == {"first_row": 2, "last_row": 6, "first_column": 0, "last_column": 2}


def test_images_are_found_by_class_and_among_mistakes(client: httpx.Client, runs: Runs) -> None:
    predictions = RunFolder(runs.folder / runs.weak).read_predictions()["validation"]
    wrong = client.get(f"/api/runs/{runs.weak}/images", params={"only": "mistakes"}).json()
    assert wrong["total"] == int((~predictions.is_right).sum()) > 0
    assert all(one["predicted"] != one["true_class"] for one in wrong["images"])
    first = wrong["images"][0]
    cell = client.get(
        f"/api/runs/{runs.weak}/images", params={"true": first["true_class"], "predicted": first["predicted"]}
    ).json()
    assert first["image"] in {one["image"] for one in cell["images"]}


def test_reasons(client: httpx.Client, runs: Runs) -> None:
    for method in ("grad-cam", "occlusion"):
        found = client.get(
            f"/api/runs/{runs.good}/attributions",
            params={"image": "validation-0", "method": method, "target": 4},
        ).json()
        assert found["target"] == "4"
        assert unpack(found["map"]).shape == (8, 8)


def test_nearest_neighbours_are_searched_further_and_further_and_come_out_exact(
    client: httpx.Client, runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("loupe.using.nearest_neighbours._SECONDS_TO_ANSWER", 0.0)
    monkeypatch.setattr("loupe.using.nearest_neighbours._LARGEST_BLOCK", 50)
    path = f"/api/runs/{runs.weak}/nearest-neighbours"
    searched, deadline = [-1], time.monotonic() + 30
    while searched[-1] < 1237 and time.monotonic() < deadline:
        found = client.get(path, params={"image": "validation-0"}).json()
        distances = [one["distance"] for one in found["images"]]
        assert distances == sorted(distances)
        assert found["num_wanted"] == found["num_training"]
        searched.append(found["num_searched"])
        if found["num_searched"] == found["num_wanted"]:
            break
    assert searched == sorted(searched)
    opened = open_run(RunFolder(runs.folder / runs.weak), "cpu")
    train, head = opened.splits.train, find_head(opened)
    of_train = compute_features(opened.model, make_batches(opened, train.images), head)
    image = make_batches(opened, opened.validation.images[:1])
    own = torch.cat(list(compute_features(opened.model, image, head)))
    nearest = find_neighbours(own, of_train, 8)
    assert distances == pytest.approx(nearest.distances[0].tolist(), abs=1e-5)
    former = client.get(f"/api/runs/{runs.weak}/kin", params={"image": "validation-0"}).json()
    assert former == client.get(path, params={"image": "validation-0"}).json()


def test_an_autoencoder_gives_its_image_back(client: httpx.Client, runs: Runs) -> None:
    said = client.post(f"/api/runs/{runs.autoencoder}/inspect", json={"image": "validation-2"}).json()
    errors = RunFolder(runs.folder / runs.autoencoder).read_reconstructions()["validation"].errors
    assert said["prediction"]["error"] == pytest.approx(float(errors[2]), rel=1e-4)
    assert said["prediction"]["remade"].startswith("data:image/png;base64,")
    why = client.get(f"/api/runs/{runs.autoencoder}/attributions", params={"image": "validation-2"})
    assert why.status_code == 400


def test_a_drawing_is_brought_to_the_size_and_place_of_digits(
    client: httpx.Client, runs: Runs, encode: Encode
) -> None:
    board = np.zeros((280, 280), np.uint8)
    board[180:260, 200:216] = 255  # a small stroke in a corner
    files = {"image": encode(board)}
    kept = client.post(f"/api/runs/{runs.good}/images", files=files, data={"kind": "drawing"}).json()
    seen = client.get(f"/api/runs/{runs.good}/maps", params={"image": kept["image"], "layer": "conv1"})
    assert seen.status_code == 200
    said = client.post(f"/api/runs/{runs.good}/predict", json={"images": [kept["image"]]}).json()
    assert said["predictions"][0]["class_name"] == "1"


@pytest.mark.parametrize("model", [one for one in MODEL_NAMES if one != "cnn"])
def test_every_registered_network_can_be_looked_into(
    model: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp(model) / "runs"
    source = () if model not in ("six-block",) else ("data.augment=[]",)
    wanted = (*QUICK, f"run.folder={folder}", "train.epochs=1", f"model={model}", *SMALL.get(model, ()))
    augment = ("data.augment=[]", "train.label_smoothing=0") if model == "autoencoder" else source
    run = loupe.train("digits", *wanted, *augment, "data.fraction=0.1", "evaluate.test=false").path.name
    with serving(folder) as address, httpx.Client(base_url=f"{address}/api/runs/{run}", timeout=60) as client:
        seen = client.post("/inspect", json={"image": "validation-1"}).json()
        for layer in seen["layers"]:
            place = {"image": "validation-1", "layer": layer["name"]}
            assert client.get("/maps", params=place).status_code == 200, layer
            number = client.get("/number", params={**place, "channel": 0})
            assert number.status_code == 200, number.text
            found = number.json()
            if layer["multiplies"]:
                assert found["total"] == pytest.approx(found["value"], abs=2e-3)
        assert client.get("/nearest-neighbours", params={"image": "validation-1"}).status_code == 200
        gates = {gate["name"]: sum(gate["weights"]) for gate in seen["gates"]}
        assert bool(gates) == (model == "expert-net")
        assert all(total == pytest.approx(1, abs=1e-5) for total in gates.values())
