"""The page is there before what answers is loaded, and nothing else is."""

import threading
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient
from starlette.types import ASGIApp

from loupe.errors import LoupeError
from loupe.web import server
from loupe.web.early_page import EarlyPage, list_page_files
from loupe.web.guards import Guard


def make_slow_application(may_go_on: threading.Event) -> ASGIApp:
    assert may_go_on.wait(30)
    return Guard(PlainTextResponse("built"))


def ask(app: ASGIApp) -> TestClient:
    return TestClient(app, base_url="http://localhost")


def test_the_page_is_served_while_the_rest_is_being_built() -> None:
    may_go_on = threading.Event()
    app = EarlyPage(lambda: make_slow_application(may_go_on), list_page_files())
    client = ask(app)
    for _ in range(2):  # the first begins the building
        answer = client.get("/")
        assert "<title>Loupe</title>" in answer.text
        assert "script-src 'self'" in answer.headers["content-security-policy"]
    assert "text/javascript" in client.get("/page/main.js").headers["content-type"]
    assert client.get("/shared/style.css").status_code == 200
    assert client.head("/").content == b""
    assert not app.build().done()
    may_go_on.set()
    assert client.get("/api/runs").text == "built"
    assert client.get("/").text == "built"


def test_the_early_page_is_guarded() -> None:
    may_go_on = threading.Event()
    app = EarlyPage(lambda: make_slow_application(may_go_on), list_page_files(), token="secret")
    assert ask(app).get("/").status_code == 401
    assert ask(app).get("/?token=secret", follow_redirects=False).status_code == 303
    assert ask(app).get("/", headers={"authorization": "Bearer secret"}).status_code == 200
    assert TestClient(app, base_url="http://elsewhere.example").get("/").status_code == 403
    may_go_on.set()


def test_every_file_of_the_page_is_there_early() -> None:
    files = list_page_files()
    assert {"/", "/page/main.js", "/page/icon.svg", "/shared/charts.js"} <= files.keys()
    assert all(path.is_file() for path in files.values())


def test_what_fails_while_it_is_built_ends_the_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise LoupeError("It cannot be built.")

    monkeypatch.setattr("loupe.web.application.create_app", fail)
    with ThreadPoolExecutor(1) as elsewhere, pytest.raises(LoupeError, match="cannot be built"):
        # a browser that other tests drive may have an event loop in this thread
        elsewhere.submit(server.serve, tmp_path, port=0, opens_browser=False).result(60)


def test_an_application_without_the_page_is_told_of_its_start_and_end() -> None:
    """The leaderboard of a class grades in a thread that its start begins."""
    told: list[str] = []

    def create(_: str | None) -> ASGIApp:
        @asynccontextmanager
        async def lifespan(_: Starlette) -> AsyncIterator[None]:
            told.append("start")
            yield
            told.append("end")

        return Starlette(lifespan=lifespan)

    with ThreadPoolExecutor(1) as elsewhere, pytest.MonkeyPatch.context() as patch:
        build = server.build_server

        def build_one_that_ends(app: ASGIApp) -> Any:
            built = build(app)
            threading.Timer(0.5, lambda: setattr(built, "should_exit", True)).start()
            return built

        patch.setattr(server, "build_server", build_one_that_ends)
        call = elsewhere.submit(server.serve_application, create, lambda _: None, port=0, opens_browser=False)
        call.result(60)
    assert told == ["start", "end"]
