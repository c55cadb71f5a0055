"""What other pages, slow connections, large requests, links and odd methods get of the server."""

import io
import shutil
import socket
import time
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from PIL import Image

from loupe.web import slow_connections

from .conftest import Runs, serving
from .test_guards import refused

pytestmark = pytest.mark.thorough


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_no_other_page_makes_the_server_work(client: httpx.Client, runs: Runs, site: str) -> None:
    """F2-14: an image of another page, at …/reasons, was computed; localhost:3000 is the same site."""
    query = {"image": "validation-0", "layer": "conv1"}
    for path in ("reasons", "maps", "nearest-neighbours", "data"):
        address = f"/api/runs/{runs.good}/{path}"
        refused(client.get(address, params=query, headers={"sec-fetch-site": site}))
        refused(client.get(address, params=query, headers={"origin": "http://localhost:1"}))
    for address in ("/", f"/api/runs/{runs.good}/report"):  # what a link leads to
        assert client.get(address, headers={"sec-fetch-site": site}).status_code == 200
    for own in ("none", "same-origin"):
        assert client.get("/api/runs", headers={"sec-fetch-site": own}).status_code == 200


def test_head_says_what_get_would(client: httpx.Client, runs: Runs) -> None:
    """F2-14: 405."""
    for address in ("/", "/api/runs", f"/api/runs/{runs.good}", f"/api/runs/{runs.good}/report", "/none"):
        got, told = client.get(address), client.head(address)
        assert told.status_code == got.status_code
        assert told.content == b""
        assert told.headers["content-length"] == got.headers["content-length"]


def test_images_that_are_large_together_are_refused_before_they_are_unpacked(
    client: httpx.Client, runs: Runs
) -> None:
    """F2-14: 64 images of 4000 × 4000 took a minute."""
    picture = io.BytesIO()
    Image.new("L", (4000, 4000)).save(picture, "PNG")
    files = [("image", ("one.png", picture.getvalue(), "image/png")) for _ in range(64)]
    began = time.monotonic()
    answer = client.post(f"/api/runs/{runs.good}/predict", files=files, data={"fit": "resize"})
    assert refused(answer)["got"] == "64 images of 1,024,000,000 pixels"
    assert time.monotonic() - began < 5


def test_slow_connections_are_closed(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    """F2-14: a connection that never finishes its request stayed for ever."""
    monkeypatch.setattr(slow_connections, "ASKING_SECONDS", 0.5)
    monkeypatch.setattr(slow_connections, "BODY_SECONDS", 0.5)
    begun = (b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: localhost\r\nX-A: b\r\n")
    answered = b"GET /page/style.css HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with serving(runs.folder) as address, ExitStack() as stack:
        place = (urlsplit(address).hostname or "", urlsplit(address).port or 0)

        def connect(said: bytes) -> socket.socket:
            one = stack.enter_context(socket.create_connection(place, timeout=5))
            one.sendall(said)
            return one

        for one in [connect(said) for said in (*begun, answered + begun[1])]:
            while one.recv(65536):  # ends when the server closes; TimeoutError if it does not
                pass
        one = connect(
            b"POST /api/runs/x/predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nslow"
        )
        assert one.recv(65536).startswith(b"HTTP/1.1 408 ")


def test_tags_are_described_as_they_are_taken(client: httpx.Client, runs: Runs) -> None:
    """F2-14: 24 tags of 64 letters by the description, 12 of 32 by the code."""
    tags = client.get("/openapi.json").json()["components"]["schemas"]["Tags"]["properties"]["tags"]
    most, longest = tags["maxItems"], tags["items"]["maxLength"]
    address = f"/api/runs/{runs.weak}/tags"
    fitting = [f"{index}".rjust(longest, "a") for index in range(most)]
    assert client.put(address, json={"tags": fitting}).json() == {"tags": fitting}
    refused(client.put(address, json={"tags": [*fitting, "b"]}))
    refused(client.put(address, json={"tags": ["a" * (longest + 1)]}))
    assert client.put(address, json={"tags": []}).json() == {"tags": []}


def test_links_out_of_the_place_are_neither_listed_nor_found(tmp_path: Path, runs: Runs) -> None:
    """F2-14: a linked run was listed and not found; a linked seed was read."""
    place = tmp_path / "runs"
    shutil.copytree(runs.folder / runs.series, place / "series")
    (place / "inside").symlink_to(place / "series")
    (place / "outside").symlink_to(runs.folder / runs.good)
    (place / "series" / "seed-9").symlink_to(runs.folder / runs.good)
    (tmp_path / "studies").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "study.toml").write_text("")
    (tmp_path / "studies" / "linked").symlink_to(tmp_path / "elsewhere")
    with serving(place) as address, httpx.Client(base_url=address) as client:
        listed = client.get("/api/runs").json()["runs"]
        assert {one["id"] for one in listed} == {"series", "inside"}
        assert all(len(one["seeds"]) == 2 for one in listed)
        for name in ("inside", "series"):
            assert client.get(f"/api/runs/{name}").status_code == 200
        for name in ("outside", "series:seed-9"):
            assert client.get(f"/api/runs/{name}").status_code == 404
        assert client.get("/api/studies").json()["studies"] == []
        assert client.get("/api/studies/linked").status_code == 404
