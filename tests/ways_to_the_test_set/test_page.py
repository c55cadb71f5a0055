"""On the page: counted, each image once."""

from collections.abc import Callable
from pathlib import Path

import pytest
from starlette.testclient import TestClient

import loupe
from loupe.runs import RunFolder
from loupe.web.application import create_app
from tests.running.test_leakage import draw, save
from tests.ways_to_the_test_set.looking import (
    assert_looks,
    count_ledger,
    list_test_files,
    list_validation_files,
)

pytestmark = pytest.mark.thorough


def ask_page(run: RunFolder, ask: Callable[[TestClient, bytes], object], file: Path) -> None:
    app = create_app(run.path.parent)
    with TestClient(app, base_url="http://localhost") as client:
        ask(client, file.read_bytes())


def _post(way: str) -> Callable[[TestClient, str, bytes], list[str]]:
    return lambda client, address, content: [
        client.post(f"{address}/{way}", files={"image": content}).raise_for_status().text
    ]


def _ask_upload(client: TestClient, address: str, content: bytes) -> list[str]:
    name = client.post(f"{address}/images", files={"image": content}).json()["image"]
    query = {"image": name, "layer": "0", "channel": 0}
    ways = ("reasons", "maps", "number", "nearest-neighbours")
    answers = [client.get(f"{address}/{way}", params=query).text for way in ways]
    return [*answers, client.post(f"{address}/inspect", json={"image": name}).text]


PAGE = {"predict": _post("predict"), "inspect": _post("inspect"), "asking about an upload": _ask_upload}


@pytest.mark.parametrize("way", PAGE)
def test_the_page_counts_a_test_image_once(run: RunFolder, way: str) -> None:
    """Layers, numbers and reasons of an upload were uncounted, and all questions to autoencoders."""

    def ask(client: TestClient, content: bytes) -> None:
        assert all(PAGE[way](client, f"/api/runs/{run.path.name}", content))

    ask_page(run, ask, list_validation_files(run)[0])
    assert_looks(run, 0)
    ask_page(run, ask, list_test_files(run)[0])
    assert_looks(run, 1)


def test_an_upload_to_one_run_that_is_shown_to_another_is_a_look_there(
    runs: tuple[RunFolder, RunFolder],
) -> None:
    first, second = runs
    with TestClient(create_app(first.path.parent), base_url="http://localhost") as client:
        content = list_test_files(first)[0].read_bytes()
        address = f"/api/runs/{first.path.name}/images"
        name = client.post(address, files={"image": content}).json()["image"]
        assert_looks(second, 0)
        client.post(f"/api/runs/{second.path.name}/inspect", json={"image": name})
    for run in runs:
        assert_looks(run, 1)


def test_the_page_counts_test_images_shown_to_an_autoencoder(tmp_path: Path) -> None:
    save(tmp_path / "images", "", draw(150, 0))
    recipe = {
        "data": {"name": "folder", "path": str(tmp_path / "images"), "normalize": "unit"},
        "model": {"name": "autoencoder", "widths": [4]},
    }
    quick = ("train.epochs=1", f"run.folder={tmp_path / 'runs'}", "evaluate.look_inside=false")
    run = loupe.train(recipe, *quick)

    def ask(client: TestClient, content: bytes) -> None:
        answer = client.post(f"/api/runs/{run.path.name}/predict", files={"image": content})
        assert answer.status_code == 200

    ask_page(run, ask, list_test_files(run)[0])
    assert (run.count_openings(), count_ledger(run)) == (2, 2)
