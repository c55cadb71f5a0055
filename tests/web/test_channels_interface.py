"""What excites the channels of a layer, and its filters along the training, over HTTP and in Chromium."""

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import torch

import loupe
from loupe.inspection import capture_layers
from loupe.runs import RunFolder
from loupe.using.opened_run import open_run

from .browsing import CHROMIUM, wait_for_answer
from .conftest import QUICK, Runs, serving

pytestmark = pytest.mark.thorough


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    folder = tmp_path_factory.mktemp("kept") / "runs"
    run = loupe.train(
        "digits", *QUICK, f"run.folder={folder}", "name=kept", "train.epochs=4", "model.width=1",
        "run.observers=[{name = 'filter-snapshots', every = 2}]",
    )  # fmt: skip
    return RunFolder(run.path)


@pytest.fixture(scope="module")
def kept_address(kept: RunFolder) -> Iterator[str]:
    with serving(kept.path.parent) as address:
        yield address


def unpack(numbers: dict[str, Any]) -> np.ndarray:
    return np.frombuffer(base64.b64decode(numbers["data"]), "<f4").reshape(numbers["shape"])


def test_the_most_exciting_images_make_the_largest_numbers(client: httpx.Client, runs: Runs) -> None:
    found = client.get(f"/api/runs/{runs.good}/exciting", params={"layer": "relu2"}).json()
    opened = open_run(RunFolder(runs.folder / runs.good), "cpu")
    outputs = capture_layers(opened.model, opened.to_inputs(opened.validation.images), ["relu2"])["relu2"]
    largest = outputs.flatten(2).amax(2)
    assert found["num_images"] == len(opened.validation)
    assert found["num_pages"] == -(-found["total"] // 12)
    for channel in found["channels"]:
        best = channel["images"][0]
        number, (row, column) = int(best["image"].partition("-")[2]), best["place"]
        assert best["value"] == pytest.approx(float(largest[:, channel["channel"]].max()), abs=1e-5)
        assert float(outputs[number, channel["channel"], row, column]) == pytest.approx(
            best["value"], abs=1e-5
        )
        first_row, last_row, first_column, last_column = best["field"]
        assert 0 <= first_row <= last_row < 8
        assert 0 <= first_column <= last_column < 8
    assert {one["image"] for one in found["pictures"]} == {
        one["image"] for channel in found["channels"] for one in channel["images"]
    }


def test_an_unknown_layer_or_page_is_refused(client: httpx.Client, runs: Runs) -> None:
    for query in ({"layer": "relu77"}, {"layer": "relu1", "page": 99}):
        answer = client.get(f"/api/runs/{runs.good}/exciting", params=query)
        assert answer.status_code == 400, answer.text
        assert answer.json()["error"]


def test_filters_along_the_training(kept: RunFolder, kept_address: str) -> None:
    snapshots = kept.read_filter_snapshots()
    assert snapshots is not None
    address = f"{kept_address}/api/runs/{kept.path.name}/filters"
    plain = httpx.get(address, params={"layer": "conv1"}).json()
    assert plain["epochs"] == [0, 2, 4]
    assert plain["epoch"] is None
    for epoch in (0, 2, 4):
        found = httpx.get(address, params={"layer": "conv1", "epoch": epoch}).json()
        assert torch.equal(torch.tensor(unpack(found["maps"])), snapshots.weights[epoch])
        assert (found["low"], found["high"]) == (plain["low"], plain["high"]), "one scale for all"
    assert httpx.get(address, params={"layer": "conv2"}).json()["epochs"] == []
    refused = httpx.get(address, params={"layer": "conv1", "epoch": 3})
    assert refused.status_code == 400
    assert "0, 2, 4" in refused.json()["allowed"]


@pytest.mark.browser
@pytest.mark.skipif(not CHROMIUM.exists(), reason=f"there is no {CHROMIUM}: apt install chromium")
def test_the_panel_shows_what_excites_and_the_training(page: Any, kept: RunFolder, kept_address: str) -> None:
    page.goto(f"{kept_address}/#/inside/{kept.path.name}?image=validation-5&layer=relu1")
    page.get_by_role("button", name="What excites it").click()
    first = page.locator(".exciting li a").first
    first.wait_for()
    number = (first.get_attribute("href") or "").partition("image=")[2].partition("&")[0]
    first.click()
    wait_for_answer(page, number)
    page.get_by_text("max(0, x)").wait_for()  # the number itself
    page.goto(f"{kept_address}/#/inside/{kept.path.name}?image=validation-5&layer=conv1")
    page.reload()
    page.get_by_role("button", name="Its filters").click()
    slider = page.get_by_role("slider", name="Epoch of the training")
    slider.focus()
    for _ in range(3):
        page.keyboard.press("ArrowLeft")
    page.get_by_text("before training").wait_for()
    assert Path(kept.filters_file).is_file()
