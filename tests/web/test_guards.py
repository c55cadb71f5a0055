"""Whatever comes in gets a sentence and a 4xx, nothing gets out of the folder, and the server goes on."""

import io
import json
import struct
import sys
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loupe.errors import LoupeError
from loupe.web.guards import MOST_BYTES, is_allowed_host, is_loopback
from loupe.web.server import serve

from .conftest import Encode, Runs, serving

pytestmark = pytest.mark.thorough


def refused(answer: httpx.Response) -> dict[str, str]:
    """Check that an answer is an error in words, and return it."""
    assert 400 <= answer.status_code < 500, (answer.status_code, answer.text)
    said: dict[str, str] = answer.json()
    assert set(said) == {"error", "got", "allowed", "next"}
    assert said["error"].endswith(".")
    assert "Traceback" not in answer.text
    return said


def make_bomb(width: int, height: int) -> bytes:
    """Return a small PNG file that claims, and unpacks to, a huge grey image."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress(b"\0" * 4_000_000, 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.mark.parametrize("where", ["predict", "inspect", "images"])
def test_bad_uploads_are_refused_in_words(
    client: httpx.Client, runs: Runs, encode: Encode, where: str
) -> None:
    whole = encode(np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8))
    path = f"/api/runs/{runs.good}/{where}?fit=resize"
    uploads = {
        "empty": b"",
        "text": b"hello",
        "html": b"<html><script>alert(1)</script>",
        "truncated": whole[: len(whole) // 2],
        "only a header": whole[:40],
        "bomb": make_bomb(40_000, 40_000),
        "wide": make_bomb(2**31 - 1, 1),
        "postscript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n/x 1 def\n",
        "pickle": b"\x80\x04\x95\x1a\x00\x00\x00\x8c\x05posix\x8c\x06system\x93\x8c\x02id\x85R.",
        "svg": b'<svg xmlns="http://www.w3.org/2000/svg"/>',
        "gif without pixels": b"GIF89a" + b"\xff" * 20,
    }
    for name, content in uploads.items():
        said = refused(client.post(path, files={"image": (f"../../{name}.png", content)}))
        assert said["allowed"], name
        assert (said["error"] == "This image is too large.") == (name in ("bomb", "wide")), name
        refused(client.post(path, content=content, headers={"content-type": "image/png"}))
    assert client.get("/api/runs").status_code == 200


@settings(max_examples=30)
@given(data=st.data())
def test_no_damage_to_a_picture_breaks_the_server(
    address: str, runs: Runs, encode: Encode, data: st.DataObject
) -> None:
    kind = data.draw(st.sampled_from(["PNG", "JPEG", "GIF", "BMP", "WEBP"]))
    content = bytearray(encode(np.arange(192, dtype=np.uint8).reshape(8, 8, 3), kind))
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(content)))
    answer = httpx.post(
        f"{address}/api/runs/{runs.good}/predict?fit=resize", content=bytes(content[:cut]), timeout=60
    )
    assert answer.status_code < 500, answer.text
    assert "error" in answer.json() or "predictions" in answer.json()


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["image", "images", "x"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(max_examples=25)
@given(body=st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
def test_no_json_breaks_the_server(address: str, runs: Runs, body: bytes) -> None:
    for where in ("predict", "inspect", "images"):
        answer = httpx.post(
            f"{address}/api/runs/{runs.good}/{where}",
            content=body,
            headers={"content-type": "application/json"},
            timeout=60,
        )
        refused(answer)


@pytest.mark.parametrize(
    "name",
    ["%2e%2e", "%2e", "..%2f..%2fetc", "%2fetc%2fpasswd", "..\\..", "a%00b", "good:..", ":seed-0",
     "x" * 5000, "good:seed-0:seed-1", "~root", "%F0%9F%98%80"],
)  # fmt: skip
def test_identifiers_do_not_leave_the_folder(client: httpx.Client, name: str) -> None:
    for rest in ("", "/report", "/inside", "/data", "/images"):
        assert refused(client.get(f"/api/runs/{name}{rest}"))["error"].startswith(
            ("There is no", "This address")
        )
    refused(client.put(f"/api/runs/{name}/tags", json={"tags": ["x"]}))


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path, runs: Runs) -> None:
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "elsewhere").symlink_to(runs.folder / runs.good)
    with serving(tmp_path / "runs") as address:
        said = refused(httpx.get(f"{address}/api/runs/elsewhere"))
    assert said["error"] == "There is no run 'elsewhere'."


def test_static_files_do_not_leave_theirs(client: httpx.Client) -> None:
    for path in (
        "/page/..%2fserver.py",
        "/page/%2e%2e/server.py",
        "/shared/run.html",
        "/shared/..%2fpage.py",
    ):
        refused(client.get(path))


def test_a_request_beyond_the_limit_is_refused_whatever_it_says_of_itself(
    client: httpx.Client, runs: Runs
) -> None:
    path = f"/api/runs/{runs.good}/predict"
    said = refused(client.post(path, content=b"x" * (MOST_BYTES + 1)))
    assert said["error"] == "This request is too large."

    def endless() -> "list[bytes]":
        return [b"x" * 2**20 for _ in range(MOST_BYTES // 2**20 + 2)]

    answer = client.post(path, content=iter(endless()))  # in chunks: no length in the header
    assert answer.status_code == 413
    refused(client.post(path, files=[("image", b"x")] * 80))
    assert client.get("/api/runs").status_code == 200


@pytest.mark.parametrize(
    "query",
    ["image=validation-99999999999", "image=validation--1", "image=upload-00", "image=../../x",
     "image=" + "a" * 200],
)  # fmt: skip
def test_images_that_are_not_there(client: httpx.Client, runs: Runs, query: str) -> None:
    refused(client.get(f"/api/runs/{runs.good}/maps?layer=conv1&{query}"))


@pytest.mark.parametrize(
    "query",
    ["layer=conv9", "layer=__class__", "layer=conv1&page=99", "layer=conv1&page=-1", "layer=conv1&page=x",
     "layer=" + "a." * 120],
)  # fmt: skip
def test_layers_and_pages_that_are_not_there(client: httpx.Client, runs: Runs, query: str) -> None:
    refused(client.get(f"/api/runs/{runs.good}/maps?image=validation-0&{query}"))


def test_numbers_that_are_not_there(client: httpx.Client, runs: Runs) -> None:
    place = {"image": "validation-0", "layer": "conv1", "channel": 3, "row": 4, "column": 4}
    for change in ({"channel": 999}, {"row": 8}, {"column": -1}, {"layer": "relu1", "row": 8}):
        refused(client.get(f"/api/runs/{runs.good}/number", params={**place, **change}))
    refused(client.get(f"/api/runs/{runs.good}/field", params={"layer": "conv1", "row": 8}))
    refused(client.get(f"/api/runs/{runs.good}/attributions?image=validation-0&method=magic"))
    refused(client.get(f"/api/runs/{runs.good}/attributions?image=validation-0&target=10"))
    for rest in ("/images?true=99", "/images?predicted=77"):
        assert client.get(f"/api/runs/{runs.good}{rest}").json()["total"] == 0


@pytest.mark.parametrize(
    ("header", "is_right"),
    [("127.0.0.1:8321", True), ("localhost", True), ("[::1]:80", True), ("192.168.1.7:8321", True),
     ("evil.example:8321", False), ("127.0.0.1.evil.example", False), ("localhost.evil.example", False),
     ("", False), ("127.0.0.1:port", False), ("a@b@c", False)],
)  # fmt: skip
def test_only_names_that_cannot_be_rebound_are_answered(header: str, is_right: bool) -> None:
    assert is_allowed_host(header) is is_right


def test_hosts_origins_and_methods_are_checked(client: httpx.Client, runs: Runs) -> None:
    refused(client.get("/api/runs", headers={"host": "evil.example"}))
    tags = f"/api/runs/{runs.good}/tags"
    refused(client.put(tags, json={"tags": ["x"]}, headers={"origin": "https://evil.example"}))
    refused(client.put(tags, json={"tags": ["x"]}, headers={"sec-fetch-site": "cross-site"}))
    refused(client.patch(tags, json={"add": ["x"]}, headers={"origin": "https://evil.example"}))
    refused(client.delete(tags))
    answer = client.get("/api/runs", headers={"origin": "https://evil.example"})
    assert not [name for name in answer.headers if name.startswith("access-control")]
    policy = client.get("/").headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_a_token_is_wanted_where_others_can_reach_the_server(runs: Runs) -> None:
    with serving(runs.folder, token="secret", host="bench") as address:
        said = refused(httpx.get(f"{address}/api/runs"))
        assert said["error"] == "This server wants its token."
        for wrong in ("Bearer other", "Bearer", "Basic secret", "Bearer secre\xe9"):
            headers = {"authorization": wrong.encode("latin-1")}
            assert httpx.get(f"{address}/", headers=headers).status_code == 401
        right = {"authorization": "Bearer secret"}
        assert httpx.get(f"{address}/api/runs", headers=right).status_code == 200
        assert httpx.get(f"{address}/api/runs", headers={**right, "host": "bench:1"}).status_code == 200
        with httpx.Client(base_url=address) as browser:
            opened = browser.get("/?token=secret")
            assert opened.status_code == 303
            assert "httponly" in opened.headers["set-cookie"].lower()
            assert browser.get("/api/runs").status_code == 200
            assert browser.get("/?token=guess", cookies=None).status_code in (200, 401)
        assert httpx.get(f"{address}/?token=guess").status_code == 401


def test_other_machines_are_let_in_only_if_that_is_said() -> None:
    with pytest.raises(LoupeError, match="can be reached from other machines"):
        serve(Path("runs"), host="0.0.0.0", opens_browser=False)
    assert [is_loopback(host) for host in ("127.0.0.1", "::1", "localhost", "0.0.0.0", "example.org")] == [
        True, True, True, False, False]  # fmt: skip


def test_a_port_that_is_taken_is_said(address: str) -> None:
    with pytest.raises(LoupeError, match="cannot listen") as caught:
        serve(Path("runs"), port=int(address.rpartition(":")[2]), opens_browser=False)
    assert "--port 0" in (caught.value.next_step or "")


def test_a_fault_is_no_story_for_the_browser(
    client: httpx.Client, runs: Runs, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("a secret of the server")

    monkeypatch.setattr("loupe.web.handlers.find_nearest_neighbours", fail)
    answer = client.get(f"/api/runs/{runs.good}/nearest-neighbours?image=validation-0")
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert set(answer.json()) == {"error", "got", "allowed", "next"}


def test_nothing_of_an_upload_is_written(
    client: httpx.Client, runs: Runs, encode: Encode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import tempfile

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a file was opened")

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    before = sorted(str(path) for path in runs.folder.rglob("*"))
    noise = np.random.default_rng(0).integers(0, 255, (1000, 1000, 3), np.uint8)
    content = encode(noise)
    assert len(content) > 2 * io.DEFAULT_BUFFER_SIZE
    kept = client.post(f"/api/runs/{runs.good}/images", files={"image": content}, data={"fit": "resize"})
    assert kept.status_code == 200, kept.text
    assert sorted(str(path) for path in runs.folder.rglob("*")) == before


def test_without_its_packages_the_page_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "loupe.web.application")
    monkeypatch.setitem(sys.modules, "fastapi", None)
    with pytest.raises(LoupeError, match="a few more packages") as caught:
        serve(Path("runs"), opens_browser=False)
    assert caught.value.next_step == "pip install 'loupe-bench[serve]'"


def test_a_token_that_is_set_is_asked_for_at_every_address(
    runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F2-13: with LOUPE_TOKEN on a loopback address no token was asked for."""
    from loupe.web import server

    made: list[str | None] = []

    class StopError(Exception):
        pass

    def refuse(*arguments: object, **named: object) -> None:
        made.append(named.get("token"))  # type: ignore[arg-type]
        raise StopError

    monkeypatch.setattr("loupe.web.application.create_app", refuse)
    for host, token in (("127.0.0.1", "secret"), ("localhost", None)):
        monkeypatch.delenv("LOUPE_TOKEN", raising=False)
        if token is not None:
            monkeypatch.setenv("LOUPE_TOKEN", token)
        with ThreadPoolExecutor(1) as elsewhere, pytest.raises(StopError):
            # a browser that other tests drive may have an event loop in this thread
            elsewhere.submit(server.serve, runs.folder, host=host, port=0, opens_browser=False).result(60)
    assert made == ["secret", None]


def test_what_is_no_text_is_refused_in_words(client: httpx.Client, runs: Runs) -> None:
    """Half a surrogate pair is JSON and no UTF-8: the answer that repeats it could not be written."""
    path, headers = f"/api/runs/{runs.good}/tags", {"content-type": "application/json"}
    said = refused(client.patch(path, content=b'{"add": ["\\ud800"]}', headers=headers))
    assert "is no tag" in said["error"]
    long = refused(client.patch(path, json={"add": ["x" * 100_000]}))
    assert len(long["error"]) < 1_000
