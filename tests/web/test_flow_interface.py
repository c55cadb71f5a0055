"""The network as one picture, over HTTP."""

import httpx
import pytest

from loupe.runs import RunFolder
from loupe.using.opened_run import open_run

from .conftest import Runs
from .test_inside_interface import unpack

pytestmark = pytest.mark.thorough


def test_the_picture_is_of_this_image_and_its_layers_are_those_of_the_page(
    client: httpx.Client, runs: Runs
) -> None:
    seen = client.post(f"/api/runs/{runs.good}/inspect", json={"image": "validation-3"}).json()
    flow = client.get(f"/api/runs/{runs.good}/flow", params={"image": "validation-3"}).json()
    assert [name for one in flow["stations"] for name in one["layers"]] == [
        one["name"] for one in seen["layers"]
    ]
    last = flow["stations"][-1]
    assert last["role"] == "softmax"
    assert unpack(last["values"]) == pytest.approx(
        list(seen["prediction"]["probabilities"].values()), abs=1e-5
    )
    assert flow["class_names"] == [str(digit) for digit in range(10)]
    assert flow["stations"][0]["values"] is None
    assert len(flow["routes"]) == len(flow["stations"]) - 1
    opened = open_run(RunFolder(runs.folder / runs.good), "cpu")
    held = sum(one.numel() for one in opened.model.parameters())
    assert sum(one["parameters"] for one in flow["stations"]) == held


def test_a_narrow_page_gets_narrow_rows(client: httpx.Client, runs: Runs) -> None:
    query = {"image": "validation-3"}
    wide, narrow = (
        client.get(f"/api/runs/{runs.good}/flow", params={**query, "width": width}).json()
        for width in (400, 60)
    )
    assert narrow["width"] <= 66
    assert narrow["height"] > wide["height"]
    assert client.get(f"/api/runs/{runs.good}/flow", params={**query, "width": 3}).status_code in (400, 422)


def test_a_network_that_gives_images_back_ends_with_one(client: httpx.Client, runs: Runs) -> None:
    flow = client.get(f"/api/runs/{runs.autoencoder}/flow", params={"image": "validation-0"}).json()
    assert flow["class_names"] == []
    assert flow["stations"][-1]["shape"] == [1, 8, 8]
